package fact_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestForeignContextWouldWaitForItself(t *testing.T) {
	t.Parallel()
	var store, nested, other *fact.MemoryStore
	calls := map[string]func(ctx context.Context) error{
		"append to the same store": func(context.Context) error {
			return store.Append(context.Background(), "a", events("x"))
		},
		"append to a store of the unit of work": func(ctx context.Context) error {
			if err := nested.Append(ctx, "a", events("x")); err != nil {
				return err
			}
			return nested.Append(context.Background(), "a", events("x"))
		},
		"append to another store with projectors": func(context.Context) error {
			return other.Append(context.Background(), "a", events("x"))
		},
		"close": func(context.Context) error { return store.Close(context.Background()) },
	}
	for name, call := range calls {
		nested = fact.NewMemoryStore()
		other = fact.NewMemoryStore(fact.WithProjector(when("", nil)))
		store = fact.NewMemoryStore(fact.WithProjector(when("x", func(ctx context.Context, _ fact.Event) error {
			return call(ctx)
		})))
		err := store.Append(t.Context(), "a", events("x"))
		require.ErrorIs(t, err, fact.ErrForeignContext, name)
		requireStream(t, store, "a")
		requireStream(t, nested, "a")
		require.NoError(t, store.Append(t.Context(), "a", events("y")), "nothing is held any more")
	}
}

func TestForeignContextStandsOutside(t *testing.T) {
	t.Parallel()
	plain := fact.NewMemoryStore()
	var seen recording[int]
	var store *fact.MemoryStore
	store = fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(_ context.Context, e fact.Event) error {
		committed, err := store.Load(context.Background(), "a")
		seen.add(len(committed))
		return errors.Join(err, plain.Append(context.Background(), "audit", events("tried "+e.Type)), errTest)
	})))
	require.ErrorIs(t, store.Append(t.Context(), "a", events("x")), errTest)
	requireStream(t, store, "a")
	requireStream(t, plain, "audit", "1 tried x")
	require.Equal(t, []int{0}, seen.all())
}

func TestForeignContextDoesNotMindBusyStores(t *testing.T) {
	t.Parallel()
	// A plain store that others append to all the time is not a reason to fail.
	plain := fact.NewMemoryStore()
	store := fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(context.Context, fact.Event) error {
		return plain.Append(context.Background(), "a", events("x"))
	})))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = plain.Append(context.Background(), "b", events("x"))
				}
			}
		})
	}
	for range 500 {
		require.NoError(t, store.Append(t.Context(), "a", events("x")))
	}
	close(stop)
	wg.Wait()
}

func TestOuterContextInNestedProjector(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	var outer context.Context
	store = fact.NewMemoryStore(
		fact.WithProjector(when("outer", func(ctx context.Context, _ fact.Event) error {
			outer = ctx
			return store.Append(ctx, "a", events("nested"))
		})),
		fact.WithProjector(when("nested", func(context.Context, fact.Event) error {
			return store.Append(outer, "a", events("too far out"))
		})),
	)
	require.ErrorIs(t, store.Append(t.Context(), "a", events("outer")), fact.ErrForeignContext)
	requireStream(t, store, "a")
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
	other := fact.NewMemoryStore(fact.WithProjector(slow))
	first := make(chan error, 1)
	go func() { first <- store.Append(context.Background(), "a", events("slow")) }()
	<-begun
	for _, s := range []*fact.MemoryStore{store, other} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		err := s.Append(ctx, "a", events("x"))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "wait for another append")
	}
	none, err := store.Load(t.Context(), "a")
	require.NoError(t, err, "load waits for nobody")
	require.Empty(t, none)
	plain := fact.NewMemoryStore()
	require.NoError(t, plain.Append(t.Context(), "a", events("x")), "a store without projectors waits for nobody")
	close(release)
	require.NoError(t, <-first)
	requireStream(t, store, "a", "1 slow")
	requireStream(t, other, "a")
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

func TestManyStoresInARingDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const n, rounds = 5, 40
	stores := make([]*fact.MemoryStore, n)
	for i := range stores {
		next := func() *fact.MemoryStore { return stores[(i+1)%n] }
		stores[i] = fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(ctx context.Context, e fact.Event) error {
			var left int
			if _, err := fmt.Sscan(e.Type, &left); err != nil || left == 0 {
				return err
			}
			if left == 1 && e.Sequence%7 == 0 {
				return errTest // and undo it all
			}
			return next().Append(ctx, "ring", events(fmt.Sprint(left-1)))
		})))
	}
	var wg sync.WaitGroup
	var failed, done recording[int]
	for i := range n {
		wg.Go(func() {
			for range rounds {
				switch err := stores[i].Append(context.Background(), "ring", events("7")); {
				case err == nil:
					done.add(i)
				case errors.Is(err, errTest):
					failed.add(i)
				default:
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, s := range stores {
		all, err := s.Load(t.Context(), "ring")
		require.NoError(t, err)
		for i, e := range all {
			require.EqualValues(t, i+1, e.Sequence)
		}
		total += len(all)
	}
	require.Len(t, append(done.all(), failed.all()...), n*rounds)
	require.Equal(t, 8*len(done.all()), total, "each append that worked left its event and seven nested ones")
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
