package eventlog_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

// subscribe runs a subscription in the background until the returned function is
// called.
func subscribe(t *testing.T, c eventlog.SubscriptionConfig) (*eventlog.Subscription, func()) {
	t.Helper()
	s, err := eventlog.NewSubscription(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
}

func positionsOf(entries []eventlog.Entry) []int64 {
	positions := make([]int64, len(entries))
	for i, e := range entries {
		positions[i] = e.Position
	}
	return positions
}

func counted(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i + 1)
	}
	return all
}

func TestSubscriptionHistoryThenLive(t *testing.T) {
	t.Parallel()
	const writers, rounds = 4, 100
	store := memstore.New()
	var got storetest.Recording[int64]
	c := eventlog.SubscriptionConfig{Log: store, Consumer: "c", Batch: 7, Handle: func(_ context.Context, entries []eventlog.Entry) error {
		got.Add(positionsOf(entries)...)
		return nil
	}}
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x", "y")))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				if err := store.Append(context.Background(), "abcd"[w:w+1], storetest.Events("x", "y", "z")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 { // it goes on where it was
		_, stop := subscribe(t, c)
		stop()
	}
	s, stop := subscribe(t, c)
	wg.Wait()
	for {
		lag, err := s.Lag(t.Context())
		require.NoError(t, err)
		if lag == 0 {
			break
		}
		<-time.After(time.Millisecond)
	}
	stop()
	require.Equal(t, counted(2+3*writers*rounds), got.All(), "in order, no gap, nothing twice")
}

func TestSubscriptionRepeatsWhatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("1", "2", "3")))
		var tries, reported storetest.Recording[string]
		s, err := eventlog.NewSubscription(eventlog.SubscriptionConfig{
			Log: store, Consumer: "c", Batch: 1,
			Handle: func(_ context.Context, entries []eventlog.Entry) error {
				tries.Add(entries[0].Type)
				if len(tries.All()) < 4 && entries[0].Type == "2" {
					return storetest.ErrTest
				}
				return nil
			},
			OnError: func(err error) { reported.Add(err.Error()) },
		})
		require.NoError(t, err)
		require.NoError(t, s.CatchUp(t.Context()))
		require.Equal(t, []string{"1", "2", "2", "2", "3"}, tries.All())
		require.Equal(t, []string{`subscription of "c": the test's error`, `subscription of "c": the test's error`}, reported.All())
	})
}

func TestSubscriptionOfACategory(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	for _, stream := range []string{"a-1", "b-1", "a-2", "b-2"} {
		require.NoError(t, store.Append(t.Context(), stream, storetest.Events("in "+stream)))
	}
	var got storetest.Recording[string]
	var u eventlog.Upcasters
	u.Add("in a-2", 1, func(e eventlog.Event) (eventlog.Event, error) { e.Type = "new"; return e, nil })
	s, err := eventlog.NewSubscription(eventlog.SubscriptionConfig{
		Log: store, Consumer: "c", Category: "a", Upcast: &u,
		Handle: func(_ context.Context, entries []eventlog.Entry) error {
			for _, e := range entries {
				got.Add(e.Type)
			}
			return nil
		},
	})
	require.NoError(t, err)
	require.NoError(t, s.CatchUp(t.Context()))
	require.NoError(t, s.CatchUp(t.Context()))
	require.Equal(t, []string{"in a-1", "new"}, got.All())
	lag, err := s.Lag(t.Context())
	require.NoError(t, err)
	require.Zero(t, lag, "what is of other categories counts as handled")
	_, err = eventlog.NewSubscription(eventlog.SubscriptionConfig{Log: store})
	require.Error(t, err)
}

// A new version of a projection is built from zero beside the live one, and takes
// its place once it has caught up.
func TestProjectionIsRebuiltBesideTheLiveOne(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x", "y", "x")))
	var mu sync.Mutex
	counts := map[string]map[string]int{"v1": {}, "v2": {}}
	live := "v1"
	project := func(version string, caughtUp func(context.Context) error) eventlog.SubscriptionConfig {
		return eventlog.SubscriptionConfig{
			Log: store, Consumer: "counts " + version, CaughtUp: caughtUp,
			Handle: func(_ context.Context, entries []eventlog.Entry) error {
				mu.Lock()
				defer mu.Unlock()
				for _, e := range entries {
					counts[version][e.Type]++
				}
				return nil
			},
		}
	}
	_, stopFirst := subscribe(t, project("v1", nil))
	swapped := make(chan map[string]int, 1)
	_, stopSecond := subscribe(t, project("v2", func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		live = "v2"
		swapped <- map[string]int{"x": counts[live]["x"], "y": counts[live]["y"]}
		return nil
	}))
	require.Equal(t, map[string]int{"x": 2, "y": 1}, <-swapped)
	stopFirst()
	stopSecond()
	require.Equal(t, "v2", live)
}

// Consumers that compete hand on the work when one of them stops or falls silent.
func TestCompetingConsumers(t *testing.T) {
	t.Parallel()
	const n = 200
	store := memstore.New()
	var got storetest.Recording[int64]
	var busy storetest.Recording[int]
	config := func(id int) eventlog.SubscriptionConfig {
		return eventlog.SubscriptionConfig{
			Log: store, Consumer: "c", Batch: 3, LeaseTTL: 30 * time.Millisecond,
			Handle: func(_ context.Context, entries []eventlog.Entry) error {
				got.Add(positionsOf(entries)...)
				busy.Add(id)
				return nil
			},
		}
	}
	var stops []func()
	for id := range 3 {
		_, stop := subscribe(t, config(id))
		stops = append(stops, stop)
	}
	for i := range n {
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
		if i == n/2 {
			stops[0]()
		}
	}
	s, err := eventlog.NewSubscription(config(3))
	require.NoError(t, err)
	for lag := int64(1); lag > 0; <-time.After(time.Millisecond) {
		lag, err = s.Lag(t.Context())
		require.NoError(t, err)
	}
	stops[1]()
	stops[2]()
	all := got.All()
	slices.Sort(all)
	require.Equal(t, counted(n), slices.Compact(all), "nothing is missing")
}

// A consumer that cannot prolong its lease stops, and begins again when it gets it
// back.
func TestLostLeaseIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
		var reported storetest.Recording[error]
		calls := 0
		s, err := eventlog.NewSubscription(eventlog.SubscriptionConfig{
			Log: &losesLease{Store: store}, Consumer: "c", LeaseTTL: time.Second,
			Handle: func(ctx context.Context, _ []eventlog.Entry) error {
				if calls++; calls > 1 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			},
			OnError: func(err error) { reported.Add(err) },
		})
		require.NoError(t, err)
		require.NoError(t, s.CatchUp(t.Context()))
		require.Equal(t, 2, calls)
		require.Len(t, reported.All(), 1)
		require.ErrorIs(t, reported.All()[0], eventlog.ErrLeaseLost)
	})
}

// losesLease does not prolong the first lease.
type losesLease struct {
	*memstore.Store
	calls int
}

func (l *losesLease) Lease(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
	if l.calls++; l.calls == 2 {
		return false, nil
	}
	return l.Store.Lease(ctx, consumer, owner, ttl)
}
