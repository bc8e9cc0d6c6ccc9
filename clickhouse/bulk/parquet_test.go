package bulk

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// parquetOf returns the answer of a query as a Parquet file that the engine writes.
func (r *room) parquetOf(sql string) []byte {
	r.t.Helper()
	var file bytes.Buffer
	require.NoError(r.t, r.client.QueryFormat(r.t.Context(), &file, "Parquet", sql))
	return file.Bytes()
}

// linesOf returns rows of the engine as JSON lines.
func (r *room) linesOf(sql string) []byte {
	r.t.Helper()
	var file bytes.Buffer
	require.NoError(r.t, r.client.QueryFormat(r.t.Context(), &file, "JSONEachRow", sql))
	return file.Bytes()
}

// TestSoakRowsOfEngine loads what the engine has written, of all kinds of columns, as Parquet,
// as lines, and two objects deep, and compares.
func TestSoakRowsOfEngine(t *testing.T) {
	t.Parallel()
	fields := []fact.Field{
		{Name: "n", Type: fact.UInt64},
		{Name: "i", Type: fact.Int32, Nullable: true},
		{Name: "text", Type: fact.String, Nullable: true},
		{Name: "kind", Type: fact.LowCardinalityString},
		{Name: "ok", Type: fact.Bool},
		{Name: "f32", Type: fact.Float32},
		{Name: "f64", Type: fact.Float64, Nullable: true, NaNIsNull: true},
		{Name: "cost", Type: fact.Decimal, Scale: 6, Precision: 30},
		{Name: "day", Type: fact.Date},
		{Name: "at", Type: fact.DateTime64, Precision: 6, Nullable: true},
		{Name: "run", Type: fact.UUID},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "labels", Type: fact.StringMap},
		{Name: "usage", Type: fact.JSON},
	}
	rows := soak.Scale(3000, 1_000_000)
	sql := fmt.Sprintf(`SELECT number AS n, if(number %% 7 = 0, NULL, toInt32(cityHash64(number))) AS i, if(number %% 5 = 0, NULL, concat('t"\n', toString(number))) AS text,
	['a','b','ü'][number %% 3 + 1] AS kind, toBool(number %% 2) AS ok, toFloat32(cityHash64(number) / 3e7) AS f32, multiIf(number %% 11 = 0, nan, number %% 11 = 1, NULL, cityHash64(number, 1) / 7) AS f64,
	toDecimal128(toInt64(cityHash64(number, 2)), 6) / 1000 AS cost, toDate(number %% 60000) AS day, if(number %% 9 = 0, NULL, fromUnixTimestamp64Micro(toInt64(cityHash64(number, 3) %% 4000000000000000), 'UTC')) AS at,
	toUUID(format('61f0c404-5cb3-11e7-907b-{}', leftPad(toString(number), 12, '0'))) AS run, arrayMap(x -> toString(x), range(number %% 4)) AS tags,
	mapFromArrays(arrayMap(x -> concat('k', toString(x)), range(number %% 3)), arrayMap(x -> toString(x), range(number %% 3))) AS labels
	FROM numbers(%d)`, rows)
	withUsage := "(SELECT *, tuple(n AS input, text AS output) AS usage FROM (" + sql + "))"
	const named = " SETTINGS enable_named_columns_in_function_tuple = 1"
	const columns = "n, i, text, kind, ok, f32, %s, cost, day, at, run, tags, labels"
	nested := "SELECT tuple(tuple(" + fmt.Sprintf(columns, "f64") + ", usage) AS body) AS response FROM " + withUsage + named
	hash := "SELECT count(), sum(cityHash64(toString(tuple(" + fmt.Sprintf(columns, "if(isNaN(f64), NULL, f64)") + ")))) FROM "
	for name, file := range map[string]func(*room) []byte{
		"parquet": func(r *room) []byte {
			return r.parquetOf("SELECT * FROM " + withUsage + named + ", output_format_parquet_row_group_size = 1000")
		},
		"flat":   func(r *room) []byte { return r.linesOf("SELECT * FROM " + withUsage + named) },
		"nested": func(r *room) []byte { return r.linesOf(nested) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			cfg := r.config(r.file("calls", file(r)))
			fields := slices.Clone(fields)
			for i := range fields {
				if name == "nested" {
					fields[i].From = "response.body." + fields[i].Name
				}
			}
			cfg.Targets = map[string]Target{"calls": {Schema: fact.Schema{Name: "calls", Fields: fields, OrderBy: []string{"n"}}}}
			cfg.Schema, cfg.ChunkBytes = "calls", 1<<20
			sum := r.load(cfg)
			require.EqualValues(t, rows, sum.Rows, "%v", sum.FirstRejects)
			require.Equal(t, r.Query(t, hash+"("+sql+")"), r.Query(t, hash+"calls"))
			require.Equal(t, "0", r.Query(t, "SELECT count() FROM calls WHERE JSONExtractUInt(usage, 'input') != n OR JSONExtract(usage, 'output', 'Nullable(String)') IS DISTINCT FROM text"))
			require.Zero(t, r.load(cfg).Rows)
		})
	}
}

// TestParquetRejects tells rows by their number, and a damaged file by its name.
func TestParquetRejects(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	file := r.parquetOf("SELECT toInt64(number) - 1 AS id, 'x' AS text FROM numbers(3)")
	cfg := r.config(r.file("a.parquet", file))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	sum := r.load(cfg)
	require.EqualValues(t, 2, sum.Rows)
	entries := r.rejects(cfg)
	require.Len(t, entries, 1)
	require.EqualValues(t, 1, entries[0].Line)
	require.Zero(t, entries[0].Offset)
	require.Equal(t, `{"id":-1,"text":"x"}`, entries[0].Raw)

	cfg = r.config(r.file("b.parquet", file[:len(file)-1]))
	_, err := Load(t.Context(), cfg)
	var e *InputError
	require.ErrorAs(t, err, &e)
	require.ErrorContains(t, err, "b.parquet: the Parquet file cannot be read: it is damaged or cut")
}
