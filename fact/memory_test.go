package fact_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // publishers fail on purpose here
	goleak.VerifyTestMain(m)
}

func TestMemoryStoreConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(*testing.T) fact.EventStore { return fact.NewMemoryStore() })
}

func TestMemoryStoreWithProjectorConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(*testing.T) fact.EventStore {
		nothing := projectorFunc(func(context.Context, fact.Event) error { return nil })
		return fact.NewMemoryStore(fact.WithProjector(nothing), fact.WithPublisher(new(published)))
	})
}

func TestMemoryStoreProjectingConformance(t *testing.T) {
	t.Parallel()
	facttest.TestProjectingStore(t, func(_ *testing.T, w facttest.Wiring) fact.EventStore {
		return newWiredStore(w)
	})
}

// newWiredStore returns a MemoryStore with the given parts.
func newWiredStore(w facttest.Wiring) *fact.MemoryStore {
	var opts []fact.Option
	for _, p := range w.Projectors {
		opts = append(opts, fact.WithProjector(p))
	}
	for _, p := range w.Publishers {
		opts = append(opts, fact.WithPublisher(p))
	}
	opts = append(opts, fact.WithPublishErrorHandler(w.OnPublishError))
	return fact.NewMemoryStore(opts...)
}

func TestMemoryStoreIgnoresNilParts(t *testing.T) {
	t.Parallel()
	store := fact.NewMemoryStore(nil, fact.WithProjector(nil), fact.WithPublisher(nil),
		fact.WithPublishErrorHandler(nil))
	require.NoError(t, store.Append(t.Context(), "a", events("x")))
	requireStream(t, store, "a", "1 x")
	require.NoError(t, store.Flush(t.Context()))
	require.NoError(t, store.Close(t.Context()))
}

func TestMemoryStoreErrorsSayWhere(t *testing.T) {
	t.Parallel()
	store := fact.NewMemoryStore(fact.WithProjector(when("bad", func(context.Context, fact.Event) error { return errTest })))
	err := store.Append(t.Context(), "chat", []fact.Event{{Type: "x"}, {Type: "y", Data: json.RawMessage(`{"a":`)}})
	require.EqualError(t, err, `append to stream "chat": event 1 of type "y": data is not valid JSON: "{\"a\":"`)
	err = store.Append(t.Context(), "chat", events("good", "bad"))
	require.EqualError(t, err,
		`append to stream "chat": projector fact_test.projectorFunc on event 2 of type "bad": the test's error`)
	err = store.Append(t.Context(), "", events("x"))
	require.EqualError(t, err, `append to stream "": the name of the stream is empty`)
	_, err = store.Load(t.Context(), "")
	require.EqualError(t, err, `load stream "": the name of the stream is empty`)
	err = store.AppendAt(t.Context(), "chat", 3, events("x"))
	require.EqualError(t, err, `append to stream "chat": stream "chat" is at sequence 0, not at the expected 3: load what is new and decide again`)
}

func TestMemoryStorePanicKeepsTheStack(t *testing.T) {
	t.Parallel()
	const bad = "bad"
	store := fact.NewMemoryStore(fact.WithProjector(when("bad", func(context.Context, fact.Event) error {
		return []error{}[len(bad)] // out of range
	})))
	err := store.Append(t.Context(), "a", events("bad"))
	var panicked *fact.PanicError
	require.ErrorAs(t, err, &panicked)
	require.Contains(t, string(panicked.Stack), "TestMemoryStorePanicKeepsTheStack")
	require.ErrorContains(t, err, "panic: runtime error: index out of range")
	store = fact.NewMemoryStore(fact.WithProjector(when("bad", func(context.Context, fact.Event) error { panic("just text") })))
	err = store.Append(t.Context(), "a", events("bad"))
	require.ErrorContains(t, err, "panic: just text")
}

func TestMemoryStoreLoadContext(t *testing.T) {
	t.Parallel()
	store := fact.NewMemoryStore()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Load(ended, "a")
	require.ErrorIs(t, err, context.Canceled)
}

func TestMemoryStoreGoexitInProjector(t *testing.T) {
	t.Parallel()
	store := fact.NewMemoryStore(fact.WithProjector(when("bad", func(context.Context, fact.Event) error {
		goexit()
		return nil
	})))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = store.Append(context.Background(), "a", events("bad")) // does not return
	}()
	<-ended
	require.NoError(t, store.Append(t.Context(), "a", events("x")))
	requireStream(t, store, "a", "1 x")
}

func TestMemoryStoreEndlessNesting(t *testing.T) {
	t.Parallel()
	var store *fact.MemoryStore
	store = fact.NewMemoryStore(fact.WithProjector(projectorFunc(func(ctx context.Context, _ fact.Event) error {
		return store.Append(ctx, "a", events("again"))
	})))
	err := store.Append(t.Context(), "a", events("x"))
	require.ErrorContains(t, err, "without end")
	requireStream(t, store, "a")
}

func TestMemoryStoreClose(t *testing.T) {
	t.Parallel()
	var to published
	store := fact.NewMemoryStore(fact.WithPublisher(&to))
	require.NoError(t, store.Append(t.Context(), "a", events("x")))
	require.NoError(t, store.Close(t.Context()))
	require.Len(t, to.all(), 1)
	require.ErrorIs(t, store.Append(t.Context(), "a", events("y")), fact.ErrClosed)
	require.ErrorIs(t, store.AppendAt(t.Context(), "a", 1, events("y")), fact.ErrClosed)
	requireStream(t, store, "a", "1 x")
	require.NoError(t, store.Close(t.Context()), "again")
}

func TestMemoryStoreCloseWaitsForTheUnitOfWork(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	var to published
	store := fact.NewMemoryStore(fact.WithPublisher(&to),
		fact.WithProjector(projectorFunc(func(context.Context, fact.Event) error {
			close(begun)
			<-release
			return nil
		})))
	appended, closed := make(chan error, 1), make(chan error, 1)
	go func() { appended <- store.Append(context.Background(), "a", events("x")) }()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, store.Close(ctx), context.Canceled, "the unit of work is still running")
	go func() { closed <- store.Close(context.Background()) }()
	close(release)
	require.NoError(t, <-appended)
	require.NoError(t, <-closed)
	require.Equal(t, [][]string{{"a/1 x"}}, to.all())
}

func TestMemoryStoreCommitsAreVisibleAtOnce(t *testing.T) {
	t.Parallel()
	const rounds, nested = 50, 200
	var store *fact.MemoryStore
	store = fact.NewMemoryStore(fact.WithProjector(when("x", func(ctx context.Context, _ fact.Event) error {
		return store.Append(ctx, "b", make([]fact.Event, nested))
	})))
	done := make(chan error, 1)
	go func() {
		for range rounds {
			if err := store.Append(context.Background(), "a", events("x")); err != nil {
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
		store := fact.NewMemoryStore(fact.WithProjector(when("slow", func(context.Context, fact.Event) error {
			<-release
			return nil
		})))
		results := make(chan error, 2)
		go func() { results <- store.Append(context.Background(), "a", events("slow")) }()
		synctest.Wait()
		go func() { results <- store.Append(context.Background(), "a", events("x")) }()
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
		requireStream(t, store, "a", "1 slow", "2 x")
	})
}

// pass lets time pass in the bubble of a synctest.
func pass(d time.Duration) { <-time.After(d) }
