package answers_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// Rows of the built-in tables, with the columns that the questions read.
type (
	evalRow struct {
		ID               string   `json:"id"`
		Project          string   `json:"project"`
		RunID            string   `json:"run_id"`
		Suite            string   `json:"suite"`
		Category         string   `json:"category"`
		CaseID           string   `json:"case_id"`
		Model            string   `json:"model"`
		Attempt          int      `json:"attempt"`
		Passed           bool     `json:"passed"`
		Score            *float64 `json:"score"`
		ErrorType        *string  `json:"error_type"`
		Input            string   `json:"input"`
		Output           string   `json:"output"`
		PromptTokens     int      `json:"prompt_tokens"`
		CompletionTokens int      `json:"completion_tokens"`
		LatencyMS        *int     `json:"latency_ms"`
		CostUSD          float64  `json:"cost_usd"`
		CreatedAt        stamp    `json:"created_at"`
	}
	messageRow struct {
		ID               string   `json:"id"`
		Project          string   `json:"project"`
		ConversationID   string   `json:"conversation_id"`
		Turn             int      `json:"turn"`
		Role             string   `json:"role"`
		UserID           string   `json:"user_id"`
		Model            string   `json:"model"`
		Content          string   `json:"content"`
		FinishReason     string   `json:"finish_reason"`
		PromptTokens     int      `json:"prompt_tokens"`
		CompletionTokens int      `json:"completion_tokens"`
		LatencyMS        *int     `json:"latency_ms"`
		FirstTokenMS     *int     `json:"first_token_ms"`
		CostUSD          float64  `json:"cost_usd"`
		Score            *float64 `json:"score"`
		Refused          *bool    `json:"refused"`
		ErrorType        *string  `json:"error_type"`
		CreatedAt        stamp    `json:"created_at"`
	}
	toolRow struct {
		ID        string `json:"id"`
		Project   string `json:"project"`
		ToolName  string `json:"tool_name"`
		Model     string `json:"model"`
		Success   bool   `json:"success"`
		Attempt   int    `json:"attempt"`
		LatencyMS *int   `json:"latency_ms"`
		CreatedAt stamp  `json:"created_at"`
	}
	conversationRow struct {
		ID        string `json:"id"`
		Project   string `json:"project"`
		Model     string `json:"model"`
		Channel   string `json:"channel"`
		Status    string `json:"status"`
		StartedAt stamp  `json:"started_at"`
	}
	priceRow struct {
		ID            string  `json:"id"`
		Model         string  `json:"model"`
		ValidFrom     stamp   `json:"valid_from"`
		PromptUSD     float64 `json:"prompt_usd"`
		CompletionUSD float64 `json:"completion_usd"`
		CreatedAt     stamp   `json:"created_at"`
	}
)

// stamp is a time in milliseconds.
type stamp int64

func (s stamp) time() time.Time { return time.UnixMilli(int64(s)).UTC() }
func (s stamp) day() string     { return s.time().Format(time.DateOnly) }

// MarshalJSON writes the time as the engine reads it.
func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.time().Format("2006-01-02 15:04:05.000"))
}

// data are the rows of one data set.
type data struct {
	evals         []evalRow
	messages      []messageRow
	tools         []toolRow
	conversations []conversationRow
	prices        []priceRow
}

const day = 24 * 60 * 60 * 1000

// dice are random choices.
type dice struct{ *rand.Rand }

func (d dice) of(list ...string) string { return list[d.IntN(len(list))] }
func (d dice) chance(p float64) bool    { return d.Float64() < p }

func maybe[T any](d dice, p float64, value T) *T {
	if !d.chance(p) {
		return nil
	}
	return &value
}

// randomData returns a data set. Every seed has another shape: some have one attempt a case, some several; some are empty.
func randomData(seed uint64) data {
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	var out data
	begin := stamp(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	id := 0
	next := func() string { id++; return fmt.Sprintf("id%06d", id) }
	size := []int{0, 1, 5, 40}[min(int(seed), 3)]
	attempts, cases := 1+int(seed%3), 1+d.IntN(12)
	for run := range size / 2 {
		model, suite, project := d.of("a", "b", "c"), d.of("s1", "s2"), d.of("p", "q")
		at := begin + stamp(d.Int64N(20*day))
		skill := d.Float64()
		if at > begin+10*day {
			skill /= 3 // something got worse
		}
		for c := range cases {
			for attempt := 1; attempt <= 1+d.IntN(attempts); attempt++ {
				out.evals = append(out.evals, evalRow{
					ID: next(), Project: project, RunID: fmt.Sprintf("run%d", run), Suite: suite, Category: []string{"x", "y", "z"}[c%3], CaseID: fmt.Sprintf("case%d", c),
					Model: model, Attempt: attempt, Passed: d.chance(skill), Score: maybe(d, 0.8, d.Float64()*1.2-0.1), ErrorType: maybe(d, 0.1, "timeout"),
					PromptTokens: d.IntN(100), CompletionTokens: d.IntN(100), LatencyMS: maybe(d, 0.9, d.IntN(50)), CostUSD: d.Float64(), CreatedAt: at + stamp(c),
				})
			}
		}
	}
	for c := range size {
		out.addConversation(d, next, fmt.Sprintf("c%d", c), begin+stamp(d.Int64N(9*day)))
	}
	for range size * 5 {
		out.tools = append(out.tools, toolRow{
			ID: next(), Project: d.of("p", "q"), ToolName: d.of("search", "mail"), Model: d.of("a", "b"), Success: d.chance(0.8), Attempt: 1 + d.IntN(3),
			LatencyMS: maybe(d, 0.7, d.IntN(90)), CreatedAt: begin,
		})
	}
	for range 6 {
		out.prices = append(out.prices, priceRow{
			ID: next(), Model: d.of("a", "b"), ValidFrom: begin + stamp(d.IntN(5))*2*day, PromptUSD: d.Float64() * 10, CompletionUSD: d.Float64() * 10, CreatedAt: begin + stamp(id),
		})
	}
	return out
}

// addConversation adds a conversation and its messages.
func (out *data) addConversation(d dice, next func() string, name string, at stamp) {
	project, model, user := d.of("p", "q"), d.of("a", "b"), d.of("u1", "u2", "u3")
	out.conversations = append(out.conversations, conversationRow{
		ID: next(), Project: project, Model: model, Channel: d.of("web", "api"), Status: d.of("resolved", "abandoned", "escalated", "failed"), StartedAt: at,
	})
	for turn := range 1 + d.IntN(12) {
		at += stamp(d.IntN(60_000))
		m := messageRow{
			ID: next(), Project: project, ConversationID: name, Turn: turn, Role: d.of("user", "assistant", "user", "assistant", "tool"), UserID: user, CreatedAt: at,
			PromptTokens: d.IntN(3) * d.IntN(500),
		}
		switch m.Role {
		case "user":
			m.Content = randomPrompt(d)
		case "assistant":
			m.Model, m.FinishReason = d.of(model, model, "c"), d.of("stop", "length", "content_filter", "tool_calls")
			m.CompletionTokens, m.LatencyMS, m.FirstTokenMS = d.IntN(500), maybe(d, 0.9, d.IntN(400)), maybe(d, 0.5, d.IntN(90))
			m.CostUSD, m.Score, m.Refused, m.ErrorType = d.Float64(), maybe(d, 0.3, d.Float64()), maybe(d, 0.3, d.chance(0.2)), maybe(d, 0.1, "overloaded")
		}
		out.messages = append(out.messages, m)
	}
}

// randomPrompt returns one of a few prompts, with some words changed.
func randomPrompt(d dice) string {
	words := strings.Fields(d.of(
		"How do I change the address of my order 17 before it is sent to me ?",
		"please write a short poem about the sea and the wind in autumn , thank you",
		"Übersetze bitte den folgenden Text über Käse ins Englische und kürze ihn auf 3 Sätze",
		"too short"))
	for range d.IntN(3) {
		words[d.IntN(len(words))] = d.of("NOW", "5", "really,", words[0], "!")
	}
	return strings.Join(words, " ")
}

// database makes the built-in tables and the views in a new database, and fills the tables.
func database(t *testing.T, rows data) (*enginetest.DB, *clickhouse.Client) {
	t.Helper()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	for _, def := range schemas.Builtins() {
		table, err := ddl.NewTable(def.Schema, def.Table)
		require.NoError(t, err)
		require.NoError(t, migrate.New(client).Ensure(t.Context(), table))
	}
	applyViews(t, client)
	insert(t, db, "eval_result", rows.evals)
	insert(t, db, "message", rows.messages)
	insert(t, db, "tool_call", rows.tools)
	insert(t, db, "conversation", rows.conversations)
	insert(t, db, "model_price", rows.prices)
	return db, client
}

func applyViews(t *testing.T, client *clickhouse.Client) (applied int) {
	t.Helper()
	plans, err := answers.Plan(t.Context(), client)
	require.NoError(t, err)
	for _, plan := range plans {
		require.NoError(t, migrate.New(client).Apply(t.Context(), plan))
		applied += len(plan.Statements)
	}
	return applied
}

func insert[T any](t *testing.T, db *enginetest.DB, table string, rows []T) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	var b strings.Builder
	for _, row := range rows {
		line, err := json.Marshal(row)
		require.NoError(t, err)
		b.Write(append(line, '\n'))
	}
	db.Exec(t, "INSERT INTO "+table+" FORMAT JSONEachRow\n"+b.String())
}
