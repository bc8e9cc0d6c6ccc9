package bulk

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// benchRows is how many rows the benchmarks load, unless FACTLOAD_BENCH_ROWS
// says otherwise.
const benchRows = 100_000

// benchFile writes sample rows of a built-in schema to a file.
func benchFile(b *testing.B, schema string) (path string, rows int, target Target) {
	b.Helper()
	rows = benchRows
	if s := os.Getenv("FACTLOAD_BENCH_ROWS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(b, err)
		rows = n
	}
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(b, err)
	def, err := registry.Get(schema)
	require.NoError(b, err)
	path = filepath.Join(b.TempDir(), schema+".jsonl")
	f, err := os.Create(path)
	require.NoError(b, err)
	n, err := sample.Write(context.Background(), f, schema, rows, 1)
	require.NoError(b, err)
	require.NoError(b, f.Close())
	b.SetBytes(n)
	return path, rows, Target{Schema: def.Schema, Table: def.Table}
}

// BenchmarkLoad loads sample rows into a fresh table, everything on.
func BenchmarkLoad(b *testing.B) {
	for _, schema := range []string{"message", "eval_result"} {
		b.Run(schema, func(b *testing.B) {
			path, rows, target := benchFile(b, schema)
			db := enginetest.Database(b)
			client, err := chconn.Open(db.DSN)
			require.NoError(b, err)
			defer client.Close()
			for b.Loop() {
				b.StopTimer()
				db.Exec(b, "DROP TABLE IF EXISTS "+schema+" SYNC")
				db.Exec(b, "DROP TABLE IF EXISTS _factload_ledger SYNC")
				b.StartTimer()
				sum, err := Load(b.Context(), Config{
					Client: client, Targets: map[string]Target{schema: target}, Schema: schema,
					Inputs: []string{path}, Rejects: filepath.Join(b.TempDir(), "rejects"),
				})
				require.NoError(b, err)
				require.EqualValues(b, rows, sum.Rows)
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkLoadAgain loads a file that is loaded already.
func BenchmarkLoadAgain(b *testing.B) {
	path, rows, target := benchFile(b, "message")
	db := enginetest.Database(b)
	client, err := chconn.Open(db.DSN)
	require.NoError(b, err)
	defer client.Close()
	cfg := Config{Client: client, Targets: map[string]Target{"message": target}, Schema: "message", Inputs: []string{path}}
	_, err = Load(b.Context(), cfg)
	require.NoError(b, err)
	for b.Loop() {
		sum, err := Load(b.Context(), cfg)
		require.NoError(b, err)
		require.EqualValues(b, rows, sum.SkippedRows)
	}
}

// BenchmarkJSONEachRow is what BenchmarkLoad is compared with: the same file
// in one INSERT … FORMAT JSONEachRow over HTTP.
func BenchmarkJSONEachRow(b *testing.B) {
	for _, schema := range []string{"message", "eval_result"} {
		b.Run(schema, func(b *testing.B) {
			path, rows, target := benchFile(b, schema)
			db := enginetest.Database(b)
			table, err := ddl.NewTable(target.Schema, target.Table)
			require.NoError(b, err)
			for b.Loop() {
				b.StopTimer()
				db.Exec(b, "DROP TABLE IF EXISTS "+schema+" SYNC")
				db.Exec(b, ddl.CreateSQL(table))
				b.StartTimer()
				postJSONEachRow(b, db, schema, path)
			}
			require.Equal(b, strconv.Itoa(rows), db.Query(b, "SELECT count() FROM "+schema))
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func postJSONEachRow(b *testing.B, db *enginetest.DB, table, path string) {
	b.Helper()
	f, err := os.Open(path)
	require.NoError(b, err)
	defer f.Close()
	u, err := url.Parse(db.HTTPDSN)
	require.NoError(b, err)
	query := url.Values{
		"database":               {db.Name},
		"query":                  {"INSERT INTO " + table + " FORMAT JSONEachRow"},
		"date_time_input_format": {"best_effort"},
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/", RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, at.String(), f)
	require.NoError(b, err)
	password, _ := u.User.Password()
	req.SetBasicAuth(u.User.Username(), password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(b, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, resp.StatusCode, string(body))
}

// BenchmarkDecode decodes chunks without inserting them.
func BenchmarkDecode(b *testing.B) {
	for _, schema := range []string{"message", "eval_result"} {
		b.Run(schema, func(b *testing.B) {
			var buf bytes.Buffer
			_, err := sample.Write(b.Context(), &buf, schema, 20_000, 1)
			require.NoError(b, err)
			registry, err := schemas.NewRegistry(schemas.Builtins()...)
			require.NoError(b, err)
			def, err := registry.Get(schema)
			require.NoError(b, err)
			cfg := Config{Targets: map[string]Target{schema: {Schema: def.Schema}}, Schema: schema}.withDefaults()
			tables, err := newTables(cfg.Targets, schema, cfg.Decode)
			require.NoError(b, err)
			d := newDecoder(&cfg, tables)
			p := &piece{data: buf.Bytes(), line: 1}
			b.SetBytes(int64(buf.Len()))
			b.ReportAllocs()
			for b.Loop() {
				res := decodeOne(b, d, p)
				rows, rejected := res.rows()
				require.EqualValues(b, 20_000, rows)
				require.Zero(b, rejected)
			}
		})
	}
}

// BenchmarkDigest hashes content as the reader does.
func BenchmarkDigest(b *testing.B) {
	data := bytes.Repeat([]byte("0123456789abcdef"), mostPieceBytes/16)
	b.SetBytes(int64(len(data)))
	var d digest
	for b.Loop() {
		d.reset()
		d.write(data)
		_ = d.sum()
	}
}
