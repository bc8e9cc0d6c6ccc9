package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
	"github.com/factload/factload/schemas/infer"
)

// inferred returns the schema of files, read back from its YAML.
func inferred(t *testing.T, files ...string) []schemas.Definition {
	t.Helper()
	var in infer.Builder
	for line, err := range bulk.Lines(t.Context(), files, nil, bulk.DefaultMaxLineBytes) {
		require.NoError(t, err)
		require.NoError(t, in.Add(line.Text))
	}
	var text bytes.Buffer
	require.NoError(t, in.WriteYAML(&text, "t"))
	defs, err := schemas.Parse("t.yaml", text.Bytes())
	require.NoError(t, err, text.String())
	return defs
}

// Files as people have them are inferred, loaded without a rejected row, and asked by plain columns.
func TestInferLoadAsk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ files, query, want string }{
		{"01_epoch_seconds_created", "SELECT toString(max(created)), sum(prompt_tokens) FROM t", "2025-10-10 09:53:23.000\t39"},
		{"03_epoch_millis_ints", "SELECT avg(date_diff('ms', start_time_ms, end_time_ms)) FROM t", "1245"},
		{"04_epoch_nanos_in_quotes", "SELECT date_diff('ms', min(startTimeUnixNano), max(endTimeUnixNano)), sum(input_tokens) FROM t", "3245\t215"},
		{"05_openai_batch_output", "SELECT sum(total_tokens), countIf(status_code = 429), anyIf(model, model != ''), groupArray(error_code), groupArray(error_type) FROM t", "24\t1\tgpt-x\t['batch_expired']\t['rate_limit']"},
		{"06_day1 06_day2", "SELECT sum(score), countIf(prompt_tokens IS NULL), countIf(error = 'timeout'), sum(cached_tokens) FROM t", "3.5\t1\t2\t4"},
		{"10_keys_with_dots_spaces_unicode_reserved", "SELECT sum(`gen_ai.usage.input_tokens`), max(oid) FROM t", "27\t65b"},
		{"11_keys_that_differ_in_case_only", "SELECT Model, model, MODEL FROM t", "a\tb\tc"},
		{"13_empty_key_from_pandas_index", "SELECT sum(unnamed), groupArray(prompt) FROM (SELECT * FROM t ORDER BY prompt)", "1\t['a','b']"},
		{"14_rows_that_look_like_envelopes", "SELECT schema, data_name, n FROM t ORDER BY schema", "invoice\t\\N\t1\nperson\tA\t\\N"},
		{"17_key_and_dotted_key", "SELECT prompt_tokens, `usage.prompt_tokens`, n_a, `n.b` FROM t ORDER BY id", "3\t3\t[1]\t[1,2]\n4\t4\t[1,5]\t[1]"},
		{"18_numbers_in_quotes", "SELECT round(sum(spend), 5), sum(total_tokens), sum(latency), countIf(cache_hit = 'True') FROM t", "0.00046\t219\t1.5\t1"},
		{"19_nan_and_infinity_from_python", "SELECT avg(acc), avg(bleu), countIf(mae IS NULL) FROM t", "0.3333333333333333\t0.25\t1"},
		{"20_dates_in_other_forms", "SELECT toString(min(t_utc)), toString(min(t_off)) FROM t", "2026-01-02 03:04:05.123456789\t2026-01-02 03:04:05.000"},
		{"33_lone_surrogate_in_truncated_output", "SELECT content FROM t WHERE id = 'a'", "cut in the middle of an emoji \ufffd"},
		{"35_mixed_string_or_list_content", "SELECT countIf(content LIKE '\"%'), countIf(content LIKE '[%') FROM t", "1\t2"},
		{"37_day1", "SELECT count(), countIf(error IS NULL) FROM t", "1\t1"},
		{"37_day1 37_day2", "SELECT groupArray(error) FROM t", "['timeout']"},
		{"40_int_scores_then_a_fraction", "SELECT sum(score) FROM t", "1.5"},
		{"41_prompt_completion_only", "SELECT count() FROM t", "2"},
		{"44_json_missing_in_a_row_cannot_be_unnested", "SELECT length(JSONExtractArrayRaw(message_content)) FROM t ORDER BY 1", "0\n1"},
		{"anthropic_batch_results", "SELECT sum(input_tokens + output_tokens), countIf(result_type = 'errored'), anyIf(error_error_type, error_error_type != '') FROM t", "91\t1\tinvalid_request_error"},
	} {
		t.Run(c.files, func(t *testing.T) {
			t.Parallel()
			var files []string
			for _, name := range strings.Fields(c.files) {
				files = append(files, filepath.Join("testdata/cases", name+".jsonl"))
			}
			db := enginetest.Database(t)
			defs := inferred(t, files...)
			load(t, db.DSN, defs, "t", files...)
			require.Equal(t, c.want, strings.TrimSpace(db.Query(t, c.query)))
		})
	}
}

// A schema of the first rows of a file, whose scores are whole numbers, takes a later fraction.
func TestInferredScoresHaveRoom(t *testing.T) {
	t.Parallel()
	lines, err := os.ReadFile("testdata/cases/40_int_scores_then_a_fraction.jsonl")
	require.NoError(t, err)
	first := filepath.Join(t.TempDir(), "first.jsonl")
	require.NoError(t, os.WriteFile(first, bytes.Join(bytes.SplitAfter(lines, []byte("\n"))[:2], nil), 0o600))
	db := enginetest.Database(t)
	load(t, db.DSN, inferred(t, first), "t", "testdata/cases/40_int_scores_then_a_fraction.jsonl")
	require.Equal(t, "1.5", strings.TrimSpace(db.Query(t, "SELECT sum(score) FROM t")))
}

// 1,100 keys are 1,100 columns.
func TestInferWideRows(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for row := range 5 {
		wide := map[string]any{"id": fmt.Sprint(row)}
		for i := range 1100 {
			wide[fmt.Sprintf("attributes.llm.output_messages.%d.score", i)] = float64(i) / 2
		}
		line, err := json.Marshal(wide)
		require.NoError(t, err)
		b.Write(append(line, '\n'))
	}
	file := filepath.Join(t.TempDir(), "wide.jsonl")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	db := enginetest.Database(t)
	defs := inferred(t, file)
	require.Len(t, defs[0].Schema.Fields, 1101)
	load(t, db.DSN, defs, "t", file)
	require.Equal(t, "5\t2747.5", strings.TrimSpace(db.Query(t, "SELECT count(), sum(`attributes.llm.output_messages.1099.score`) FROM t")))
}

// Of rows that come again, the newest is seen, whichever file it came in.
func TestReplaceBy(t *testing.T) {
	t.Parallel()
	const schema = "name: t\norder_by: [id]\nreplace_by: updated_at\nfields:\n" +
		"  - {name: id, type: string}\n  - {name: name, type: string}\n  - {name: updated_at, from: updatedAt, type: datetime64}\n" +
		"  - {name: totalCost, type: float64}\n  - {name: feedback, type: int64, null: default}\n"
	defs, err := schemas.Parse("t.yaml", []byte(schema))
	require.NoError(t, err)
	db := enginetest.Database(t)
	load(t, db.DSN, defs, "t", "testdata/cases/07_rows_updated_day2.jsonl")
	load(t, db.DSN, defs, "t", "testdata/cases/07_rows_updated_day1.jsonl")
	const answer = "SELECT count(), sum(totalCost), sum(feedback) FROM "
	const want = "3\t0.06\t1"
	require.Equal(t, want, strings.TrimSpace(db.Query(t, answer+"t FINAL")))
	require.Equal(t, want, strings.TrimSpace(db.Query(t, answer+"t SETTINGS final = 1")))
	db.Exec(t, "CREATE VIEW latest AS SELECT * FROM t FINAL")
	require.Equal(t, want, strings.TrimSpace(db.Query(t, answer+"latest")))
}
