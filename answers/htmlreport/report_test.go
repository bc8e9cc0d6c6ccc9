package htmlreport_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/answers/htmlreport"
)

func TestMake(t *testing.T) {
	t.Parallel()
	db, client := database(t)
	insertSamples(t, db)
	r, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	without := 0 // parameters
	for _, q := range answers.All() {
		if len(q.Parameters) == 0 {
			without++
		}
	}
	require.Len(t, r.Answers, without)
	require.Equal(t, []string{"the whole time", "the last 7 days", "the last day"}, names(r))
	for _, a := range r.Answers {
		for i, part := range a.Parts {
			if i == 0 {
				require.NotEmpty(t, part.Rows, a.Name)
				require.Len(t, part.Rows[0], len(a.Columns), a.Name)
			}
			// What the page shows is what its SQL says.
			if part.More == 0 {
				rows := db.Query(t, "SELECT count() FROM ("+part.SQL+")")
				require.Equal(t, rows, number(len(part.Rows)), "%s, %s", a.Name, r.Windows[i].Name)
			}
		}
		for _, column := range a.Columns {
			require.NotEmpty(t, column.Text, "%s.%s", a.Name, column.Name)
		}
	}
	var page bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	require.Less(t, page.Len(), 2_000_000)

	chats, err := htmlreport.Make(t.Context(), client, "chat")
	require.NoError(t, err)
	evals, err := htmlreport.Make(t.Context(), client, "eval")
	require.NoError(t, err)
	require.Equal(t, without, len(chats.Answers)+len(evals.Answers))
}

// A window has the facts since then, of the newest day that there is.
func TestWindows(t *testing.T) {
	t.Parallel()
	db, client := database(t)
	db.Exec(t, `INSERT INTO message (id, role, model, latency_ms, created_at) VALUES
		('1', 'assistant', 'm', 10, '2026-01-01 12:00:00'), ('2', 'assistant', 'm', 20, '2026-03-01 00:00:00'), ('3', 'assistant', 'm', 30, '2026-03-07 23:59:59.999')`)
	r, err := htmlreport.Make(t.Context(), client, "chat")
	require.NoError(t, err)
	require.Equal(t, []string{"the whole time", "the last 30 days", "the last 7 days", "the last day"}, names(r))
	require.Equal(t, "latency", r.Answers[0].Name)
	var calls []string
	for _, part := range r.Answers[0].Parts {
		calls = append(calls, string(part.Rows[0][2]))
	}
	require.Equal(t, []string{"3", "2", "2", "1"}, calls)
}

// Empty tables have a report, no tables have none, and any table has one.
func TestOtherTables(t *testing.T) {
	t.Parallel()
	db, client := database(t)
	r, err := htmlreport.Make(t.Context(), client, "eval")
	require.NoError(t, err)
	require.Empty(t, r.Answers[0].Parts[0].Rows)

	db.Exec(t, "CREATE TABLE `my \\`table` (`a b` Nullable(Float64), k LowCardinality(String), at DateTime, texts Array(String)) ENGINE = Memory")
	db.Exec(t, "INSERT INTO `my \\`table` VALUES (1.5, 'x', '2026-01-01 10:00:00', []), (NULL, 'x', '2026-01-02 10:00:00', []), (3, '</script>', '2026-01-02 11:00:00', [])")
	r, err = htmlreport.Make(t.Context(), client, "my `table")
	require.NoError(t, err)
	shown := map[string]string{}
	for _, a := range r.Answers {
		rows, err := json.Marshal(a.Parts[0].Rows)
		require.NoError(t, err)
		shown[a.Title] = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\/`, "/").Replace(string(rows))
	}
	require.Equal(t, map[string]string{
		"Rows per day": `[["2026-01-01",1],["2026-01-02",2]]`,
		"Numbers":      `[["a b",2,1.5,1.5,3,3,2.25]]`,
		"Rows by k":    `[["x",2],["</script>",1]]`,
	}, shown)
	var page bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	require.Equal(t, 3, strings.Count(page.String(), "</script>"), "texts of rows cannot end a script")

	_, err = htmlreport.Make(t.Context(), client, "nothing")
	require.ErrorContains(t, err, `there is no table "nothing"`)
	for _, table := range []string{"message", "conversation", "tool_call", "eval_result"} {
		db.Exec(t, "DROP TABLE "+table)
	}
	_, err = htmlreport.Make(t.Context(), client, "")
	require.ErrorContains(t, err, "nothing to report")
}

// The library in the page is the one that scripts/report-plot.sh makes.
func TestPlotIsPinned(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("page/plot.js")
	require.NoError(t, err)
	pinned, err := os.ReadFile("plot/plot.sha256")
	require.NoError(t, err)
	sum := sha256.Sum256(code)
	require.Equal(t, hex.EncodeToString(sum[:])+"  page/plot.js\n", string(pinned))
}

func names(r *htmlreport.Report) []string {
	var out []string
	for _, w := range r.Windows {
		out = append(out, w.Name)
	}
	return out
}

func number(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}
