package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/factload/factload/fact"
)

// message is what is recorded: a chat message of half a kilobyte.
type message struct {
	ID           string    `fact:"id,fact_id"`
	Conversation string    `fact:"conversation_id"`
	Role         string    `fact:"role,low_cardinality"`
	Model        string    `fact:"model,low_cardinality"`
	Content      string    `fact:"content"`
	InputTokens  uint32    `fact:"input_tokens,uint32"`
	OutputTokens uint32    `fact:"output_tokens,uint32"`
	LatencyMS    float64   `fact:"latency_ms"`
	Success      bool      `fact:"success"`
	CreatedAt    time.Time `fact:"created_at"`
}

// columns are the columns of a message, in order.
const columns = "id, conversation_id, role, model, content, input_tokens, output_tokens, latency_ms, success, created_at"

// values are the values of a message, in the same order.
func (m *message) values() []any {
	return []any{
		m.ID, m.Conversation, m.Role, m.Model, m.Content, m.InputTokens, m.OutputTokens, m.LatencyMS, m.Success, m.CreatedAt,
	}
}

// data is the message as the map of a fact.
func (m *message) data() map[string]any {
	return map[string]any{
		"conversation_id": m.Conversation, "role": m.Role, "model": m.Model, "content": m.Content,
		"input_tokens": m.InputTokens, "output_tokens": m.OutputTokens, "latency_ms": m.LatencyMS,
		"success": m.Success, "created_at": m.CreatedAt,
	}
}

// asMap is a fact with its values in a map.
func (m *message) asMap() fact.Fact { return fact.Fact{Schema: table, ID: m.ID, Data: m.data()} }

// asStruct is a fact that carries the struct.
func (m *message) asStruct() fact.Fact { return fact.Fact{Schema: table, ID: m.ID, Value: m} }

const table = "message"

var (
	roles  = []string{"user", "assistant", "system", "tool"}
	models = []string{"small-1", "small-2", "large-1", "large-2"}
	words  = []string{"the ", "model ", "answers ", "a question ", "about ", "tables ", "of ", "facts ", "and ", "their ", "order "}
)

// maker makes messages. It belongs to one goroutine.
type maker struct {
	rng *rand.Rand
	n   int
}

func newMaker(seed int) *maker {
	return &maker{rng: rand.New(rand.NewPCG(uint64(seed), 1))} //nolint:gosec // data to be repeated, not secrets
}

// next returns the next message.
func (k *maker) next() *message {
	k.n++
	content := make([]byte, 0, 400)
	for len(content) < 350 {
		content = append(content, words[k.rng.IntN(len(words))]...)
	}
	return &message{
		ID:           fmt.Sprintf("%016x%016x", k.rng.Uint64(), k.rng.Uint64()),
		Conversation: fmt.Sprintf("conversation-%d", k.rng.IntN(10_000)),
		Role:         roles[k.rng.IntN(len(roles))],
		Model:        models[k.rng.IntN(len(models))],
		Content:      string(content),
		InputTokens:  k.rng.Uint32N(8000),
		OutputTokens: k.rng.Uint32N(2000),
		LatencyMS:    k.rng.Float64() * 3000,
		Success:      k.rng.IntN(20) > 0,
		CreatedAt:    time.Date(2026, 11, 1, 0, 0, k.n, 0, time.UTC),
	}
}
