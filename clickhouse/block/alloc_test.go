package block

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAllocations: once a block has grown, rows from JSON cost no allocation,
// and neither do rows from the usual Go values.
func TestAllocations(t *testing.T) { //nolint:paralleltest // it counts allocations of the whole process
	for _, s := range shapes {
		lines, _ := s.lines(200)
		b := newBlock(t, s.schema, Options{})
		appendAll := func() {
			b.Reset()
			for _, line := range lines {
				if err := b.AppendJSON(line); err != nil {
					t.Error(err)
				}
			}
		}
		appendAll()
		require.Zero(t, testing.AllocsPerRun(5, appendAll), s.name)
	}

	b := newBlock(t, chatSchema, Options{})
	data := map[string]any{
		"conversation_id": "c", "message_id": "m", "role": "user", "model": "m-1", "content": "some text",
		"prompt_tokens": 1000, "completion_tokens": uint32(1000), "latency_ms": 1.5, "temperature": nil, "flagged": true,
		"created_at": "2026-01-02T03:04:05.678Z",
	}
	require.NoError(t, b.AppendFact("", data))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b.Truncate(0)
		if err := b.AppendFact("", data); err != nil {
			t.Error(err)
		}
	}))
}

// TestGrow: a block that was told how much is to come takes it without an
// allocation, and is the same as one that was not told.
func TestGrow(t *testing.T) { //nolint:paralleltest // it counts allocations of the whole process
	const times = 20
	kinds := append(slices.Clone(shapes), shape{
		"everything", everything(), func(r *rand.Rand, _ int) string { return string(randomLine(r, false)) },
	})
	for _, s := range kinds {
		lines, _ := s.lines(100)
		grown, plain := newBlock(t, s.schema, Options{}), newBlock(t, s.schema, Options{})
		appendAll := func(b *Block) {
			for _, line := range lines {
				if err := b.AppendJSON(line); err != nil {
					t.Fatal(err)
				}
			}
		}
		appendAll(grown)
		grown.Grow(times)
		require.Equal(t, len(lines), grown.Rows())
		allocs := testing.AllocsPerRun(1, func() { // runs twice
			for range times/2 - 1 {
				appendAll(grown)
			}
		})
		if s.name != "everything" { // which has values that take scratch space
			// The runtime and the engine's guard may allocate meanwhile; columns
			// that grew would do so once each, and there are more than ten.
			require.Less(t, allocs, 5.0, s.name)
		}
		for range grown.Rows() / len(lines) {
			appendAll(plain)
		}
		require.Equal(t, digest(plain), digest(grown), s.name)
	}
}
