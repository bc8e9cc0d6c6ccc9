package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

func TestPublishQueueOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := storetest.NewBlocking()
		var fast storetest.Published
		var reported storetest.Recording[error]
		store := memstore.New(memstore.WithPublisher(slow), memstore.WithPublisher(&fast), memstore.WithPublishQueue(3),
			memstore.WithPublishErrorHandler(func(err error) { reported.Add(err) }))
		for range 10 { // one with the publisher, three in the queue, six too many
			require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
			synctest.Wait()
		}
		close(slow.Release)
		require.NoError(t, store.Flush(t.Context()))
		require.Equal(t, [][]string{{"a/1 x"}, {"a/2 x"}, {"a/3 x"}, {"a/4 x"}}, slow.All())
		require.Len(t, fast.All(), 10, "the other publisher misses nothing")
		require.Len(t, reported.All(), 6)
		for i, err := range reported.All() {
			require.ErrorIs(t, err, eventlog.ErrQueueFull)
			var lost *eventlog.PublishError
			require.ErrorAs(t, err, &lost)
			require.Same(t, slow, lost.Publisher)
			require.Equal(t, []string{fmt.Sprintf("a/%d x", 5+i)}, storetest.Briefly(lost.Events))
			require.ErrorContains(t, err, fmt.Sprintf(`publish 1 event, %d of stream "a" to *storetest.Blocking`, 5+i))
		}
		storetest.RequireStream(t, store, "a", "1 x", "2 x", "3 x", "4 x", "5 x", "6 x", "7 x", "8 x", "9 x", "10 x")
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("y")))
		require.NoError(t, store.Flush(t.Context()))
		require.Len(t, slow.All(), 5, "there is room again")
	})
}

func TestPublishQueueTakesWhatIsLargerThanItself(t *testing.T) {
	t.Parallel()
	var to storetest.Published
	var reported storetest.Recording[error]
	store := memstore.New(memstore.WithPublisher(&to), memstore.WithPublishQueue(0),
		memstore.WithPublishErrorHandler(func(err error) { reported.Add(err) }))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x", "y", "z")))
	require.NoError(t, store.Flush(t.Context()))
	require.Equal(t, [][]string{{"a/1 x", "a/2 y", "a/3 z"}}, to.All())
	require.Empty(t, reported.All())
}

func TestPublishErrorNamesTheEvents(t *testing.T) {
	t.Parallel()
	event := func(stream string, sequence int64) eventlog.Event {
		return eventlog.Event{ID: fmt.Sprint("id-", sequence), Stream: stream, Sequence: sequence}
	}
	tests := map[string]struct {
		events []eventlog.Event
		want   string
	}{
		"one":          {[]eventlog.Event{event("a", 3)}, `1 event, 3 of stream "a"`},
		"range":        {[]eventlog.Event{event("a", 3), event("a", 4), event("a", 5)}, `3 events, 3 to 5 of stream "a"`},
		"two streams":  {[]eventlog.Event{event("a", 3), event("a", 4), event("b", 5)}, `3 events, 3 to 4 of stream "a", 5 of stream "b"`},
		"gap":          {[]eventlog.Event{event("a", 3), event("a", 5)}, `2 events, 3 of stream "a", 5 of stream "a"`},
		"no sequences": {[]eventlog.Event{event("a", 0), event("a", 0)}, `2 events, id id-0 of stream "a", id id-0 of stream "a"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := &eventlog.PublishError{Publisher: new(storetest.Published), Events: test.events, Err: storetest.ErrTest}
			require.EqualError(t, err, "publish "+test.want+" to *storetest.Published: the test's error")
			require.ErrorIs(t, err, storetest.ErrTest)
		})
	}
}

func TestPublishErrorEventsAreCopies(t *testing.T) {
	t.Parallel()
	store := memstore.New(
		memstore.WithPublisher(storetest.PublisherFunc(func(context.Context, []eventlog.Event) error { return storetest.ErrTest })),
		memstore.WithPublishErrorHandler(func(err error) {
			var lost *eventlog.PublishError
			if errors.As(err, &lost) {
				copy(lost.Events[0].Data, "!!!!")
				lost.Events[0].Type = "spoiled"
			}
		}))
	require.NoError(t, store.Append(t.Context(), "a", []eventlog.Event{{Type: "x", Data: []byte("true")}}))
	require.NoError(t, store.Flush(t.Context()))
	got, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "x", got[0].Type)
	require.Equal(t, "true", string(got[0].Data))
}

func TestPublishErrorsGoToSlog(t *testing.T) { // not parallel: it looks at slog's default logger
	var logged logHandler
	restore := logged.install()
	defer restore()
	store := memstore.New(memstore.WithPublisher(storetest.PublisherFunc(func(_ context.Context, events []eventlog.Event) error {
		if events[0].Type == "panic" {
			panic("in the publisher")
		}
		return storetest.ErrTest
	})), memstore.WithPublishErrorHandler(func(error) { panic("in the handler") }))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("error")))
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("panic")))
	require.NoError(t, store.Close(t.Context()))
	messages := logged.messages()
	require.Len(t, messages, 4)
	require.Contains(t, messages[0], `ERROR fact: events not published error=publish 1 event, 1 of stream "a"`)
	require.Contains(t, messages[0], "the test's error")
	require.Contains(t, messages[1], "publish error handler panicked panic=in the handler")
	require.Contains(t, messages[2], "panic: in the publisher")
	require.Contains(t, messages[2], "TestPublishErrorsGoToSlog", "with the stack")
}

func TestPublishErrorHandlerMayAppend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := storetest.NewBlocking()
		var store *memstore.Store
		var handlerErr storetest.Recording[error]
		store = memstore.New(memstore.WithPublisher(slow), memstore.WithPublishQueue(1),
			memstore.WithProjector(storetest.When("", nil)),
			memstore.WithPublishErrorHandler(func(err error) {
				var lost *eventlog.PublishError
				if errors.As(err, &lost) && lost.Events[0].Stream == "a" {
					handlerErr.Add(store.Append(context.Background(), "lost", storetest.Events("note")))
				}
			}))
		for range 3 {
			require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
			synctest.Wait()
		}
		require.Equal(t, []error{nil}, handlerErr.All())
		storetest.RequireStream(t, store, "lost", "1 note")
		close(slow.Release)
		require.NoError(t, store.Close(t.Context()))
	})
}

func TestCloseGivesUpWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := storetest.NewBlocking()
		var fine storetest.Published
		var reported storetest.Recording[error]
		store := memstore.New(memstore.WithPublisher(stuck), memstore.WithPublisher(&fine),
			memstore.WithPublishErrorHandler(func(err error) { reported.Add(err) }))
		for range 3 {
			require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x", "y")))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := store.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "*storetest.Blocking still busy, 4 events not published")
		synctest.Wait()
		require.Len(t, fine.All(), 3)
		require.Empty(t, stuck.All())
		require.Len(t, reported.All(), 3, "the one that was running and two that were waiting")
		missed := 0
		for _, err := range reported.All() {
			var lost *eventlog.PublishError
			require.ErrorAs(t, err, &lost)
			missed += len(lost.Events)
			require.True(t, errors.Is(err, eventlog.ErrClosed) || errors.Is(err, context.Canceled))
		}
		require.Equal(t, 6, missed)
		require.NoError(t, store.Close(t.Context()), "nothing is left to wait for")
	})
}

func TestFlushWaitsForWhatWasCommittedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan struct{})
		var to storetest.Published
		store := memstore.New(memstore.WithPublisher(storetest.PublisherFunc(func(ctx context.Context, events []eventlog.Event) error {
			<-calls
			return to.Publish(ctx, events)
		})))
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("before")))
		flushed := make(chan error, 1)
		go func() { flushed <- store.Flush(context.Background()) }()
		synctest.Wait()
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events("after")))
		calls <- struct{}{}
		require.NoError(t, <-flushed)
		require.Equal(t, [][]string{{"a/1 before"}}, to.All(), "it does not wait for the second")
		close(calls)
		require.NoError(t, store.Flush(t.Context()))
		require.Len(t, to.All(), 2)
	})
}

func TestPublisherThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	var to storetest.Published
	var reported storetest.Recording[error]
	store := memstore.New(memstore.WithPublisher(storetest.PublisherFunc(func(ctx context.Context, events []eventlog.Event) error {
		if events[0].Type == "bad" {
			goexit()
		}
		return to.Publish(ctx, events)
	})), memstore.WithPublishErrorHandler(func(err error) { reported.Add(err) }))
	for _, name := range []string{"x", "bad", "y"} {
		require.NoError(t, store.Append(t.Context(), "a", storetest.Events(name)))
	}
	require.NoError(t, store.Close(t.Context()))
	require.Equal(t, [][]string{{"a/1 x"}, {"a/3 y"}}, to.All())
	require.Len(t, reported.All(), 1)
	require.ErrorContains(t, reported.All()[0], "Goexit")
}

func TestPublishingHasOneGoroutineWhileItIsNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := storetest.NewBlocking(), storetest.NewBlocking()
		require.Zero(t, publishGoroutines())
		store := memstore.New(memstore.WithPublisher(first), memstore.WithPublisher(second))
		require.Zero(t, publishGoroutines())
		for range 100 {
			require.NoError(t, store.Append(t.Context(), "a", storetest.Events("x")))
		}
		synctest.Wait()
		require.Equal(t, 2, publishGoroutines())
		close(first.Release)
		close(second.Release)
		synctest.Wait()
		require.Zero(t, publishGoroutines(), "without Close")
		require.Len(t, first.All(), 100)
		require.Len(t, second.All(), 100)
	})
}

// publishGoroutines counts the publishing goroutines of the caller's synctest
// bubble; those of other tests may still be ending.
func publishGoroutines() int {
	stacks := make([]byte, 1<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") // the caller comes first
	bubble := regexp.MustCompile(`synctest bubble \d+\]`).FindString(all[0])
	count := 0
	for _, stack := range all {
		if strings.Contains(stack, bubble) && strings.Contains(stack, "created by github.com/factload/factload/fact/internal/publish.(*queue).add") {
			count++
		}
	}
	return count
}

func TestPublishContextIsNotTheProjectors(t *testing.T) {
	t.Parallel()
	// A publisher that appends with its ctx starts a unit of work of its own.
	var store *memstore.Store
	other := memstore.New()
	store = memstore.New(
		memstore.WithProjector(storetest.When("question", func(ctx context.Context, _ eventlog.Event) error {
			return other.Append(ctx, "a", storetest.Events("nested"))
		})),
		memstore.WithPublisher(storetest.PublisherFunc(func(ctx context.Context, got []eventlog.Event) error {
			if got[0].Type == "question" {
				return store.Append(ctx, "a", storetest.Events("answer"))
			}
			return nil
		})),
	)
	require.NoError(t, store.Append(t.Context(), "a", storetest.Events("question")))
	require.NoError(t, store.Flush(t.Context()))
	storetest.RequireStream(t, store, "a", "1 question", "2 answer")
}
