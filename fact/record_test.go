package fact_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

// tables is a Materializer that keeps the facts it is given.
type tables struct {
	storetest.Recording[fact.Fact]
	ensured storetest.Recording[string]
	err     error
}

func (m *tables) EnsureSchema(_ context.Context, schemas ...fact.Schema) error {
	for _, s := range schemas {
		m.ensured.Add(s.Name)
	}
	return m.err
}

func (m *tables) Materialize(_ context.Context, facts ...fact.Fact) error {
	if m.err != nil {
		return m.err
	}
	m.Add(facts...)
	return nil
}

// preparing is a Materializer that is a Preparer too, and notes its calls.
type preparing struct {
	tables
	calls      storetest.Recording[string]
	prepareErr error
	order      func(step string) // called at each step; may be nil
}

func (m *preparing) step(name string) {
	m.calls.Add(name)
	if m.order != nil {
		m.order(name)
	}
}

func (m *preparing) Prepare(_ context.Context, facts ...fact.Fact) (fact.Prepared, error) {
	m.step("prepare")
	if m.prepareErr != nil {
		return nil, m.prepareErr
	}
	return &preparedRows{m, facts}, nil
}

type preparedRows struct {
	m     *preparing
	facts []fact.Fact
}

func (p *preparedRows) Materialize(ctx context.Context) error {
	p.m.step("materialize")
	return p.m.Materialize(ctx, p.facts...)
}

func (p *preparedRows) Discard() { p.m.step("discard") }

// plainStore hides everything but EventStore.
type plainStore struct{ fact.EventStore }

// failingStore refuses every append.
type failingStore struct{ fact.EventStore }

func (failingStore) Append(context.Context, string, []fact.Event) error { return storetest.ErrTest }

func message(id, text string) fact.Fact {
	return fact.Fact{Schema: "message", ID: id, Data: map[string]any{"text": text}}
}

func TestRecordDoesItAll(t *testing.T) {
	t.Parallel()
	store, rows, pub := fact.NewMemoryStore(), new(tables), new(storetest.Keeping)
	p := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(rows), fact.WithPipelinePublisher(pub))
	given := []fact.Fact{message("", "<hi>"), message("m2", "there")}
	require.NoError(t, p.Record(t.Context(), given...))
	require.NoError(t, p.Close(t.Context()))

	logged, err := store.Load(t.Context(), "chat")
	require.NoError(t, err)
	require.Len(t, logged, 2)
	require.Regexp(t, `^[0-9a-f]{32}$`, logged[0].ID)
	require.Equal(t, "m2", logged[1].ID)
	require.Equal(t, "message", logged[0].Type)
	require.Equal(t, `{"text":"<hi>"}`, string(logged[0].Data))
	require.Nil(t, logged[0].Metadata)
	require.Equal(t, []fact.Fact{message(logged[0].ID, "<hi>"), message("m2", "there")}, rows.All())
	require.Equal(t, [][]fact.Event{logged}, pub.All(), "publishers get what the log has, sequence and all")
	require.Empty(t, given[0].ID, "the caller's facts stay as they were")
}

func TestRecordWithoutParts(t *testing.T) {
	t.Parallel()
	p := fact.NewPipeline(nil, fact.WithStore(nil, ""), fact.WithMaterializer(nil), fact.WithPipelinePublisher(nil),
		fact.WithPipelinePublishErrorHandler(nil), fact.WithPipelinePublishQueue(0))
	require.NoError(t, p.EnsureSchemas(t.Context()))
	require.NoError(t, p.EnsureSchemas(t.Context(), fact.Schema{Name: "message"}))
	require.NoError(t, p.Record(t.Context()))
	require.NoError(t, p.Record(t.Context(), message("m1", "hi")))
	require.NoError(t, p.Flush(t.Context()))
	require.NoError(t, p.Close(t.Context()))
}

func TestRecordNothing(t *testing.T) {
	t.Parallel()
	rows, pub := &tables{err: storetest.ErrTest}, new(storetest.Published)
	p := fact.NewPipeline(fact.WithStore(failingStore{}, "chat"), fact.WithMaterializer(rows), fact.WithPipelinePublisher(pub))
	require.NoError(t, p.Record(t.Context()))
	require.NoError(t, p.Close(t.Context()))
	require.Empty(t, pub.All())
}

func TestRecordPublishesWithoutStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts   []fact.PipelineOption
		stream string
	}{
		"schema as the stream": {nil, "message"},
		"named stream":         {[]fact.PipelineOption{fact.WithStore(nil, "chat")}, "chat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pub := new(storetest.Keeping)
			p := fact.NewPipeline(append(test.opts, fact.WithPipelinePublisher(pub))...)
			before := time.Now()
			require.NoError(t, p.Record(t.Context(), message("m1", "hi"), message("", "there")))
			require.NoError(t, p.Close(t.Context()))
			require.Len(t, pub.All(), 1)
			got := pub.All()[0]
			require.Len(t, got, 2)
			require.Equal(t, "m1", got[0].ID)
			require.NotEmpty(t, got[1].ID)
			for _, e := range got {
				require.Equal(t, test.stream, e.Stream)
				require.Equal(t, "message", e.Type)
				require.Zero(t, e.Sequence)
				require.Equal(t, time.UTC, e.OccurredAt.Location())
				require.WithinRange(t, e.OccurredAt, before.Add(-time.Second), time.Now().Add(time.Second))
			}
			require.Equal(t, `{"text":"hi"}`, string(got[0].Data))
		})
	}
}

func TestRecordWithStoreThatDoesNotTell(t *testing.T) {
	t.Parallel()
	inner, pub := fact.NewMemoryStore(), new(storetest.Keeping)
	p := fact.NewPipeline(fact.WithStore(plainStore{inner}, "chat"), fact.WithPipelinePublisher(pub))
	require.NoError(t, p.Record(t.Context(), message("m1", "hi")))
	require.NoError(t, p.Close(t.Context()))
	logged, err := inner.Load(t.Context(), "chat")
	require.NoError(t, err)
	got := pub.All()[0][0]
	require.Zero(t, got.Sequence)
	got.Sequence = 1
	require.Equal(t, logged[0], got, "all else is the same")
}

func TestRecordStoreFailure(t *testing.T) {
	t.Parallel()
	rows, pub := new(preparing), new(storetest.Published)
	p := fact.NewPipeline(fact.WithStore(failingStore{}, "chat"), fact.WithMaterializer(rows), fact.WithPipelinePublisher(pub))
	err := p.Record(t.Context(), message("m1", "hi"))
	require.EqualError(t, err, "event store append: the test's error")
	require.ErrorIs(t, err, storetest.ErrTest)
	require.NoError(t, p.Close(t.Context()))
	require.Empty(t, rows.All())
	require.Empty(t, pub.All())
	require.Equal(t, []string{"prepare", "discard"}, rows.calls.All())
}

func TestRecordMaterializeFailure(t *testing.T) {
	t.Parallel()
	prepared := new(preparing)
	prepared.err = storetest.ErrTest
	for name, m := range map[string]fact.Materializer{"plain": &tables{err: storetest.ErrTest}, "prepared": prepared} {
		t.Run(name, func(t *testing.T) {
			store, pub := fact.NewMemoryStore(), new(storetest.Published)
			p := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(m), fact.WithPipelinePublisher(pub))
			err := p.Record(t.Context(), message("m1", "hi"))
			require.EqualError(t, err, "materialize: the test's error")
			require.ErrorIs(t, err, storetest.ErrTest)
			require.NoError(t, p.Close(t.Context()))
			require.Empty(t, pub.All(), "publishers are not called")
			storetest.RequireStream(t, store, "chat", "1 message")
		})
	}
	require.Equal(t, []string{"prepare", "materialize"}, prepared.calls.All())
}

func TestRecordPreparesBeforeTheLog(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(preparing)
	var logged storetest.Recording[int]
	rows.order = func(string) {
		all, err := store.Load(context.Background(), "chat")
		if err == nil {
			logged.Add(len(all))
		}
	}
	p := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(rows))
	require.NoError(t, p.Record(t.Context(), message("m1", "hi")))
	require.Equal(t, []string{"prepare", "materialize"}, rows.calls.All())
	require.Equal(t, []int{0, 1}, logged.All())
	require.Equal(t, []fact.Fact{{Schema: "message", ID: "m1", Value: json.RawMessage(`{"text":"hi"}`)}}, rows.All())

	rows.prepareErr = storetest.ErrTest
	err := p.Record(t.Context(), message("m2", "hi"))
	require.EqualError(t, err, "validate: the test's error")
	storetest.RequireStream(t, store, "chat", "1 message")
	require.Equal(t, []string{"prepare", "materialize", "prepare"}, rows.calls.All(), "there is nothing to discard")
}

func TestRecordRefusesBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "result", Fields: []fact.Field{
		{Name: "id", Type: fact.UUID, FactID: true},
		{Name: "score", Type: fact.Float64},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "payload", Type: fact.JSON},
	}}
	const id = "0123456789abcdef0123456789abcdef"
	type data = map[string]any
	tests := map[string]struct {
		fact  fact.Fact
		field string
		want  string
	}{
		"no schema":        {fact.Fact{}, "", "has no schema"},
		"NaN":              {fact.Fact{Schema: "result", Data: data{"score": math.NaN()}}, "score", "NaN"},
		"channel":          {fact.Fact{Schema: "result", Data: data{"score": make(chan int)}}, "score", "chan int"},
		"bytes":            {fact.Fact{Schema: "result", Data: data{"model": []byte("x")}}, "model", "could be text or JSON"},
		"bytes as JSON":    {fact.Fact{Schema: "result", Data: data{"payload": []byte("{}")}}, "payload", "could be text or JSON"},
		"not JSON":         {fact.Fact{Schema: "result", Data: data{"payload": json.RawMessage("{")}}, "payload", "not a JSON value"},
		"bytes as ID":      {fact.Fact{Schema: "result", Data: data{"id": []byte(id)}}, "id", "not text"},
		"null ID":          {fact.Fact{Schema: "result", Data: data{"id": nil}}, "id", "not text"},
		"empty ID":         {fact.Fact{Schema: "result", Data: data{"id": ""}}, "id", "is empty"},
		"number as ID":     {fact.Fact{Schema: "result", Data: data{"id": 7}}, "id", "is int, which is not text"},
		"other ID":         {fact.Fact{Schema: "result", ID: id, Data: data{"id": "x"}}, "id", `but is "x"`},
		"bad UTF-8 in ID":  {fact.Fact{Schema: "result", ID: "\xff"}, "", "UTF-8"},
		"bad UTF-8 schema": {fact.Fact{Schema: "\xff"}, "", "UTF-8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, rows, pub := fact.NewMemoryStore(), new(preparing), new(storetest.Published)
			p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithPipelinePublisher(pub))
			require.NoError(t, p.EnsureSchemas(t.Context(), schema))
			err := p.Record(t.Context(), fact.Fact{Schema: "result"}, test.fact)
			require.ErrorContains(t, err, "validate: fact 1 (schema ")
			require.ErrorContains(t, err, test.want)
			var refused *fact.FactError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, 1, refused.Index)
			require.Equal(t, test.field, refused.Field)
			require.NoError(t, p.Close(t.Context()))
			storetest.RequireStream(t, store, "s")
			require.Empty(t, rows.calls.All())
			require.Empty(t, pub.All())
		})
	}
}

// textID has its own text form, as UUID types have.
type textID [2]byte

func (id textID) MarshalText() ([]byte, error) {
	if id[0] == 0 {
		return nil, storetest.ErrTest
	}
	return id[:], nil
}

func TestRecordTakesTheIDFromItsField(t *testing.T) {
	t.Parallel()
	type named string
	tests := map[string]struct {
		fieldType fact.FieldType
		id        string
		data      any
		want      string
	}{
		"text":          {fact.String, "", "m1", "m1"},
		"named text":    {fact.String, "", named("m1"), "m1"},
		"own text form": {fact.String, "", textID{'m', '1'}, "m1"},
		"both, same":    {fact.String, "m1", "m1", "m1"},
		"both, as UUID": {
			fact.UUID, "0123456789abcdef0123456789abcdef", "01234567-89AB-CDEF-0123-456789ABCDEF",
			"0123456789abcdef0123456789abcdef",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, rows := fact.NewMemoryStore(), new(tables)
			p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows))
			schema := fact.Schema{Name: "m", Fields: []fact.Field{{Name: "n"}, {Name: "id", Type: test.fieldType, FactID: true}}}
			require.NoError(t, p.EnsureSchemas(t.Context(), schema))
			schema.Fields[1].FactID = false // the pipeline has its own copy
			require.NoError(t, p.Record(t.Context(), fact.Fact{Schema: "m", ID: test.id, Data: map[string]any{"id": test.data}}))
			logged, err := store.Load(t.Context(), "s")
			require.NoError(t, err)
			require.Equal(t, test.want, logged[0].ID)
			require.Equal(t, test.want, rows.All()[0].ID)
		})
	}
	p := fact.NewPipeline()
	require.NoError(t, p.EnsureSchemas(t.Context(), fact.Schema{Name: "m", Fields: []fact.Field{{Name: "id", FactID: true}}}))
	require.Error(t, p.Record(t.Context(), fact.Fact{Schema: "m", ID: "m-1", Data: map[string]any{"id": "M1"}}), "no UUID")
	require.ErrorIs(t, p.Record(t.Context(), fact.Fact{Schema: "m", Data: map[string]any{"id": textID{}}}), storetest.ErrTest)
	require.ErrorContains(t, p.Record(t.Context(), fact.Fact{Schema: "m", ID: "a", Data: map[string]any{"id": "b"}}),
		`fact 0 (schema "m", id "a"): field "id": carries the fact's ID but is "b": give one of them, or the same`)
}

func TestRecordReplaysFromTheLog(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), &tables{err: storetest.ErrTest}
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows))
	require.ErrorIs(t, p.Record(t.Context(), fact.Fact{Schema: "m", Data: map[string]any{"n": uint64(math.MaxUint64)}}), storetest.ErrTest)
	rows.err = nil
	logged, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	replayed, err := fact.FactFromEvent(logged[0])
	require.NoError(t, err)
	require.NoError(t, rows.Materialize(t.Context(), replayed))
	require.Equal(t, []fact.Fact{{
		Schema: "m", ID: logged[0].ID, Data: map[string]any{"n": json.Number("18446744073709551615")},
	}}, rows.All())
}

func TestRecordContext(t *testing.T) {
	t.Parallel()
	store, rows := fact.NewMemoryStore(), new(preparing)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Record(ended, message("m1", "hi")), context.Canceled)
	require.Empty(t, rows.calls.All())
	storetest.RequireStream(t, store, "s")
}

func TestRecordDiscardsOnPanic(t *testing.T) {
	t.Parallel()
	rows := new(preparing)
	p := fact.NewPipeline(fact.WithStore(panickingStore{}, "s"), fact.WithMaterializer(rows))
	require.Panics(t, func() { _ = p.Record(context.Background(), message("m1", "hi")) })
	require.Equal(t, []string{"prepare", "discard"}, rows.calls.All())
	require.NoError(t, p.Close(t.Context()), "no record is running any more")
}

type panickingStore struct{ fact.EventStore }

func (panickingStore) Append(context.Context, string, []fact.Event) error { panic("store") }

func TestRecordConcurrently(t *testing.T) {
	t.Parallel()
	const callers, rounds = 16, 20
	store, rows, pub := fact.NewMemoryStore(), new(tables), new(storetest.Keeping)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows), fact.WithPipelinePublisher(pub))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range rounds {
				if err := p.EnsureSchemas(context.Background(), fact.Schema{Name: "message"}); err != nil {
					t.Error(err)
				}
				if err := p.Record(context.Background(), message("", "hi"), message("", "there")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close(t.Context()))
	logged, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Len(t, logged, callers*rounds*2)
	require.Len(t, rows.All(), callers*rounds*2)
	ids := func(e fact.Event) string { return e.ID }
	var got []string
	for _, batch := range pub.All() {
		require.Len(t, batch, 2)
		got = append(got, ids(batch[0]), ids(batch[1]))
	}
	want := make([]string, len(logged))
	for i, e := range logged {
		want[i] = e.ID
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(t, want, got, "each is storetest.Published once")
}

// What Record logs belongs to the log alone, although it is not copied on its
// way there: publishers of the store and of the pipeline may do with theirs what
// they like, and so may those who are told that a publisher failed.
func TestRecordedEventsAreTheLogsOwn(t *testing.T) {
	t.Parallel()
	spoiled := make(chan struct{}, 4)
	spoil := func(events []fact.Event) {
		for i := range events {
			clear(events[i].Data)
			events[i] = fact.Event{}
		}
		spoiled <- struct{}{}
	}
	spoiler := storetest.PublisherFunc(func(_ context.Context, events []fact.Event) error {
		spoil(events)
		return context.Canceled
	})
	onError := func(err error) {
		var lost *fact.PublishError
		if errors.As(err, &lost) {
			spoil(lost.Events)
		}
	}
	store := fact.NewMemoryStore(fact.WithPublisher(spoiler), fact.WithPublishErrorHandler(onError))
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(spoiler))
	require.NoError(t, p.Record(t.Context(), fact.Fact{Schema: "a", ID: "1", Data: map[string]any{"n": 1}}))
	require.NoError(t, p.Flush(t.Context()))
	require.NoError(t, store.Flush(t.Context()))
	for range 3 {
		<-spoiled
	}
	events, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "1", events[0].ID)
	require.JSONEq(t, `{"n":1}`, string(events[0].Data))
}
