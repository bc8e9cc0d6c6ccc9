package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
)

// failures gathers what OnFailure is told.
type failures struct {
	mu  sync.Mutex
	all []Failure
}

func (f *failures) note(failure Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, failure)
}

func (f *failures) ids() (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, failure := range f.all {
		out = append(out, failure.IDs...)
	}
	slices.Sort(out)
	return out
}

func TestBufferedReturnsWhenAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Second)
		var f failures
		m := intoMemory(t, Config{Mode: Buffered, OnFailure: f.note}, s)
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 100 {
			require.NoError(t, m.Materialize(ctx, idFact(fmt.Sprint(i))))
			synctest.Wait()
		}
		cancel() // what has been accepted is not withdrawn
		require.Zero(t, time.Since(begin))
		require.NoError(t, m.Flush(t.Context()))
		require.Equal(t, 2*time.Second, time.Since(begin))
		require.Len(t, s.count(), 100)
		require.NoError(t, m.Flush(t.Context()), "nothing to do")
		require.Empty(t, f.all)
	})
}

// TestBufferedRepeatsForEver has the server down for a day. Rows are accepted
// until the room is full.
func TestBufferedRepeatsForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(24 * time.Hour)
		s := &memorySink{answer: func(context.Context, []string) (error, bool) {
			if time.Now().Before(up) {
				return retryable(), false
			}
			return nil, true
		}}
		m := intoMemory(t, Config{Mode: Buffered, MaxPendingBytes: 4000}, s)
		accepted := 0
		for ; ; accepted++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := m.Materialize(ctx, idFact(fmt.Sprint(accepted)))
			cancel()
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
		}
		require.Positive(t, accepted)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, m.Flush(ctx), context.DeadlineExceeded)
		require.NoError(t, m.Flush(t.Context()))
		require.Len(t, s.count(), accepted)
		require.Zero(t, m.Stats()[0].Lost)
	})
}

// A materialized view that fails says the same every time. Its rows are given up,
// and the next ones of the table are stored.
func TestBufferedGivesUpOnABrokenView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{answer: func(_ context.Context, ids []string) (error, bool) {
			if slices.Contains(ids, "broken") {
				return &Error{Class: ErrAmbiguous, Code: 395, Text: "while pushing to view"}, true
			}
			return nil, true
		}}
		var f failures
		m := intoMemory(t, Config{Mode: Buffered, OnFailure: f.note}, s)
		require.NoError(t, m.Materialize(t.Context(), idFact("broken")))
		require.ErrorIs(t, m.Flush(t.Context()), ErrAmbiguous)
		require.NoError(t, m.Materialize(t.Context(), idFact("next")))
		require.NoError(t, m.Flush(t.Context()))
		require.Equal(t, []string{"broken"}, f.ids())
		require.Len(t, s.count(), 2)
	})
}

func TestBufferedFailuresAreReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{answer: func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Second) // so that Flush finds it under way
			if slices.Contains(ids, "7") {
				return &Error{Class: ErrRejected, Code: chconn.CodeViolatedConstraint, Text: "no"}, false
			}
			return nil, true
		}}
		var f failures
		m := intoMemory(t, Config{Mode: Buffered, OnFailure: f.note}, s)
		for i := range 20 {
			require.NoError(t, m.Materialize(t.Context(), idFact(fmt.Sprint(i))))
		}
		require.ErrorIs(t, m.Flush(t.Context()), ErrRejected)
		require.Equal(t, []string{"7"}, f.ids())
		require.Equal(t, idSchema.Name, f.all[0].Table)
		require.ErrorIs(t, f.all[0].Err, ErrRejected)
		require.Len(t, s.count(), 19)
		require.EqualValues(t, 1, m.Stats()[0].Lost)
		require.Zero(t, m.Stats()[0].Failed)
	})
}

func TestCloseStoresWhatWasAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Millisecond)
		m := intoMemory(t, Config{Mode: Buffered, Pace: time.Hour}, s)
		for i := range 100 {
			require.NoError(t, m.Materialize(t.Context(), idFact(fmt.Sprint(i))))
			synctest.Wait()
		}
		begin := time.Now()
		require.NoError(t, m.Close(t.Context()))
		require.Less(t, time.Since(begin), time.Second, "it is not paced")
		require.Len(t, s.count(), 100)
		require.ErrorIs(t, m.Materialize(t.Context(), idFact("x")), ErrClosed)
		require.ErrorIs(t, m.Flush(t.Context()), ErrClosed)
	})
}

func TestCloseReportsWhatItCannotStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Hour)
		var f failures
		m := intoMemory(t, Config{Mode: Buffered, OnFailure: f.note}, s)
		require.NoError(t, m.Materialize(t.Context(), idFact("in flight")))
		synctest.Wait()
		require.NoError(t, m.Materialize(t.Context(), idFact("queued")))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		require.ErrorIs(t, m.Close(ctx), context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(begin))
		require.Equal(t, []string{"in flight", "queued"}, f.ids())
		for _, failure := range f.all {
			if failure.IDs[0] == "queued" {
				require.ErrorIs(t, failure.Err, ErrClosed)
				require.NotErrorIs(t, failure.Err, ErrAmbiguous)
			} else {
				require.ErrorIs(t, failure.Err, ErrAmbiguous)
			}
		}
		require.EqualValues(t, 2, m.Stats()[0].Lost)
	})
}

// TestCloseEndsWaitingCalls has calls in every state when Close's context ends.
func TestCloseEndsWaitingCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Hour)
		m := intoMemory(t, Config{MaxPendingBytes: 3000}, s)
		errs := make(chan error, 20)
		for i := range 20 {
			go func() { errs <- m.Materialize(t.Context(), idFact(fmt.Sprint(i))) }()
			synctest.Wait() // the first is sent alone
		}
		require.Positive(t, m.Stats()[0].Waiting)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, m.Close(ctx), context.DeadlineExceeded)
		inFlight := 0
		for range 20 {
			err := <-errs
			require.ErrorIs(t, err, ErrClosed)
			var e *Error
			require.ErrorAs(t, err, &e)
			if errors.Is(e, ErrAmbiguous) {
				inFlight++
			}
		}
		require.Equal(t, 1, inFlight)
		require.Empty(t, s.count())
	})
}
