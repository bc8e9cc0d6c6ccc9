package memstore_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/facttest"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // publishers fail on purpose here
	goleak.VerifyTestMain(m)
}

func TestMemoryStoreConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(*testing.T) eventlog.EventStore { return memstore.New() })
}

func TestMemoryStoreWithProjectorConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(*testing.T) eventlog.EventStore {
		nothing := storetest.ProjectorFunc(func(context.Context, eventlog.Event) error { return nil })
		return memstore.New(memstore.WithProjector(nothing), memstore.WithPublisher(new(storetest.Published)))
	})
}

func TestMemoryStoreProjectingConformance(t *testing.T) {
	t.Parallel()
	facttest.TestProjectingStore(t, func(_ *testing.T, w facttest.Wiring) eventlog.EventStore {
		return newWiredStore(w)
	})
}

// newWiredStore returns a MemoryStore with the given parts.
func newWiredStore(w facttest.Wiring) *memstore.Store {
	var opts []memstore.Option
	for _, p := range w.Projectors {
		opts = append(opts, memstore.WithProjector(p))
	}
	for _, p := range w.Publishers {
		opts = append(opts, memstore.WithPublisher(p))
	}
	opts = append(opts, memstore.WithPublishErrorHandler(w.OnPublishError))
	return memstore.New(opts...)
}

func TestMemoryStoreIgnoresNilParts(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil, memstore.WithProjector(nil), memstore.WithPublisher(nil),
		memstore.WithPublishErrorHandler(nil))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
	storetest.RequireStream(t, store, "a", "1 x")
	require.NoError(t, store.Flush(t.Context()))
	require.NoError(t, store.Close(t.Context()))
}

func TestMemoryStoreErrorsSayWhere(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.WithProjector(storetest.When("bad", func(context.Context, eventlog.Event) error { return storetest.ErrTest })))
	err := store.Append(t.Context(), "chat", []eventlog.Event{{Type: "x"}, {Type: "y", Data: json.RawMessage(`{"a":`)}})
	require.EqualError(t, err, `append to stream "chat": event 1 of type "y": data is not valid JSON: "{\"a\":"`)
	err = store.Append(t.Context(), "chat", storetest.Events("good", "bad"))
	require.EqualError(t, err,
		`append to stream "chat": projector storetest.ProjectorFunc on event 2 of type "bad": the test's error`)
	err = store.Append(t.Context(), "", storetest.Events("x"))
	require.EqualError(t, err, `append to stream "": the name of the stream is empty`)
	_, err = store.Load(t.Context(), "")
	require.EqualError(t, err, `load stream "": the name of the stream is empty`)
	err = store.AppendAt(t.Context(), "chat", 3, storetest.Events("x"))
	require.EqualError(t, err, `append to stream "chat": stream "chat" is at sequence 0, not at the expected 3: load what is new and decide again`)
}

func TestMemoryStorePanicKeepsTheStack(t *testing.T) {
	t.Parallel()
	const bad = "bad"
	store := memstore.New(memstore.WithProjector(storetest.When("bad", func(context.Context, eventlog.Event) error {
		return []error{}[len(bad)] // out of range
	})))
	err := store.Append(t.Context(), "a", storetest.Events("bad"))
	var panicked *eventlog.PanicError
	require.ErrorAs(t, err, &panicked)
	require.Contains(t, string(panicked.Stack), "TestMemoryStorePanicKeepsTheStack")
	require.ErrorContains(t, err, "panic: runtime error: index out of range")
	store = memstore.New(memstore.WithProjector(storetest.When("bad", func(context.Context, eventlog.Event) error { panic("just text") })))
	err = store.Append(t.Context(), "a", storetest.Events("bad"))
	require.ErrorContains(t, err, "panic: just text")
}

func TestMemoryStoreLoadContext(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Load(ended, "a")
	require.ErrorIs(t, err, context.Canceled)
}

func TestMemoryStoreGoexitInProjector(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.WithProjector(storetest.When("bad", func(context.Context, eventlog.Event) error {
		goexit()
		return nil
	})))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = store.Append(context.Background(), "a", storetest.Events("bad")) // does not return
	}()
	<-ended
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
	storetest.RequireStream(t, store, "a", "1 x")
}

func TestMemoryStoreEndlessNesting(t *testing.T) {
	t.Parallel()
	var store *memstore.Store
	store = memstore.New(memstore.WithProjector(storetest.ProjectorFunc(func(ctx context.Context, _ eventlog.Event) error {
		return store.Append(ctx, "a", storetest.Events("again"))
	})))
	err := store.Append(t.Context(), "a", storetest.Events("x"))
	require.ErrorContains(t, err, "without end")
	storetest.RequireStream(t, store, "a")
}

func TestMemoryStoreClose(t *testing.T) {
	t.Parallel()
	var to storetest.Published
	store := memstore.New(memstore.WithPublisher(&to))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
	require.NoError(t, store.Close(t.Context()))
	require.Len(t, to.All(), 1)
	require.ErrorIs(t, store.Append(t.Context(), "a", storetest.Events("y")), eventlog.ErrClosed)
	require.ErrorIs(t, store.AppendAt(t.Context(), "a", 1, storetest.Events("y")), eventlog.ErrClosed)
	storetest.RequireStream(t, store, "a", "1 x")
	require.NoError(t, store.Close(t.Context()), "again")
}

func TestMemoryStoreCloseWaitsForTheUnitOfWork(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	var to storetest.Published
	store := memstore.New(memstore.WithPublisher(&to),
		memstore.WithProjector(storetest.ProjectorFunc(func(context.Context, eventlog.Event) error {
			close(begun)
			<-release
			return nil
		})))
	appended, closed := make(chan error, 1), make(chan error, 1)
	go func() { appended <- store.Append(context.Background(), "a", storetest.Events("x")) }()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, store.Close(ctx), context.Canceled, "the unit of work is still running")
	go func() { closed <- store.Close(context.Background()) }()
	close(release)
	require.NoError(t, <-appended)
	require.NoError(t, <-closed)
	require.Equal(t, [][]string{{"a/1 x"}}, to.All())
}

func TestMemoryStoreCommitsAreVisibleAtOnce(t *testing.T) {
	t.Parallel()
	const rounds, nested = 50, 200
	var store *memstore.Store
	store = memstore.New(memstore.WithProjector(storetest.When("x", func(ctx context.Context, _ eventlog.Event) error {
		return store.Append(ctx, "b", make([]eventlog.Event, nested))
	})))
	done := make(chan error, 1)
	go func() {
		for range rounds {
			if err := store.Append(context.Background(), "a", storetest.Events("x")); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		a, err := store.Load(t.Context(), "a")
		require.NoError(t, err)
		b, err := store.Load(t.Context(), "b")
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(b), nested*len(a), "what is seen in one stream is seen in the other")
		select {
		case err := <-done:
			require.NoError(t, err)
			return
		default:
		}
	}
}

func TestMemoryStoreWaitingIsLogged(t *testing.T) { // not parallel: it looks at slog's default logger
	var logged logHandler
	restore := logged.install()
	defer restore()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		store := memstore.New(memstore.WithProjector(storetest.When("slow", func(context.Context, eventlog.Event) error {
			<-release
			return nil
		})))
		results := make(chan error, 2)
		go func() { results <- store.Append(context.Background(), "a", storetest.Events("slow")) }()
		synctest.Wait()
		go func() { results <- store.Append(context.Background(), "a", storetest.Events("x")) }()
		pass(9 * time.Second)
		synctest.Wait()
		require.Empty(t, logged.messages())
		pass(2 * time.Second)
		synctest.Wait()
		require.Len(t, logged.messages(), 1)
		require.Contains(t, logged.messages()[0], "append still waits for another one")
		pass(time.Hour)
		synctest.Wait()
		require.Len(t, logged.messages(), 1, "once is enough")
		close(release)
		require.NoError(t, <-results)
		require.NoError(t, <-results)
		storetest.RequireStream(t, store, "a", "1 slow", "2 x")
	})
}

// pass lets time pass in the bubble of a synctest.
func pass(d time.Duration) { <-time.After(d) }
