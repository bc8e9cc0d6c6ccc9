package answers_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
)

var update = flag.Bool("update", false, "write docs/questions.md")

// The views follow the questions and the tables, and nothing is done twice.
func TestPlanOfViews(t *testing.T) {
	t.Parallel()
	db, client := database(t, data{})
	require.Zero(t, applyViews(t, client))

	db.Exec(t, "ALTER TABLE message MODIFY COLUMN latency_ms Nullable(UInt64)")
	require.Equal(t, 2, applyViews(t, client), "the views of latency have columns of other types")
	require.Zero(t, applyViews(t, client))

	db.Exec(t, "ALTER TABLE answer_feedback MODIFY COMMENT 'of an older version [factload 0123456789abcdef]'")
	require.Equal(t, 1, applyViews(t, client))

	db.Exec(t, "CREATE OR REPLACE VIEW answer_feedback AS SELECT 1 AS theirs")
	_, err := answers.Plan(t.Context(), client)
	require.ErrorContains(t, err, `"answer_feedback" is there, and is not a view that factload has made`)
	require.Equal(t, "1", db.Query(t, "SELECT theirs FROM answer_feedback"))
}

// Without the tables of a question there is no plan for its view.
func TestPlanNeedsTables(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	plans, err := answers.Plan(t.Context(), client)
	require.NoError(t, err)
	require.Empty(t, plans)
	plans, err = answers.Plan(t.Context(), client, "conversation")
	require.NoError(t, err)
	require.Len(t, plans, 1)
	require.Equal(t, []string{"message", "model_price"}, answers.Tables("message"))
}

// The columns are documented in their order, and docs/questions.md has each question with its SQL and a sample answer.
func TestQuestionsAreDocumented(t *testing.T) {
	t.Parallel()
	db, _ := database(t, data{})
	for schema, rows := range map[string]int{"message": 2000, "conversation": 400, "tool_call": 500, "eval_result": 2000} {
		var b strings.Builder
		_, err := sample.Write(t.Context(), &b, schema, rows, 1)
		require.NoError(t, err)
		db.Exec(t, "INSERT INTO "+schema+" SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n"+b.String())
	}
	var page strings.Builder
	page.WriteString(questionsHead)
	for _, q := range answers.All() {
		fmt.Fprintf(&page, "| [%s](#%s) | `%s` | %s |\n", q.Title, strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(q.Title, "@", "")), " ", "-"), q.View(), q.Question)
	}
	for _, q := range answers.All() {
		require.NotNil(t, q.Columns, q.Name)
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n%s\n\n| column | |\n|---|---|\n", q.Title, q.Question, q.About)
		for _, c := range q.Columns {
			fmt.Fprintf(&page, "| `%s` | %s |\n", c.Name, c.Text)
		}
		parameters := ""
		for _, p := range q.Parameters {
			parameters += fmt.Sprintf(", %s = ''", p.Name)
		}
		if parameters != "" {
			parameters = "(" + parameters[2:] + ")"
		}
		var names []string
		for _, c := range q.Columns {
			names = append(names, c.Name)
		}
		require.Equal(t, strings.Join(names, "\t"), db.Query(t, "SELECT * FROM "+q.View()+parameters+" LIMIT 0 FORMAT TSVWithNames"), q.Name)
		types := db.Query(t, "SELECT * FROM "+q.View()+parameters+" LIMIT 0 FORMAT TSVWithNamesAndTypes")
		require.NotContains(t, types, "Variant", q.Name)
		answer := db.Query(t, q.Sample+" FORMAT PrettyCompactMonoBlock SETTINGS output_format_pretty_color = 0, output_format_pretty_row_numbers = 0, output_format_pretty_max_value_width = 60")
		fmt.Fprintf(&page, "\n```sql\n%s\n```\n\n```text\n%s\n```\n\nThe query:\n\n```sql\n%s\n```\n", q.Sample, answer, q.SQL)
	}
	const path = "../docs/questions.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page.String()), 0o600))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(text), page.String(), "go test ./answers -run Documented -update writes it")
}

const questionsHead = `# The shipped questions

Every question is a view of the built-in tables:

` + "```console\n$ factload apply --views\n$ factload query \"SELECT * FROM answer_pass_rate\"\n```" + `

` + "`apply --views`" + ` makes the views of the tables that are there, with the table of prices that two of them read, and brings
the views of an older version up to date; ` + "`plan --views` and `verify --views`" + ` say what differs. Every number is checked in
tests against an independent computation. Rates and shares are from 0 to 1, days are those of UTC, intervals have a level of
95%. The answers below are those of ` + "`factload sample`" + ` rows.

| | view | question |
|---|---|---|
`
