package sample_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// allButLast drops the rows that belong to the same group as the last row: their group may go on.
func allButLast(t testing.TB, rows []row, key string) []row {
	t.Helper()
	last := rows[len(rows)-1].text(t, key)
	return slices.DeleteFunc(rows, func(r row) bool { return r.text(t, key) == last })
}

// total is what a set of rows adds up to.
type total struct {
	rows, failed, passed       int
	promptTokens, answerTokens float64
	cost                       float64
	first, last                string
	project, user              string
}

func (sum *total) add(t testing.TB, r row, at string) {
	t.Helper()
	sum.rows++
	sum.promptTokens += r.number(t, "prompt_tokens")
	sum.answerTokens += r.number(t, "completion_tokens")
	sum.cost += r.number(t, "cost_usd")
	sum.project = r.text(t, "project")
	if !r.isNull("error_type") {
		sum.failed++
	}
	if sum.first == "" {
		sum.first = r.text(t, at)
	}
	require.LessOrEqual(t, sum.last, r.text(t, at), "times ascend")
	sum.last = r.text(t, at)
}

func TestConversationsAreTheSumOfTheirRows(t *testing.T) {
	t.Parallel()
	const seed = 5
	messages, calls := map[string]*total{}, map[string]*total{}
	ids := map[string]row{}
	for _, r := range allButLast(t, rowsOf(t, "message", 3000, seed), "conversation_id") {
		id := r.text(t, "conversation_id")
		if messages[id] == nil {
			messages[id] = &total{}
		}
		require.InDelta(t, messages[id].rows, r.number(t, "turn"), 0)
		messages[id].add(t, r, "created_at")
		messages[id].user = r.text(t, "user_id")
		ids[r.text(t, "id")] = r
	}
	for _, r := range allButLast(t, rowsOf(t, "tool_call", 1000, seed), "conversation_id") {
		id := r.text(t, "conversation_id")
		if calls[id] == nil {
			calls[id] = &total{}
		}
		calls[id].add(t, r, "created_at")
		require.Equal(t, string(r["success"]) == "true", r.isNull("error_type"))
		if m, ok := ids[r.text(t, "message_id")]; ok {
			require.Equal(t, id, m.text(t, "conversation_id"))
			require.Equal(t, "tool_calls", m.text(t, "finish_reason"))
			require.Equal(t, r.text(t, "model"), m.text(t, "model"))
			require.Less(t, m.text(t, "created_at"), r.text(t, "created_at"))
		}
	}
	compared := 0
	for _, r := range rowsOf(t, "conversation", 700, seed) {
		m := messages[r.text(t, "conversation_id")]
		if m == nil {
			continue
		}
		c := calls[r.text(t, "conversation_id")]
		if c == nil {
			c = &total{}
		}
		compared++
		require.InDelta(t, m.rows, r.number(t, "message_count"), 0)
		require.InDelta(t, c.rows, r.number(t, "tool_call_count"), 0)
		require.InDelta(t, m.failed+c.failed, r.number(t, "error_count"), 0)
		require.InDelta(t, m.promptTokens, r.number(t, "prompt_tokens"), 0)
		require.InDelta(t, m.answerTokens, r.number(t, "completion_tokens"), 0)
		require.InDelta(t, m.cost, r.number(t, "cost_usd"), 1e-9)
		require.Equal(t, m.user, r.text(t, "user_id"))
		require.Equal(t, m.project, r.text(t, "project"))
		require.Equal(t, m.first, r.text(t, "started_at"))
		require.Equal(t, m.last, r.text(t, "ended_at"))
	}
	require.Equal(t, len(messages), compared, "every conversation was compared")
}

func TestRunsAreTheSumOfTheirResults(t *testing.T) {
	t.Parallel()
	for schema, verdict := range map[string]string{"eval_result": "passed", "eval_bfcl": "valid"} {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			const seed = 5
			results := map[string]*total{}
			inputs := map[string]string{}
			for _, r := range allButLast(t, rowsOf(t, schema, 2000, seed), "run_id") {
				id := r.text(t, "run_id")
				if results[id] == nil {
					results[id] = &total{}
				}
				results[id].add(t, r, "created_at")
				if string(r[verdict]) == "true" {
					results[id].passed++
					require.True(t, r.isNull("error_type"))
				}
				asked := "input"
				if schema == "eval_bfcl" {
					asked = "prompt"
				}
				name := r.text(t, "suite") + "/" + r.text(t, "case_id")
				if inputs[name] == "" {
					inputs[name] = r.text(t, asked)
				}
				require.Equal(t, inputs[name], r.text(t, asked), "a case asks the same in every run")
			}
			compared := 0
			for _, r := range rowsOf(t, "eval_run", 300, seed) {
				sum := results[r.text(t, "run_id")]
				if sum == nil {
					continue
				}
				compared++
				require.InDelta(t, sum.rows, r.number(t, "case_count"), 0)
				require.InDelta(t, sum.passed, r.number(t, "passed_count"), 0)
				require.InDelta(t, float64(sum.passed)/float64(sum.rows), r.number(t, "score"), 1e-4)
				require.InDelta(t, sum.promptTokens, r.number(t, "prompt_tokens"), 0)
				require.InDelta(t, sum.cost, r.number(t, "cost_usd"), 1e-9)
				require.Equal(t, sum.last, r.text(t, "ended_at"))
				if schema == "eval_result" {
					require.InDelta(t, sum.failed, r.number(t, "error_count"), 0)
				}
			}
			require.Equal(t, len(results), compared, "every run was compared")
		})
	}
}

func TestVerdictsAgreeWithTheAnswers(t *testing.T) {
	t.Parallel()
	verdicts := map[bool]int{}
	for _, r := range rowsOf(t, "eval_bfcl", 1500, 2) {
		valid := string(r["valid"]) == "true"
		verdicts[valid]++
		require.Equal(t, valid, string(r["expected"]) == string(r["actual"]), "%s", r)
		require.Equal(t, valid, r.isNull("error_type"))
	}
	for _, r := range rowsOf(t, "eval_result", 2500, 2) {
		passed := string(r["passed"]) == "true"
		verdicts[passed]++
		if r.isNull("grader") {
			require.False(t, passed, "an error is not a pass")
			continue
		}
		if r.text(t, "grader") != "llm_judge" {
			require.Equal(t, passed, r.text(t, "expected") == r.text(t, "output"), "%s", r)
		}
	}
	require.Greater(t, verdicts[true], 1000)
	require.Greater(t, verdicts[false], 1000)
}

// TestRowsTellAStory checks what the rows are made to show: rates, latencies and days that differ.
func TestRowsTellAStory(t *testing.T) {
	t.Parallel()
	latencies := map[string][]float64{}
	tokens := map[time.Weekday]float64{}
	for _, r := range rowsOf(t, "message", 6000, 1) {
		if r["model"] == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, r.text(t, "created_at"))
		require.NoError(t, err)
		tokens[at.Weekday()] += r.number(t, "completion_tokens")
		if !r.isNull("latency_ms") {
			model := r.text(t, "model")
			latencies[model] = append(latencies[model], r.number(t, "latency_ms"))
		}
	}
	require.Len(t, latencies, 6)
	for model, all := range latencies {
		slices.Sort(all)
		require.Greater(t, all[len(all)*95/100], 2*all[len(all)/2], "%s has a long tail", model)
	}
	median := func(model string) float64 { return latencies[model][len(latencies[model])/2] }
	require.Greater(t, median("atlas-large"), 2*median("atlas-mini"))
	require.Greater(t, tokens[time.Tuesday], 1.5*tokens[time.Sunday])

	calls, failed := map[string]float64{}, map[string]float64{}
	for _, r := range rowsOf(t, "tool_call", 3000, 1) {
		calls[r.text(t, "tool_name")]++
		if string(r["success"]) == "false" {
			failed[r.text(t, "tool_name")]++
		}
	}
	require.Len(t, calls, 8)
	require.Greater(t, failed["fetch_url"]/calls["fetch_url"], 4*failed["search_docs"]/calls["search_docs"])

	type group struct{ model, category string }
	passed, cases := map[group]float64{}, map[group]float64{}
	for _, r := range rowsOf(t, "eval_result", 4000, 1) {
		g := group{r.text(t, "model"), r.text(t, "category")}
		cases[g]++
		if string(r["passed"]) == "true" {
			passed[g]++
		}
	}
	rate := func(model, category string) float64 {
		g := group{model, category}
		return passed[g] / cases[g]
	}
	require.Greater(t, rate("atlas-large", "math"), rate("corvus-8b", "math")+0.2)
	require.Greater(t, rate("atlas-large", "explain"), rate("atlas-large", "math")+0.1)
}
