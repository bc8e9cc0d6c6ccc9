package sample_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// TestEngineTakesTheRows creates the tables of all built-in schemas, loads sample rows with the engine's own reader of
// JSON, and asks the questions that the schemas are made for.
func TestEngineTakesTheRows(t *testing.T) {
	t.Parallel()
	const rows = 12_000
	db := enginetest.Database(t)
	for _, def := range sampled() {
		name := def.Schema.Name
		table, err := ddl.NewTable(def.Schema, def.Table)
		require.NoError(t, err)
		db.Exec(t, ddl.CreateSQL(table))
		db.Exec(t, "INSERT INTO "+name+" SETTINGS input_format_skip_unknown_fields = 0 FORMAT JSONEachRow\n"+
			string(write(t, name, rows, 1)))
		require.Equal(t, "12000\t12000", db.Query(t, "SELECT count(), uniqExact(id) FROM "+name))
	}
	for _, q := range []struct {
		name, sql string
		lines     int
	}{
		{"pass rate by model and category", `SELECT model, category, round(avg(passed), 3) AS rate FROM eval_result
			GROUP BY model, category HAVING rate BETWEEN 0.05 AND 0.99 ORDER BY model, category`, 6 * 9},
		{"pass rate of function calls", `SELECT category, avg(valid) AS rate FROM eval_bfcl
			GROUP BY category HAVING rate BETWEEN 0.05 AND 0.99`, 7},
		{"latency by model", `SELECT model, quantile(0.5)(latency_ms) AS p50, quantile(0.95)(latency_ms) AS p95 FROM message
			WHERE role = 'assistant' GROUP BY model HAVING p50 > 0 AND p95 > p50`, 6},
		{"tokens per day", `SELECT toDate(created_at) AS day, sum(prompt_tokens + completion_tokens) AS tokens FROM message
			GROUP BY day HAVING tokens > 0 ORDER BY day`, 28},
		{"longest conversations", `SELECT conversation_id, title, message_count, ended_at - started_at AS duration
			FROM conversation WHERE message_count > 20 AND duration > 60 ORDER BY message_count DESC LIMIT 10`, 10},
		{"longest conversations, from the messages", `SELECT conversation_id, count() AS messages FROM message
			GROUP BY conversation_id ORDER BY messages DESC LIMIT 10`, 10},
		{"top tool errors", `SELECT tool_name, error_type, count() AS errors FROM tool_call WHERE NOT success
			GROUP BY tool_name, error_type ORDER BY errors DESC LIMIT 10`, 10},
		{"messages of a tool call", `SELECT m.id FROM tool_call AS c JOIN message AS m ON m.id = c.message_id
			WHERE m.conversation_id = c.conversation_id AND m.finish_reason = 'tool_calls' LIMIT 5`, 5},
		{"runs and their results", `SELECT r.run_id FROM eval_run AS r JOIN
			(SELECT run_id, count() AS cases, countIf(passed) AS passed FROM eval_result GROUP BY run_id) AS c USING run_id
			WHERE r.case_count = c.cases AND r.passed_count = c.passed LIMIT 20`, 20},
	} {
		answer := db.Query(t, q.sql)
		require.Len(t, strings.Split(answer, "\n"), q.lines, "%s:\n%s", q.name, answer)
	}
}
