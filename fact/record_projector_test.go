package fact_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestRecordInsideProjector(t *testing.T) {
	t.Parallel()
	pub := new(published)
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	record := when("message", func(ctx context.Context, _ fact.Event) error {
		return derive.Record(ctx, fact.Fact{Schema: "note"})
	})
	refuse := when("note", func(_ context.Context, e fact.Event) error {
		if e.Sequence == 4 {
			return errTest
		}
		return nil
	})
	store = fact.NewMemoryStore(fact.WithProjector(record), fact.WithProjector(refuse))
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
	require.NoError(t, store.Append(t.Context(), "s", events("message")))
	require.ErrorIs(t, store.Append(t.Context(), "s", events("message")), errTest)
	require.NoError(t, derive.Close(t.Context()))
	requireStream(t, store, "s", "1 message", "2 note")
	require.Equal(t, [][]string{{"s/2 note"}}, pub.all(), "published once it is committed, and only then")

	rows := new(tables)
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(rows))
	require.ErrorIs(t, store.Append(t.Context(), "s", events("message")), fact.ErrRecordInProjector)
	requireStream(t, store, "s", "1 message", "2 note")
	require.Empty(t, rows.all())
}

func TestRecordInsideProjectorIsPublishedAfterTheCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pub := new(published)
		var store *fact.MemoryStore
		var derive *fact.Pipeline
		var early recording[int]
		store = fact.NewMemoryStore(
			fact.WithProjector(when("message", func(ctx context.Context, _ fact.Event) error {
				return derive.Record(ctx, fact.Fact{Schema: "note"})
			})),
			fact.WithProjector(when("message", func(context.Context, fact.Event) error {
				synctest.Wait()
				early.add(len(pub.all()))
				return nil
			})),
		)
		derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
		require.NoError(t, store.Append(t.Context(), "s", events("message")))
		require.NoError(t, derive.Flush(t.Context()))
		require.Equal(t, []int{0}, early.all())
		require.Len(t, pub.all(), 1)
	})
}

func TestRecordInsideProjectorThatFailsIsNotPublished(t *testing.T) {
	t.Parallel()
	pub := new(published)
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	store = fact.NewMemoryStore(
		fact.WithProjector(when("nested", func(ctx context.Context, _ fact.Event) error {
			if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
				return err
			}
			return errTest
		})),
		fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
			_ = store.Append(ctx, "s", events("nested")) // fails, and is survived
			return nil
		})),
	)
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub))
	require.NoError(t, store.Append(t.Context(), "s", events("outer")))
	require.NoError(t, derive.Close(t.Context()))
	requireStream(t, store, "s", "1 outer")
	require.Empty(t, pub.all())
}

func TestRecordInsideProjectorOfAPipelineThatIsClosedMeanwhile(t *testing.T) {
	t.Parallel()
	pub := new(published)
	var reported recording[error]
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	store = fact.NewMemoryStore(fact.WithProjector(when("message", func(ctx context.Context, _ fact.Event) error {
		if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
			return err
		}
		return derive.Close(ctx)
	})))
	derive = fact.NewPipeline(fact.WithStore(store, "s"), fact.WithPipelinePublisher(pub),
		fact.WithPipelinePublishErrorHandler(func(err error) { reported.add(err) }))
	require.NoError(t, store.Append(t.Context(), "s", events("message")))
	requireStream(t, store, "s", "1 message", "2 note")
	require.Empty(t, pub.all())
	require.Len(t, reported.all(), 1, "not lost in silence")
	require.ErrorIs(t, reported.all()[0], fact.ErrClosed)
}

func TestPublisherOfAPipelineIsOutsideOfTheProjectorsUnitOfWork(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	var derive *fact.Pipeline
	appended := make(chan error, 1)
	begun := make(chan struct{})
	store = fact.NewMemoryStore(fact.WithProjector(when("message", func(ctx context.Context, _ fact.Event) error {
		if err := derive.Record(ctx, fact.Fact{Schema: "note"}); err != nil {
			return err
		}
		<-begun
		return errTest
	})))
	// No store: what it records does not depend on the unit of work.
	derive = fact.NewPipeline(fact.WithPipelinePublisher(publisherFunc(func(ctx context.Context, _ []fact.Event) error {
		close(begun)
		err := store.Append(ctx, "s", events("noted"))
		appended <- err
		return err
	})))
	require.ErrorIs(t, store.Append(t.Context(), "s", events("message")), errTest)
	require.NoError(t, <-appended)
	require.NoError(t, derive.Close(t.Context()))
	requireStream(t, store, "s", "1 noted")
}
