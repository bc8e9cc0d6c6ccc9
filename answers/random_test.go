package answers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// Each answer equals what is computed here in another way from the same random rows.
func TestSoakAnswersEqualAnIndependentComputation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Scale(3, 100)) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			d := randomData(seed)
			db, client := database(t, d)
			const a, b = "run0", "run1"
			both := fmt.Sprintf("(run_a = '%s', run_b = '%s')", a, b)
			asked := map[string]bool{}
			for _, c := range []struct {
				question, parameters string
				keys                 int
				want                 answer
			}{
				{"pass_rate", "", 4, wantPassRate(d)},
				{"pass_at_k", "", 5, wantPassAtK(d)},
				{"compare_runs", both, 3, wantCompareRuns(d, a, b)},
				{"compare_totals", both, 1, wantCompareTotals(d, a, b)},
				{"compare_flips", both, 3, wantCompareFlips(d, a, b)},
				{"compare_baseline", fmt.Sprintf("(baseline = '%s')", a), 1, wantCompareBaseline(d, a)},
				{"score_distribution", "", 4, wantScoreDistribution(d)},
				{"pass_rate_changes", "", 4, wantPassRateChanges(d)},
				{"latency", "", 2, wantLatencies(d)},
				{"latency_per_day", "", 3, wantLatencyPerDay(d)},
				{"usage_per_day", "", 3, wantUsage(d, func(r messageRow) [3]string { return [3]string{r.Project, r.CreatedAt.day(), r.Model} })},
				{"usage_per_user", "", 3, wantUsage(d, func(r messageRow) [3]string { return [3]string{r.Project, r.UserID, r.Model} })},
				{"error_rate", "", 3, wantErrorRate(d)},
				{"tool_calls", "", 3, wantToolCalls(d)},
				{"conversation_length", "", 3, wantConversationLength(d)},
				{"turn_times", "", 3, wantTurnTimes(d)},
				{"abandonment", "", 3, wantAbandonment(d)},
				{"feedback", "", 2, wantFeedback(d)},
				{"near_duplicate_prompts", "", 2, wantNearDuplicates(d)},
			} {
				asked[c.question] = true
				requireAnswer(t, c.question, c.want, ask(t, db, c.question, c.parameters, c.keys))
			}
			for _, q := range answers.All() {
				require.True(t, asked[q.Name], "%s is not compared", q.Name)
			}

			// Naming all runs gives the correction of the view.
			baseline := ask(t, db, "compare_baseline", fmt.Sprintf("(baseline = '%s')", a), 1)
			var runs []string
			for k := range baseline {
				runs = append(runs, k[0].(string))
			}
			comparisons, err := answers.CompareAll(t.Context(), client, a, runs...)
			require.NoError(t, err)
			for _, c := range comparisons {
				require.InDelta(t, baseline[key(c.B.ID)][10], c.All.PAdjusted, 1e-9)
			}
		})
	}
}

// ask returns the answer of a view. The first columns are the key.
func ask(t *testing.T, db *enginetest.DB, question, parameters string, keys int) answer {
	t.Helper()
	out := answer{}
	text := db.Query(t, "SELECT * FROM answer_"+question+parameters+" FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 1")
	for line := range strings.Lines(text) {
		var row []any
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		k := key(row[:keys]...)
		require.NotContains(t, out, k, question)
		out[k] = row[keys:]
	}
	return out
}

func requireAnswer(t *testing.T, question string, want, got answer) {
	t.Helper()
	want = numbered(want)
	for k := range maps.Keys(want) {
		require.Contains(t, got, k, question)
	}
	require.Len(t, got, len(want), question)
	for k, values := range want {
		require.Len(t, got[k], len(values), "%s %v", question, k)
		for i, value := range values {
			x, ok := value.(float64)
			if y, both := got[k][i].(float64); ok && both {
				require.LessOrEqual(t, math.Abs(x-y), 1e-9*max(1, math.Abs(x)), "%s %v: value %d: want %v, got %v", question, k, i, x, y)
				continue
			}
			require.Equal(t, value, got[k][i], "%s %v: value %d", question, k, i)
		}
	}
}

// numbered returns the answer with all numbers as JSON has them.
func numbered(a answer) answer {
	number := func(v any) any {
		if n, ok := v.(int); ok {
			return float64(n)
		}
		return v
	}
	out := answer{}
	for k, values := range a {
		for i := range k {
			k[i] = number(k[i])
		}
		row := make([]any, len(values))
		for i := range values {
			row[i] = number(values[i])
		}
		out[k] = row
	}
	return out
}
