package memstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

// callsWithAnotherContext are calls of a projector that do not use its ctx, and
// so would wait for the projector itself.
func callsWithAnotherContext(store **memstore.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"append": func(ctx context.Context) error { return (*store).Append(ctx, "a", storetest.Events("x")) },
		"close":  func(ctx context.Context) error { return (*store).Close(ctx) },
	}
}

func TestAnotherContextWaitsForTheUnitOfWorkUntilItEnds(t *testing.T) {
	t.Parallel()
	var store *memstore.Store
	for name, call := range callsWithAnotherContext(&store) {
		synctest.Test(t, func(t *testing.T) {
			store = memstore.New(memstore.WithProjector(storetest.When("x", func(context.Context, eventlog.Event) error {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				return call(ctx)
			})))
			err := store.Append(t.Context(), "a", storetest.Events("x"))
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			storetest.RequireStream(t, store, "a")
			require.NoError(t, store.Append(t.Context(), "a", storetest.Events("y")), "nothing is held any more")
		})
	}
}

func TestAnotherContextSeesWhatIsCommitted(t *testing.T) {
	t.Parallel()
	var seen storetest.Recording[int]
	var store *memstore.Store
	store = memstore.New(memstore.WithProjector(storetest.ProjectorFunc(func(context.Context, eventlog.Event) error {
		committed, err := store.Load(context.Background(), "a")
		seen.Add(len(committed))
		return errors.Join(err, storetest.ErrTest)
	})))
	require.ErrorIs(t, store.Append(t.Context(), "a", storetest.Events("x")), storetest.ErrTest)
	storetest.RequireStream(t, store, "a")
	require.Equal(t, []int{0}, seen.All())
}

func TestAppendsToAnotherStoreAreItsOwn(t *testing.T) {
	t.Parallel()
	audit := memstore.New()
	store := memstore.New(memstore.WithProjector(storetest.ProjectorFunc(func(ctx context.Context, e eventlog.Event) error {
		return errors.Join(audit.Append(ctx, "audit", storetest.Events("tried "+e.Type)), storetest.ErrTest)
	})))
	require.ErrorIs(t, store.Append(t.Context(), "a", storetest.Events("x")), storetest.ErrTest)
	storetest.RequireStream(t, store, "a")
	storetest.RequireStream(t, audit, "audit", "1 tried x")
}

func TestUnitOfWorkIsFoundThroughAnotherStore(t *testing.T) {
	t.Parallel()
	// The ctx of the other store's projector still belongs to the first unit, too.
	var store *memstore.Store
	between := memstore.New(memstore.WithProjector(storetest.When("between", func(ctx context.Context, _ eventlog.Event) error {
		return store.Append(ctx, "a", storetest.Events("nested"))
	})))
	store = memstore.New(memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
		return errors.Join(between.Append(ctx, "b", storetest.Events("between")), ctx.Err())
	})), memstore.WithProjector(storetest.When("last", func(context.Context, eventlog.Event) error { return storetest.ErrTest })))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("outer")))
	storetest.RequireStream(t, store, "a", "1 outer", "2 nested")
	require.ErrorIs(t, store.Append(t.Context(), "a", storetest.Events("outer", "last")), storetest.ErrTest)
	storetest.RequireStream(t, store, "a", "1 outer", "2 nested")
	storetest.RequireStream(t, between, "b", "1 between", "2 between")
}

func TestNestedContextInOuterProjector(t *testing.T) {
	t.Parallel()
	// The ctx of a nested projector that has returned belongs to the outer one.
	var store *memstore.Store
	var nested context.Context
	store = memstore.New(
		memstore.WithProjector(storetest.When("nested", func(ctx context.Context, _ eventlog.Event) error {
			nested = ctx
			return nil
		})),
		memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
			if err := store.Append(ctx, "a", storetest.Events("nested")); err != nil {
				return err
			}
			return store.Append(nested, "a", storetest.Events("later"))
		})),
		memstore.WithProjector(storetest.When("later", func(context.Context, eventlog.Event) error { return storetest.ErrTest })),
	)
	require.ErrorIs(t, store.Append(t.Context(), "a", storetest.Events("outer")), storetest.ErrTest)
	storetest.RequireStream(t, store, "a")
}

func TestLateContextWaitsForTheUnitOfWork(t *testing.T) {
	t.Parallel()
	var store *memstore.Store
	late := make(chan error, 1)
	returned := make(chan struct{})
	store = memstore.New(
		memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
			go func() {
				<-returned
				late <- store.Append(ctx, "a", storetest.Events("late"))
			}()
			return nil
		})),
		memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
			close(returned)
			return store.Append(ctx, "a", storetest.Events("nested"))
		})),
	)
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("outer")))
	require.NoError(t, <-late)
	storetest.RequireStream(t, store, "a", "1 outer", "2 nested", "3 late")
}

func TestProjectorThatLeavesItsGoroutineBehind(t *testing.T) {
	t.Parallel()
	// The unit of work waits for an append that has begun with the ctx.
	synctest.Test(t, func(t *testing.T) {
		var store *memstore.Store
		begun, release := make(chan struct{}), make(chan struct{})
		nested, outer := make(chan error, 1), make(chan error, 1)
		store = memstore.New(
			memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
				go func() { nested <- store.Append(ctx, "a", storetest.Events("nested")) }()
				<-begun
				return nil
			})),
			memstore.WithProjector(storetest.When("nested", func(ctx context.Context, _ eventlog.Event) error {
				close(begun)
				<-release
				return store.Append(ctx, "a", storetest.Events("deeper"))
			})),
		)
		go func() { outer <- store.Append(context.Background(), "a", storetest.Events("outer")) }()
		synctest.Wait()
		require.Empty(t, outer, "not committed yet")
		close(release)
		require.NoError(t, <-outer)
		require.NoError(t, <-nested)
		storetest.RequireStream(t, store, "a", "1 outer", "2 nested", "3 deeper")
	})
}

func TestWaitingEndsWithContext(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	slow := storetest.When("slow", func(context.Context, eventlog.Event) error {
		close(begun)
		<-release
		return nil
	})
	store := memstore.New(memstore.WithProjector(slow))
	first := make(chan error, 1)
	go func() { first <- store.Append(context.Background(), "a", storetest.Events("slow")) }()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := store.Append(ctx, "a", storetest.Events("x"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "wait for another append")
	none, err := store.Load(t.Context(), "a")
	require.NoError(t, err, "load waits for nobody")
	require.Empty(t, none)
	other := memstore.New(memstore.WithProjector(storetest.When("", nil)))
	require.NoError(t, other.Append(t.Context(), "a", storetest.Events("x")), "another store waits for nobody")
	close(release)
	require.NoError(t, <-first)
	storetest.RequireStream(t, store, "a", "1 slow")
}

func TestContextThatEndsInProjectorIsNotCommitted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var to storetest.Published
	store := memstore.New(memstore.WithPublisher(&to), memstore.WithProjector(storetest.When("x", func(context.Context, eventlog.Event) error {
		cancel()
		return nil
	})))
	require.ErrorIs(t, store.Append(ctx, "a", storetest.Events("x")), context.Canceled)
	storetest.RequireStream(t, store, "a")
	require.NoError(t, store.Flush(t.Context()))
	require.Empty(t, to.All())
}

func TestAppendReturningInsideProjector(t *testing.T) {
	t.Parallel()
	var store *memstore.Store
	var got storetest.Recording[string]
	store = memstore.New(memstore.WithProjector(storetest.When("outer", func(ctx context.Context, _ eventlog.Event) error {
		stored, err := store.AppendReturning(ctx, "a", storetest.Events("nested"))
		got.Add(storetest.Briefly(stored)...)
		return err
	})))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("outer", "second")))
	require.Equal(t, []string{"a/3 nested"}, got.All())
}
