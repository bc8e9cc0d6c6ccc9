package fact_test

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

	"github.com/factload/factload/fact"
)

// blocking is a publisher that waits for release at each call.
type blocking struct {
	published
	release chan struct{}
}

func newBlocking() *blocking { return &blocking{release: make(chan struct{})} }

func (b *blocking) Publish(ctx context.Context, events []fact.Event) error {
	select {
	case <-b.release:
		return b.published.Publish(ctx, events)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestPublishQueueOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newBlocking()
		var fast published
		var reported recording[error]
		store := fact.NewMemoryStore(fact.WithPublisher(slow), fact.WithPublisher(&fast), fact.WithPublishQueue(3),
			fact.WithPublishErrorHandler(func(err error) { reported.add(err) }))
		for range 10 { // one with the publisher, three in the queue, six too many
			require.NoError(t, store.Append(t.Context(), "a", events("x")))
			synctest.Wait()
		}
		close(slow.release)
		require.NoError(t, store.Flush(t.Context()))
		require.Equal(t, [][]string{{"a/1 x"}, {"a/2 x"}, {"a/3 x"}, {"a/4 x"}}, slow.all())
		require.Len(t, fast.all(), 10, "the other publisher misses nothing")
		require.Len(t, reported.all(), 6)
		for i, err := range reported.all() {
			require.ErrorIs(t, err, fact.ErrQueueFull)
			var lost *fact.PublishError
			require.ErrorAs(t, err, &lost)
			require.Same(t, slow, lost.Publisher)
			require.Equal(t, []string{fmt.Sprintf("a/%d x", 5+i)}, briefly(lost.Events))
			require.ErrorContains(t, err, fmt.Sprintf(`publish 1 event, %d of stream "a" to *fact_test.blocking`, 5+i))
		}
		requireStream(t, store, "a", "1 x", "2 x", "3 x", "4 x", "5 x", "6 x", "7 x", "8 x", "9 x", "10 x")
		require.NoError(t, store.Append(t.Context(), "a", events("y")))
		require.NoError(t, store.Flush(t.Context()))
		require.Len(t, slow.all(), 5, "there is room again")
	})
}

func TestPublishQueueTakesWhatIsLargerThanItself(t *testing.T) {
	t.Parallel()
	var to published
	var reported recording[error]
	store := fact.NewMemoryStore(fact.WithPublisher(&to), fact.WithPublishQueue(0),
		fact.WithPublishErrorHandler(func(err error) { reported.add(err) }))
	require.NoError(t, store.Append(t.Context(), "a", events("x", "y", "z")))
	require.NoError(t, store.Flush(t.Context()))
	require.Equal(t, [][]string{{"a/1 x", "a/2 y", "a/3 z"}}, to.all())
	require.Empty(t, reported.all())
}

func TestPublishErrorNamesTheEvents(t *testing.T) {
	t.Parallel()
	event := func(stream string, sequence int64) fact.Event {
		return fact.Event{ID: fmt.Sprint("id-", sequence), Stream: stream, Sequence: sequence}
	}
	tests := map[string]struct {
		events []fact.Event
		want   string
	}{
		"one":          {[]fact.Event{event("a", 3)}, `1 event, 3 of stream "a"`},
		"range":        {[]fact.Event{event("a", 3), event("a", 4), event("a", 5)}, `3 events, 3 to 5 of stream "a"`},
		"two streams":  {[]fact.Event{event("a", 3), event("a", 4), event("b", 5)}, `3 events, 3 to 4 of stream "a", 5 of stream "b"`},
		"gap":          {[]fact.Event{event("a", 3), event("a", 5)}, `2 events, 3 of stream "a", 5 of stream "a"`},
		"no sequences": {[]fact.Event{event("a", 0), event("a", 0)}, `2 events, id id-0 of stream "a", id id-0 of stream "a"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := &fact.PublishError{Publisher: new(published), Events: test.events, Err: errTest}
			require.EqualError(t, err, "publish "+test.want+" to *fact_test.published: the test's error")
			require.ErrorIs(t, err, errTest)
		})
	}
}

func TestPublishErrorEventsAreCopies(t *testing.T) {
	t.Parallel()
	store := fact.NewMemoryStore(
		fact.WithPublisher(publisherFunc(func(context.Context, []fact.Event) error { return errTest })),
		fact.WithPublishErrorHandler(func(err error) {
			var lost *fact.PublishError
			if errors.As(err, &lost) {
				copy(lost.Events[0].Data, "!!!!")
				lost.Events[0].Type = "spoiled"
			}
		}))
	require.NoError(t, store.Append(t.Context(), "a", []fact.Event{{Type: "x", Data: []byte("true")}}))
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
	store := fact.NewMemoryStore(fact.WithPublisher(publisherFunc(func(_ context.Context, events []fact.Event) error {
		if events[0].Type == "panic" {
			panic("in the publisher")
		}
		return errTest
	})), fact.WithPublishErrorHandler(func(error) { panic("in the handler") }))
	require.NoError(t, store.Append(t.Context(), "a", events("error")))
	require.NoError(t, store.Append(t.Context(), "a", events("panic")))
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
		slow := newBlocking()
		var store *fact.MemoryStore
		var handlerErr recording[error]
		store = fact.NewMemoryStore(fact.WithPublisher(slow), fact.WithPublishQueue(1),
			fact.WithProjector(when("", nil)),
			fact.WithPublishErrorHandler(func(err error) {
				var lost *fact.PublishError
				if errors.As(err, &lost) && lost.Events[0].Stream == "a" {
					handlerErr.add(store.Append(context.Background(), "lost", events("note")))
				}
			}))
		for range 3 {
			require.NoError(t, store.Append(t.Context(), "a", events("x")))
			synctest.Wait()
		}
		require.Equal(t, []error{nil}, handlerErr.all())
		requireStream(t, store, "lost", "1 note")
		close(slow.release)
		require.NoError(t, store.Close(t.Context()))
	})
}

func TestCloseGivesUpWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := newBlocking()
		var fine published
		var reported recording[error]
		store := fact.NewMemoryStore(fact.WithPublisher(stuck), fact.WithPublisher(&fine),
			fact.WithPublishErrorHandler(func(err error) { reported.add(err) }))
		for range 3 {
			require.NoError(t, store.Append(t.Context(), "a", events("x", "y")))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := store.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "*fact_test.blocking still busy, 4 events not published")
		synctest.Wait()
		require.Len(t, fine.all(), 3)
		require.Empty(t, stuck.all())
		require.Len(t, reported.all(), 3, "the one that was running and two that were waiting")
		missed := 0
		for _, err := range reported.all() {
			var lost *fact.PublishError
			require.ErrorAs(t, err, &lost)
			missed += len(lost.Events)
			require.True(t, errors.Is(err, fact.ErrClosed) || errors.Is(err, context.Canceled))
		}
		require.Equal(t, 6, missed)
		require.NoError(t, store.Close(t.Context()), "nothing is left to wait for")
	})
}

func TestFlushWaitsForWhatWasCommittedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan struct{})
		var to published
		store := fact.NewMemoryStore(fact.WithPublisher(publisherFunc(func(ctx context.Context, events []fact.Event) error {
			<-calls
			return to.Publish(ctx, events)
		})))
		require.NoError(t, store.Append(t.Context(), "a", events("before")))
		flushed := make(chan error, 1)
		go func() { flushed <- store.Flush(context.Background()) }()
		synctest.Wait()
		require.NoError(t, store.Append(t.Context(), "a", events("after")))
		calls <- struct{}{}
		require.NoError(t, <-flushed)
		require.Equal(t, [][]string{{"a/1 before"}}, to.all(), "it does not wait for the second")
		close(calls)
		require.NoError(t, store.Flush(t.Context()))
		require.Len(t, to.all(), 2)
	})
}

func TestPublisherThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	var to published
	var reported recording[error]
	store := fact.NewMemoryStore(fact.WithPublisher(publisherFunc(func(ctx context.Context, events []fact.Event) error {
		if events[0].Type == "bad" {
			goexit()
		}
		return to.Publish(ctx, events)
	})), fact.WithPublishErrorHandler(func(err error) { reported.add(err) }))
	for _, name := range []string{"x", "bad", "y"} {
		require.NoError(t, store.Append(t.Context(), "a", events(name)))
	}
	require.NoError(t, store.Close(t.Context()))
	require.Equal(t, [][]string{{"a/1 x"}, {"a/3 y"}}, to.all())
	require.Len(t, reported.all(), 1)
	require.ErrorContains(t, reported.all()[0], "Goexit")
}

func TestPublishingHasOneGoroutineWhileItIsNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newBlocking(), newBlocking()
		require.Zero(t, publishGoroutines())
		store := fact.NewMemoryStore(fact.WithPublisher(first), fact.WithPublisher(second))
		require.Zero(t, publishGoroutines())
		for range 100 {
			require.NoError(t, store.Append(t.Context(), "a", events("x")))
		}
		synctest.Wait()
		require.Equal(t, 2, publishGoroutines())
		close(first.release)
		close(second.release)
		synctest.Wait()
		require.Zero(t, publishGoroutines(), "without Close")
		require.Len(t, first.all(), 100)
		require.Len(t, second.all(), 100)
	})
}

// publishGoroutines counts the goroutines that serve publishers.
// publishGoroutines counts the publishing goroutines of the caller's synctest
// bubble; those of other tests may still be ending.
func publishGoroutines() int {
	stacks := make([]byte, 1<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") // the caller comes first
	bubble := regexp.MustCompile(`synctest bubble \d+\]`).FindString(all[0])
	count := 0
	for _, stack := range all {
		if strings.Contains(stack, bubble) && strings.Contains(stack, "created by github.com/factload/factload/fact/internal/publish.(*queue[...]).add") {
			count++
		}
	}
	return count
}

func TestPublishContextIsNotTheProjectors(t *testing.T) {
	t.Parallel()
	// A publisher that appends with its ctx starts a unit of work of its own.
	var store *fact.MemoryStore
	other := fact.NewMemoryStore()
	store = fact.NewMemoryStore(
		fact.WithProjector(when("question", func(ctx context.Context, _ fact.Event) error {
			return other.Append(ctx, "a", events("nested"))
		})),
		fact.WithPublisher(publisherFunc(func(ctx context.Context, got []fact.Event) error {
			if got[0].Type == "question" {
				return store.Append(ctx, "a", events("answer"))
			}
			return nil
		})),
	)
	require.NoError(t, store.Append(t.Context(), "a", events("question")))
	require.NoError(t, store.Flush(t.Context()))
	requireStream(t, store, "a", "1 question", "2 answer")
}
