package fact_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func TestRecordInsideProjector(t *testing.T) {
	t.Parallel()
	pub := new(storetest.Published)
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	record := storetest.When("message", func(ctx context.Context, _ fact.Event) error {
		return derive.Record(ctx, fact.Fact{Schema: "note"})
	})
	refuse := storetest.When("note", func(_ context.Context, e fact.Event) error {
		if e.Sequence == 4 {
			return storetest.ErrTest
		}
		return nil
	})
	store = fact.NewMemoryStore(fact.WithProjector(record), fact.WithProjector(refuse))
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
	require.NoError(t, store.Append(t.Context(), "s", storetest.Events("message")))
	require.ErrorIs(t, store.Append(t.Context(), "s", storetest.Events("message")), storetest.ErrTest)
	require.NoError(t, derive.Close(t.Context()))
	storetest.RequireStream(t, store, "s", "1 message", "2 note")
	require.Equal(t, [][]string{{"s/2 note"}}, pub.All(), "storetest.Published once it is committed, and only then")

	rows := new(tables)
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows))
	require.ErrorIs(t, store.Append(t.Context(), "s", storetest.Events("message")), fact.ErrRecordInProjector)
	storetest.RequireStream(t, store, "s", "1 message", "2 note")
	require.Empty(t, rows.All())
}

func TestRecordInsideProjectorIsPublishedAfterTheCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pub := new(storetest.Published)
		var store *fact.MemoryStore
		var derive *fact.Pipeline
		var early storetest.Recording[int]
		store = fact.NewMemoryStore(
			fact.WithProjector(storetest.When("message", func(ctx context.Context, _ fact.Event) error {
				return derive.Record(ctx, fact.Fact{Schema: "note"})
			})),
			fact.WithProjector(storetest.When("message", func(context.Context, fact.Event) error {
				synctest.Wait()
				early.Add(len(pub.All()))
				return nil
			})),
		)
		derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
		require.NoError(t, store.Append(t.Context(), "s", storetest.Events("message")))
		require.NoError(t, derive.Flush(t.Context()))
		require.Equal(t, []int{0}, early.All())
		require.Len(t, pub.All(), 1)
	})
}

func TestRecordInsideProjectorThatFailsIsNotPublished(t *testing.T) {
	t.Parallel()
	pub := new(storetest.Published)
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	store = fact.NewMemoryStore(
		fact.WithProjector(storetest.When("nested", func(ctx context.Context, _ fact.Event) error {
			if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
				return err
			}
			return storetest.ErrTest
		})),
		fact.WithProjector(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
			_ = store.Append(ctx, "s", storetest.Events("nested")) // fails, and is survived
			return nil
		})),
	)
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
	require.NoError(t, store.Append(t.Context(), "s", storetest.Events("outer")))
	require.NoError(t, derive.Close(t.Context()))
	storetest.RequireStream(t, store, "s", "1 outer")
	require.Empty(t, pub.All())
}

func TestRecordInsideProjectorOfAPipelineThatIsClosedMeanwhile(t *testing.T) {
	t.Parallel()
	pub := new(storetest.Published)
	var reported storetest.Recording[error]
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	store = fact.NewMemoryStore(fact.WithProjector(storetest.When("message", func(ctx context.Context, _ fact.Event) error {
		if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
			return err
		}
		return derive.Close(ctx)
	})))
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub),
		fact.WithPipelinePublishErrorHandler(func(err error) { reported.Add(err) }))
	require.NoError(t, store.Append(t.Context(), "s", storetest.Events("message")))
	storetest.RequireStream(t, store, "s", "1 message", "2 note")
	require.Empty(t, pub.All())
	require.Len(t, reported.All(), 1, "not lost in silence")
	require.ErrorIs(t, reported.All()[0], fact.ErrClosed)
}

func TestPublisherOfAPipelineIsOutsideOfTheProjectorsUnitOfWork(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	appended := make(chan error, 1)
	begun := make(chan struct{})
	store = fact.NewMemoryStore(fact.WithProjector(storetest.When("message", func(ctx context.Context, _ fact.Event) error {
		if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
			return err
		}
		<-begun
		return storetest.ErrTest
	})))
	// No store: what it records does not depend on the unit of work.
	derive = fact.NewPipeline(fact.WithPipelinePublisher(storetest.PublisherFunc(func(ctx context.Context, _ []fact.Event) error {
		close(begun)
		err := store.Append(ctx, "s", storetest.Events("noted"))
		appended <- err
		return err
	})))
	require.ErrorIs(t, store.Append(t.Context(), "s", storetest.Events("message")), storetest.ErrTest)
	require.NoError(t, <-appended)
	require.NoError(t, derive.Close(t.Context()))
	storetest.RequireStream(t, store, "s", "1 noted")
}
