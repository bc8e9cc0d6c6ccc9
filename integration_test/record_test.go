package integration

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// answers is the schema that most tests record.
func answers() fact.Schema {
	return fact.Schema{
		Name: "answer",
		Fields: []fact.Field{
			{Name: "id", Type: fact.String, FactID: true},
			{Name: "model", Type: fact.LowCardinalityString},
			{Name: "tokens", Type: fact.UInt32},
			{Name: "score", Type: fact.Float64, Nullable: true},
			{Name: "tags", Type: fact.String, Array: true},
			{Name: "payload", Type: fact.JSON},
			{Name: "created_at", Type: fact.DateTime64},
		},
		OrderBy: []string{"model", "created_at"},
	}
}

func answer(i int) fact.Fact {
	return fact.Fact{Schema: "answer", Data: map[string]any{
		"model": fmt.Sprintf("model-%d", i%3), "tokens": i, "tags": []string{"a", "b"},
		"payload": map[string]any{"n": i}, "created_at": time.Date(2026, 11, 1, 0, 0, i, 0, time.UTC),
	}}
}

func materializer(t *testing.T, dsn string) *clickhouse.Materializer {
	t.Helper()
	m, err := clickhouse.New(clickhouse.Config{DSN: dsn})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.WithoutCancel(t.Context()))) })
	return m
}

// ids returns the first column of an answer in TSV.
func ids(text string) []string { return strings.Fields(text) }

func eventIDs(events []fact.Event) []string {
	out := make([]string, 0, len(events))
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

// What Record acknowledges is in the log and in the table, under one ID, and
// published; over both protocols.
func TestRecord(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			ctx, db := t.Context(), enginetest.Database(t)
			dsn := db.DSN
			if protocol == "http" {
				dsn = db.HTTPDSN
			}
			store, published := fact.NewMemoryStore(), &publisher{}
			pipeline := fact.NewPipeline(fact.WithStore(store, "chat"),
				fact.WithMaterializer(materializer(t, dsn)), fact.WithPipelinePublisher(published))
			require.NoError(t, pipeline.EnsureSchemas(ctx, answers()))
			require.NoError(t, pipeline.Record(ctx, answer(1)))
			require.NoError(t, pipeline.Record(ctx, answer(2), answer(3)))
			require.NoError(t, pipeline.Close(ctx))

			events, err := store.Load(ctx, "chat")
			require.NoError(t, err)
			require.Len(t, events, 3)
			require.Equal(t, eventIDs(events), ids(db.Query(t, "SELECT id FROM answer ORDER BY created_at")))
			require.Equal(t, events, published.events())
			require.Equal(t, "model-1\t1\t\\N\t['a','b']\t{\"n\":1}\t2026-11-01 00:00:01.000",
				db.Query(t, "SELECT * EXCEPT id FROM answer ORDER BY created_at LIMIT 1"))
		})
	}
}

// Many goroutines record at once; every fact is there once.
func TestRecordConcurrently(t *testing.T) {
	t.Parallel()
	const writers, calls = 8, 5
	ctx, db := t.Context(), enginetest.Database(t)
	store := fact.NewMemoryStore()
	pipeline := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(materializer(t, db.DSN)))
	require.NoError(t, pipeline.EnsureSchemas(ctx, answers()))
	var wg sync.WaitGroup
	errs := make(chan error, writers*calls)
	for w := range writers {
		wg.Go(func() {
			for c := range calls {
				errs <- pipeline.Record(ctx, answer(w), answer(c))
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	events, err := store.Load(ctx, "chat")
	require.NoError(t, err)
	require.Len(t, events, writers*calls*2)
	require.Equal(t, "80\t80", db.Query(t, "SELECT count(), uniqExact(id) FROM answer"))
	require.ElementsMatch(t, eventIDs(events), ids(db.Query(t, "SELECT id FROM answer")))
}

// A bad fact is refused before anything is stored anywhere.
func TestRecordRefusesBadFacts(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), enginetest.Database(t)
	store, published := fact.NewMemoryStore(), &publisher{}
	pipeline := fact.NewPipeline(fact.WithStore(store, "chat"),
		fact.WithMaterializer(materializer(t, db.DSN)), fact.WithPipelinePublisher(published))
	require.NoError(t, pipeline.EnsureSchemas(ctx, answers()))

	bad := answer(7)
	bad.Data["tokens"] = uint64(1) << 32
	err := pipeline.Record(ctx, answer(1), bad)
	require.ErrorContains(t, err, "4294967296")
	require.ErrorContains(t, err, "tokens")
	var fe *fact.FactError
	require.ErrorAs(t, err, &fe)
	require.Equal(t, 1, fe.Index)

	events, err := store.Load(ctx, "chat")
	require.NoError(t, err)
	require.Empty(t, events)
	require.NoError(t, pipeline.Flush(ctx))
	require.Empty(t, published.events())
	require.Equal(t, "0", db.Query(t, "SELECT count() FROM answer"))
}

// When the table cannot be written, the log has the facts, nobody is told, and
// a replay of the log heals the table without doubling what it has.
func TestReplayHeals(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), enginetest.Database(t)
	store, published, m := fact.NewMemoryStore(), &publisher{}, materializer(t, db.DSN)
	pipeline := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(m), fact.WithPipelinePublisher(published))
	require.NoError(t, pipeline.EnsureSchemas(ctx, answers()))
	require.NoError(t, pipeline.Record(ctx, answer(1)))

	db.Exec(t, "ALTER TABLE answer ADD CONSTRAINT few CHECK tokens < 2")
	err := pipeline.Record(ctx, answer(2), answer(3))
	require.ErrorContains(t, err, "materialize: ")
	require.ErrorIs(t, err, clickhouse.ErrRejected)
	db.Exec(t, "ALTER TABLE answer DROP CONSTRAINT few")
	require.NoError(t, pipeline.Flush(ctx))
	require.Len(t, published.events(), 1)

	events, err := store.Load(ctx, "chat")
	require.NoError(t, err)
	require.Len(t, events, 3)
	for range 2 { // a second replay changes nothing
		for _, e := range events {
			f, err := fact.FactFromEvent(e)
			require.NoError(t, err)
			require.NoError(t, m.Materialize(ctx, f))
		}
	}
	require.Equal(t, eventIDs(events), ids(db.Query(t, "SELECT id FROM answer ORDER BY tokens")))
}

// A schema that has grown adds its columns; old rows read as the defaults.
func TestSchemaGrows(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), enginetest.Database(t)
	old := answers()
	pipeline := fact.NewPipeline(fact.WithMaterializer(materializer(t, db.DSN)))
	require.NoError(t, pipeline.EnsureSchemas(ctx, old))
	require.NoError(t, pipeline.Record(ctx, answer(1)))

	grown := answers()
	grown.Fields = append(grown.Fields,
		fact.Field{Name: "region", Type: fact.LowCardinalityString, Default: "eu"},
		fact.Field{Name: "cost", Type: fact.Decimal, Precision: 18, Scale: 6},
		fact.Field{Name: "notes", Type: fact.String, Nullable: true})
	second := fact.NewPipeline(fact.WithMaterializer(materializer(t, db.DSN)))
	require.NoError(t, second.EnsureSchemas(ctx, grown))
	f := answer(2)
	f.Data["region"], f.Data["cost"], f.Data["notes"] = "us", "0.000123", "x"
	require.NoError(t, second.Record(ctx, f))
	require.NoError(t, pipeline.Record(ctx, answer(3)), "a service with the old schema goes on")
	require.Equal(t, "1\teu\t0\t\\N\n2\tus\t0.000123\tx\n3\teu\t0\t\\N",
		db.Query(t, "SELECT tokens, region, cost, notes FROM answer ORDER BY tokens"))
}

// publisher keeps what it is given.
type publisher struct {
	mu  sync.Mutex
	got []fact.Event
}

func (p *publisher) Publish(_ context.Context, events []fact.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, events...)
	return nil
}

func (p *publisher) events() []fact.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got
}

// count parses a single number.
func count(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	require.NoError(t, err)
	return n
}
