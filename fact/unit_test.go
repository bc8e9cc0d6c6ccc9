package fact_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// callsWithAnotherContext are calls of a projector that do not use its ctx, and
// so would wait for the projector itself.
func callsWithAnotherContext(store **fact.MemoryStore) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"append": func(ctx context.Context) error { return (*store).Append(ctx, "a", events("x")) },
		"close":  func(ctx context.Context) error { return (*store).Close(ctx) },
	}
}

func TestAnotherContextWaitsForTheUnitOfWorkUntilItEnds(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	for name, call := range callsWithAnotherContext(&store) {
		synctest.Test(t, func(t *testing.T) {
			store = fact.NewMemoryStore(fact.WithProjector(when("x", func(context.Context, fact.Event) error {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				return call(ctx)
			})))
			err := store.Append(t.Context(), "a", events("x"))
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			requireStream(t, store, "a")
			require.NoError(t, store.Append(t.Context(), "a", events("y")), "nothing is held any more")
		})
	}
}

func TestAnotherContextSeesWhatIsCommitted(t *testing.T) {
	t.Parallel()
	var seen recording[int]
	var store *fact.MemoryStore
	store = fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(context.Context, fact.Event) error {
		committed, err := store.Load(context.Background(), "a")
		seen.add(len(committed))
		return errors.Join(err, errTest)
	})))
	require.ErrorIs(t, store.Append(t.Context(), "a", events("x")), errTest)
	requireStream(t, store, "a")
	require.Equal(t, []int{0}, seen.all())
}

func TestAppendsToAnotherStoreAreItsOwn(t *testing.T) {
	t.Parallel()
	audit := fact.NewMemoryStore()
	store := fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(ctx context.Context, e fact.Event) error {
		return errors.Join(audit.Append(ctx, "audit", events("tried "+e.Type)), errTest)
	})))
	require.ErrorIs(t, store.Append(t.Context(), "a", events("x")), errTest)
	requireStream(t, store, "a")
	requireStream(t, audit, "audit", "1 tried x")
}

func TestUnitOfWorkIsFoundThroughAnotherStore(t *testing.T) {
	t.Parallel()
	// The ctx of the other store's projector still belongs to the first unit, too.
	var store *fact.MemoryStore
	between := fact.NewMemoryStore(fact.WithProjector(when("between", func(ctx context.Context, _ fact.Event) error {
		return store.Append(ctx, "a", events("nested"))
	})))
	store = fact.NewMemoryStore(fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
		return errors.Join(between.Append(ctx, "b", events("between")), ctx.Err())
	})), fact.WithProjector(when("last", func(context.Context, fact.Event) error { return errTest })))
	require.NoError(t, store.Append(t.Context(), "a", events("outer")))
	requireStream(t, store, "a", "1 outer", "2 nested")
	require.ErrorIs(t, store.Append(t.Context(), "a", events("outer", "last")), errTest)
	requireStream(t, store, "a", "1 outer", "2 nested")
	requireStream(t, between, "b", "1 between", "2 between")
}

func TestNestedContextInOuterProjector(t *testing.T) {
	t.Parallel()
	// The ctx of a nested projector that has returned belongs to the outer one.
	var store *fact.MemoryStore
	var nested context.Context
	store = fact.NewMemoryStore(
		fact.WithProjector(when("nested", func(ctx context.Context, _ fact.Event) error {
			nested = ctx
			return nil
		})),
		fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
			if err := store.Append(ctx, "a", events("nested")); err != nil {
				return err
			}
			return store.Append(nested, "a", events("later"))
		})),
		fact.WithProjector(when("later", func(context.Context, fact.Event) error { return errTest })),
	)
	require.ErrorIs(t, store.Append(t.Context(), "a", events("outer")), errTest)
	requireStream(t, store, "a")
}

func TestLateContextWaitsForTheUnitOfWork(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	late := make(chan error, 1)
	returned := make(chan struct{})
	store = fact.NewMemoryStore(
		fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
			go func() {
				<-returned
				late <- store.Append(ctx, "a", events("late"))
			}()
			return nil
		})),
		fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
			close(returned)
			return store.Append(ctx, "a", events("nested"))
		})),
	)
	require.NoError(t, store.Append(t.Context(), "a", events("outer")))
	require.NoError(t, <-late)
	requireStream(t, store, "a", "1 outer", "2 nested", "3 late")
}

func TestProjectorThatLeavesItsGoroutineBehind(t *testing.T) {
	t.Parallel()
	// The unit of work waits for an append that has begun with the ctx.
	synctest.Test(t, func(t *testing.T) {
		var store *fact.MemoryStore
		begun, release := make(chan struct{}), make(chan struct{})
		nested, outer := make(chan error, 1), make(chan error, 1)
		store = fact.NewMemoryStore(
			fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
				go func() { nested <- store.Append(ctx, "a", events("nested")) }()
				<-begun
				return nil
			})),
			fact.WithProjector(when("nested", func(ctx context.Context, _ fact.Event) error {
				close(begun)
				<-release
				return store.Append(ctx, "a", events("deeper"))
			})),
		)
		go func() { outer <- store.Append(context.Background(), "a", events("outer")) }()
		synctest.Wait()
		require.Empty(t, outer, "not committed yet")
		close(release)
		require.NoError(t, <-outer)
		require.NoError(t, <-nested)
		requireStream(t, store, "a", "1 outer", "2 nested", "3 deeper")
	})
}

func TestWaitingEndsWithContext(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	slow := when("slow", func(context.Context, fact.Event) error {
		close(begun)
		<-release
		return nil
	})
	store := fact.NewMemoryStore(fact.WithProjector(slow))
	first := make(chan error, 1)
	go func() { first <- store.Append(context.Background(), "a", events("slow")) }()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := store.Append(ctx, "a", events("x"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "wait for another append")
	none, err := store.Load(t.Context(), "a")
	require.NoError(t, err, "load waits for nobody")
	require.Empty(t, none)
	other := fact.NewMemoryStore(fact.WithProjector(when("", nil)))
	require.NoError(t, other.Append(t.Context(), "a", events("x")), "another store waits for nobody")
	close(release)
	require.NoError(t, <-first)
	requireStream(t, store, "a", "1 slow")
}

func TestContextThatEndsInProjectorIsNotCommitted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var to published
	store := fact.NewMemoryStore(fact.WithPublisher(&to), fact.WithProjector(when("x", func(context.Context, fact.Event) error {
		cancel()
		return nil
	})))
	require.ErrorIs(t, store.Append(ctx, "a", events("x")), context.Canceled)
	requireStream(t, store, "a")
	require.NoError(t, store.Flush(t.Context()))
	require.Empty(t, to.all())
}

func TestAppendReturningInsideProjector(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	var got recording[string]
	store = fact.NewMemoryStore(fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
		stored, err := store.AppendReturning(ctx, "a", events("nested"))
		got.add(briefly(stored)...)
		return err
	})))
	require.NoError(t, store.Append(t.Context(), "a", events("outer", "second")))
	require.Equal(t, []string{"a/3 nested"}, got.all())
}
