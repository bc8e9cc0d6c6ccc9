package fact_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

// table is a materializer that keeps the IDs of its rows.
type table struct {
	mu   sync.Mutex
	ids  []string
	fail int // how many calls are still to fail, after the rows have been stored
}

func (*table) EnsureSchema(context.Context, ...fact.Schema) error { return nil }

func (m *table) Materialize(ctx context.Context, facts ...fact.Fact) error {
	_, err := m.MaterializeMissing(ctx, facts...)
	return err
}

func (m *table) MaterializeMissing(_ context.Context, facts ...fact.Fact) (stored int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, f := range facts {
		if f.ID == "bad" {
			return 0, &fact.FactError{Index: i, Schema: f.Schema, ID: f.ID, Err: storetest.ErrTest}
		}
	}
	for _, f := range facts {
		if !slices.Contains(m.ids, f.ID) {
			m.ids = append(m.ids, f.ID)
			stored++
		}
	}
	if m.fail > 0 {
		m.fail--
		return 0, storetest.ErrTest
	}
	return stored, nil
}

func (m *table) All() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ids)
}

func note(id string) fact.Fact { return fact.Fact{Schema: "note", ID: id} }

var noteSchema = fact.Schema{Name: "note", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}}}

func TestFollowStoresTheRows(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), &table{fail: 2}
	var failures storetest.Recording[error]
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithFollow(fact.Follow{
		Consumer: "rows", WaitRow: true, OnError: func(err error) { failures.Add(err) },
	}))
	require.NoError(t, p.EnsureSchemas(t.Context(), noteSchema))
	require.NoError(t, store.Append(t.Context(), "s", []fact.Event{{ID: "0", Type: "note", Data: []byte(`{"id":"0"}`)}, {Type: "other"}}))
	waiting, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	go func() {
		defer giveUp()
		_ = store.WaitLog(t.Context(), 2) // until its event is in the log
	}()
	err := p.Record(waiting, note("1"))
	require.ErrorIs(t, err, context.Canceled, "nobody follows yet")
	require.ErrorContains(t, err, "rows are still to come")
	ctx, cancel := context.WithCancel(t.Context())
	followed := make(chan error, 1)
	go func() { followed <- p.Follow(ctx) }()
	require.NoError(t, p.Record(t.Context(), note("2")))
	require.Equal(t, []string{"0", "1", "2"}, rows.All(), "when Record returns, the row is there, once")
	require.Len(t, failures.All(), 2)
	lag, err := p.Lag(t.Context())
	require.NoError(t, err)
	require.Zero(t, lag)
	cancel()
	require.ErrorIs(t, <-followed, context.Canceled)
}

func TestRecordDoesNotWaitForFollowersUnlessAsked(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(table)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithFollow(fact.Follow{Consumer: "rows"}))
	require.NoError(t, p.EnsureSchemas(t.Context(), noteSchema))
	require.NoError(t, p.Record(t.Context(), note("1"), note("2")))
	require.Empty(t, rows.All())
	lag, err := p.Lag(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, lag)
}

func TestReplay(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(table)
	var u fact.Upcasters
	u.Add("memo", 1, func(e fact.Event) (fact.Event, error) { e.Type = "note"; return e, nil })
	var refused storetest.Recording[string]
	parts := []fact.PipelineOption{fact.WithStore(store, "s"), fact.WithMaterializer(rows)}
	p := fact.NewPipeline(append(parts, fact.WithFollow(fact.Follow{
		Upcast: &u, OnRefused: func(e fact.Event, _ error) { refused.Add(e.ID) },
	}))...)
	require.NoError(t, p.EnsureSchemas(t.Context(), noteSchema))
	for _, e := range []fact.Event{{ID: "1", Type: "note"}, {ID: "2", Type: "memo"}, {ID: "bad", Type: "note"}, {ID: "3", Type: "other"}, {ID: "4", Type: "note"}} {
		e.Data = []byte(`{}`)
		require.NoError(t, store.Append(t.Context(), "s", []fact.Event{e}))
	}
	done, err := p.Replay(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, fact.Followed{Position: 5, Events: 4, Stored: 2, Skipped: 1, Refused: 1}, done)
	require.Equal(t, []string{"2", "4"}, rows.All())
	require.Equal(t, []string{"bad"}, refused.All())
	done, err = p.Replay(t.Context(), 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, done.Stored, "what is there is not stored again")

	plain := fact.NewPipeline(parts...)
	require.NoError(t, plain.EnsureSchemas(t.Context(), noteSchema))
	_, err = plain.Replay(t.Context(), 0)
	require.ErrorIs(t, err, storetest.ErrTest, "nobody is told of what is refused")
	_, err = fact.NewPipeline().Replay(t.Context(), 0)
	require.ErrorContains(t, err, "needs a store")
	require.ErrorContains(t, plain.Follow(t.Context()), "no WithFollow")
}

func TestRecordReturning(t *testing.T) {
	t.Parallel()
	store, pub := fact.NewMemoryStore(), new(storetest.Published)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
	meta := map[string]string{"trace": "t"}
	facts := []fact.Fact{
		{Schema: "a", Metadata: meta}, {Schema: "b", Stream: "other", ID: "given"}, {Schema: "c"},
	}
	got, err := p.RecordReturning(t.Context(), facts...)
	require.NoError(t, err)
	require.Equal(t, []string{"s/1 a", "other/1 b", "s/2 c"}, storetest.Briefly(got))
	require.NotEmpty(t, got[0].ID)
	require.Equal(t, "given", got[1].ID)
	meta["trace"] = "changed"
	require.Equal(t, map[string]string{"trace": "t"}, got[0].Metadata)
	got[0].Metadata["trace"] = "changed, too"
	loaded, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"trace": "t"}, loaded[0].Metadata)
	require.NoError(t, p.Close(t.Context()))
	require.Equal(t, [][]string{{"s/1 a", "other/1 b", "s/2 c"}}, pub.All())
	require.ErrorContains(t, p.Record(t.Context(), fact.Fact{Schema: "a", Metadata: map[string]string{"k": "\xff"}}), "closed")
	_, err = fact.NewPipeline().RecordReturning(t.Context(), fact.Fact{Schema: "a", Metadata: map[string]string{"k": "\xff"}})
	require.ErrorContains(t, err, "metadata is not valid UTF-8")
}

func TestIdempotentLog(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(table)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithIdempotentLog())
	require.NoError(t, p.Record(t.Context(), note("1")))
	rows.ids = nil // as if the process had died before the row was stored
	require.NoError(t, p.Record(t.Context(), note("1"), note("2")))
	require.NoError(t, p.Record(t.Context(), note("2")))
	storetest.RequireStream(t, store, "s", "1 note", "2 note")
	require.Equal(t, []string{"1", "2"}, rows.All())
	p = fact.NewPipeline(fact.WithStore(struct{ fact.EventStore }{store}, "s"), fact.WithIdempotentLog())
	require.ErrorContains(t, p.Record(t.Context(), note("3")), "IdempotentAppender")
}

// TestFollowStoresEvents: with Events, each event has a row, and each fact one more.
func TestFollowStoresEvents(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(table)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithFollow(fact.Follow{Events: true}))
	require.NoError(t, p.EnsureSchemas(t.Context(), noteSchema))
	for stream, e := range map[string]fact.Event{"a": {ID: "1", Type: "note", Data: []byte(`{}`)}, "b-2": {ID: "1", Type: "other"}} {
		require.NoError(t, store.Append(t.Context(), stream, []fact.Event{e}))
	}
	done, err := p.Replay(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, fact.Followed{Position: 2, Events: 2, Stored: 3}, done)
	require.ElementsMatch(t, []string{"1", "a@0000000000000000001", "b-2@0000000000000000001"}, rows.All())
}
