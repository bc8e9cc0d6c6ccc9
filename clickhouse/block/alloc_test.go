package block

import (
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
