package clickhouse

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// TestEventsAreRows: a log that is followed with its events can be asked for them, and
// has them as they were.
func TestEventsAreRows(t *testing.T) {
	t.Parallel()
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	def, err := registry.Get(fact.LoggedEventSchema)
	require.NoError(t, err)
	db := enginetest.Database(t)
	client := open(t, db.DSN)
	store := fact.NewMemoryStore()
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(materializer(t, Config{Client: client})),
		fact.WithFollow(fact.Follow{Consumer: "rows", Events: true}))
	require.NoError(t, p.EnsureSchemas(t.Context(), def.Schema))
	var want []fact.LoggedEvent
	for i, data := range []string{`{"a" :1.50}`, ``, `[1]`, `null`, `"text"`} {
		stream := []string{"chat-1", "chat-2", "eval"}[i%3]
		require.NoError(t, store.Append(t.Context(), stream, []fact.Event{{
			ID: "same", Type: "any", Data: json.RawMessage(data), Metadata: map[string]string{"k": data},
			OccurredAt: time.Date(2026, time.January, 1, 0, 0, 0, i, time.UTC),
		}}))
	}
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		row, _ := fact.LoggedFact(e).Value.(*fact.LoggedEvent)
		if string(e.Data) == "null" {
			row.Data = nil
		}
		want = append(want, *row)
	}
	for range 2 {
		done, err := p.Replay(t.Context(), 0)
		require.NoError(t, err)
		require.EqualValues(t, 5, done.Events)
		got, err := collect[fact.LoggedEvent](t, client, def.Schema, "ORDER BY position")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
