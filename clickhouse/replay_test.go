package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// logged is the schema of the facts that are replayed.
var logged = fact.Schema{
	Name: "logged",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "n", Type: fact.UInt32},
	},
	OrderBy: []string{"n"},
}

// TestReplayHeals: what the log has and the table lacks, since Materialize
// failed, is stored by a replay, once.
func TestReplayHeals(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m := materializer(t, Config{DSN: db.DSN})
	down := materializer(t, Config{DSN: "clickhouse://u:p@" + chtest.ClosedAddr(t) + "/db", RetryBudget: -1})
	store := fact.NewMemoryStore()
	works := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
	fails := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(down))
	require.NoError(t, works.EnsureSchemas(t.Context(), logged, chtest.SmallSchema))
	require.ErrorIs(t, fails.EnsureSchemas(t.Context(), logged), ErrRetryable)

	const facts = replayEvents + 500 // more than one piece
	for from := 0; from < facts; from += facts / 10 {
		var batch []fact.Fact
		for n := from; n < from+facts/10; n++ {
			batch = append(batch, fact.Fact{Schema: "logged", Data: map[string]any{"n": n}})
		}
		if from%(3*facts/10) == 0 {
			require.ErrorContains(t, fails.Record(t.Context(), batch...), "materialize: ")
		} else {
			require.NoError(t, works.Record(t.Context(), batch...))
		}
	}
	const lost = 4 * facts / 10
	count := func() string { return db.Query(t, "SELECT count(), uniqExact(id), uniqExact(n) FROM logged") }
	require.Equal(t, fmt.Sprintf("%d\t%[1]d\t%[1]d", facts-lost), count())

	other := []fact.Event{
		{ID: "o1", Type: "not.a.fact", Data: json.RawMessage(`[1]`)},
		{ID: "o2", Type: "logged", Data: json.RawMessage(`{"n":-1}`)},
		{ID: "o3", Type: "logged", Data: json.RawMessage(`"text"`)},
		{ID: "o4", Type: "t", Data: json.RawMessage(`{"n":1}`)},
	}
	require.NoError(t, store.Append(t.Context(), "s", other))
	for _, want := range []Replayed{
		{Events: facts + 4, Stored: lost, Present: facts - lost, Skipped: 1, Rejected: 3},
		{Events: facts + 4, Present: facts, Skipped: 1, Rejected: 3},
	} {
		refused := map[string]string{}
		got, err := m.Replay(t.Context(), fact.Events(t.Context(), store, "s", 0), func(e fact.Event, err error) { refused[e.ID] = err.Error() })
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, fmt.Sprintf("%d\t%[1]d\t%[1]d", facts), count())
		require.Len(t, refused, 3)
		require.Contains(t, refused["o2"], `field "n": -1 is out of range for uint32`)
		require.Contains(t, refused["o3"], "the row is a string, want a JSON object")
		require.NotEmpty(t, refused["o4"], "its schema has no field for the ID")
	}
	_, err := m.Replay(t.Context(), fact.Events(t.Context(), store, "s", facts), nil)
	require.ErrorContains(t, err, `replay: event "o4" of type "t": `)
}

func TestReplayEnds(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m := materializer(t, Config{DSN: db.DSN})
	require.NoError(t, m.EnsureSchema(t.Context(), logged))
	failure := errors.New("the log is gone")
	broken := func(yield func(fact.Event, error) bool) {
		if yield(fact.Event{ID: "a", Type: "logged", Data: json.RawMessage(`{"n":1}`)}, nil) {
			yield(fact.Event{}, failure)
		}
	}
	got, err := m.Replay(t.Context(), broken, nil)
	require.ErrorIs(t, err, failure)
	require.Equal(t, Replayed{Events: 1}, got)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.Replay(ctx, broken, nil)
	require.ErrorIs(t, err, context.Canceled)
	got, err = m.Replay(t.Context(), fact.Events(t.Context(), fact.NewMemoryStore(), "none", 0), nil)
	require.NoError(t, err)
	require.Zero(t, got)
	require.Equal(t, "0", db.Query(t, "SELECT count() FROM logged"))
}
