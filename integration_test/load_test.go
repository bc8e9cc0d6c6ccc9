package integration

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// load loads files and fails the test when that fails or rejects rows.
func load(t *testing.T, dsn string, defs []schemas.Definition, schema string, files ...string) bulk.Summary {
	t.Helper()
	client, err := clickhouse.Open(dsn)
	require.NoError(t, err)
	defer client.Close()
	summary, err := bulk.Load(t.Context(), bulk.Config{
		Client: client, Targets: targets(defs), Schema: schema, Inputs: files, ChunkBytes: 256 << 10,
	})
	require.NoError(t, err)
	require.Zero(t, summary.Rejected, "%v", summary.FirstRejects)
	return summary
}

func targets(defs []schemas.Definition) map[string]bulk.Target {
	out := make(map[string]bulk.Target, len(defs))
	for _, def := range defs {
		out[def.Schema.Name] = bulk.Target{Schema: def.Schema, Table: def.Table}
	}
	return out
}

func writeSample(t *testing.T, schema string, rows int) (path string, text []byte) {
	t.Helper()
	var b bytes.Buffer
	_, err := sample.Write(t.Context(), &b, schema, rows, 1)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), schema+".jsonl")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path, b.Bytes()
}

// Sample rows of every built-in schema, loaded over both protocols, are stored
// as ClickHouse itself would store the same JSON.
func TestLoadBuiltins(t *testing.T) {
	t.Parallel()
	for _, def := range schemas.Builtins() {
		name := def.Schema.Name
		if name == "model_price" || name == "event" {
			continue // users write these rows, or a log does, and there are no samples of them
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rows = 3000
			db, oracle, overHTTP := enginetest.Database(t), enginetest.Database(t), enginetest.Database(t)
			path, text := writeSample(t, name, rows)

			first := load(t, db.DSN, schemas.Builtins(), name, path)
			require.EqualValues(t, rows, first.Rows)
			require.Equal(t, rows, count(t, db.Query(t, "SELECT count() FROM `"+name+"`")))
			again := load(t, db.DSN, schemas.Builtins(), name, path)
			require.Zero(t, again.Rows)
			require.EqualValues(t, rows, again.SkippedRows)
			load(t, overHTTP.HTTPDSN, schemas.Builtins(), name, path)

			oracle.Exec(t, "CREATE TABLE `"+name+"` AS `"+db.Name+"`.`"+name+"`")
			oracle.Exec(t, "INSERT INTO `"+name+"` SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n"+string(text))
			for _, got := range []string{db.Name, overHTTP.Name} {
				requireSameRows(t, db, got, oracle.Name, name)
			}
		})
	}
}

// requireSameRows compares two tables row by row, both ways.
func requireSameRows(t *testing.T, db *enginetest.DB, a, b, table string) {
	t.Helper()
	const text = "SELECT toString(tuple(*)) AS row, count() FROM `%DB%`.`%TABLE%` GROUP BY row"
	side := func(name string) string {
		return strings.NewReplacer("%DB%", name, "%TABLE%", table).Replace(text)
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		require.Empty(t, db.Query(t, "SELECT * FROM ("+side(pair[0])+" EXCEPT "+side(pair[1])+") LIMIT 3"), "in %s and not in %s", pair[0], pair[1])
	}
}

// The questions of the demo have answers.
func TestDemoQuestions(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, name := range []string{"message", "tool_call", "eval_result"} {
		path, _ := writeSample(t, name, 4000)
		load(t, db.DSN, schemas.Builtins(), name, path)
	}
	client, err := clickhouse.Open(db.HTTPDSN)
	require.NoError(t, err)
	defer client.Close()
	files, err := filepath.Glob("../demo/*.sql")
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		sql, err := os.ReadFile(file)
		require.NoError(t, err)
		var tsv bytes.Buffer
		require.NoError(t, client.QueryFormat(t.Context(), &tsv, "TSV", string(sql)), file)
		require.GreaterOrEqual(t, strings.Count(tsv.String(), "\n"), 3, file)
	}
}

// Real files of others, with the schemas that a user would write for them. They
// are public evals, and those that are there are loaded.
func TestRealData(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("FACTLOAD_TEST_DATA")
	if dir == "" {
		t.Skip("no real data here: set FACTLOAD_TEST_DATA")
	}
	defs, err := schemas.LoadDir("testdata/schemas")
	require.NoError(t, err)
	for _, test := range []struct {
		file, schema string
		rows         int
	}{
		{"persona_agreeableness.jsonl", "persona", 1000},
		{"HumanEval.jsonl.gz", "human_eval", 164},
		{"mt_bench_question.jsonl", "mt_bench_question", 80},
		{"mt_bench_reference_answer.jsonl", "mt_bench_answer", 30},
		{"one_box_tendency.jsonl", "choice", 1000},
		{"coordinate_itself.jsonl", "choice", 1000},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, test.file)
			if _, err := os.Stat(path); err != nil {
				t.Skip(err)
			}
			db := enginetest.Database(t)
			summary := load(t, db.DSN, defs, test.schema, path)
			require.EqualValues(t, test.rows, summary.Rows)
			require.Equal(t, test.rows, count(t, db.Query(t, "SELECT count() FROM `"+test.schema+"`")))
		})
	}
}

// Facts and events of the raw log load into their own tables from one stream.
func TestLoadEnvelopes(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	lines := strings.Join([]string{
		`{"schema":"tool_call","id":"t1","data":{"project":"p","tool_name":"search","created_at":"2026-11-01T00:00:00Z","success":true}}`,
		`{"id":"r1","stream":"evals","type":"eval_run","data":{"run_id":"run-9","project":"p","started_at":"2026-11-01T00:00:00Z"},"sequence":1,"occurred_at":"2026-11-01T00:00:00Z"}`,
	}, "\n")
	summary, err := bulk.Load(context.WithoutCancel(t.Context()), bulk.Config{
		Client: client, Targets: targets(schemas.Builtins()), Inputs: []string{"-"}, Stdin: io.NopCloser(strings.NewReader(lines)),
	})
	require.NoError(t, err)
	require.Zero(t, summary.Rejected, "%v", summary.FirstRejects)
	require.Equal(t, "t1\tsearch", db.Query(t, "SELECT id, tool_name FROM tool_call"))
	require.Equal(t, "r1\trun-9", db.Query(t, "SELECT id, run_id FROM eval_run"))
}
