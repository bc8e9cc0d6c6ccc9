package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/retry"
)

// TestAmbiguousAnswersAreRepeated loses the answer of every other insert.
func TestAmbiguousAnswersAreRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		n := 0
		s.answer = func(ctx context.Context, _ []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			switch n++; n % 4 {
			case 1:
				return ambiguous(), true
			case 2:
				return retryable(), false
			case 3:
				return ambiguous(), false
			}
			return nil, true
		}
		m := intoMemory(t, Config{}, s)
		requireAllNil(t, together(20, func(i int) error {
			for r := range 10 {
				if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r))); err != nil {
					return err
				}
			}
			return nil
		}))
		got := s.count()
		require.Len(t, got, 200)
		for id, n := range got {
			require.Equal(t, 1, n, id)
		}
		require.Positive(t, m.Stats()[0].Retries)
	})
}

// TestCallersLeave has one caller leave before its rows are sent and one
// afterwards.
func TestCallersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Second)
		m := intoMemory(t, Config{}, s)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		stays := make(chan error, 1)
		go func() {
			synctestPause(t, 50*time.Millisecond)
			stays <- m.Materialize(t.Context(), idFact("stays"))
		}()
		leaves := make(chan error, 1)
		go func() {
			synctestPause(t, 50*time.Millisecond)
			leaves <- m.Materialize(short, idFact("withdrawn"), idFact("withdrawn too"))
		}()
		begin := time.Now()
		err := m.Materialize(short, idFact("in flight"))
		require.ErrorIs(t, err, ErrAmbiguous)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100*time.Millisecond, time.Since(begin))

		err = <-leaves
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrAmbiguous)
		require.ErrorContains(t, err, "the rows were not sent")
		require.Equal(t, 100*time.Millisecond, time.Since(begin))
		require.Equal(t, 1, m.Stats()[0].InDoubt)

		require.NoError(t, <-stays)
		require.Equal(t, map[string]int{"in flight": 1, "stays": 1}, s.count())

		// Who repeats what is in doubt learns that it is stored.
		require.NoError(t, m.Materialize(t.Context(), idFact("in flight"), idFact("new")))
		require.Equal(t, map[string]int{"in flight": 1, "stays": 1, "new": 1}, s.count())
		require.Zero(t, m.Stats()[0].PendingBytes)
		require.Zero(t, m.Stats()[0].PendingRows)
	})
}

func synctestPause(t *testing.T, d time.Duration) { retry.Sleep(t.Context(), d) }

// TestEverybodyLeaves leaves nothing to send.
func TestEverybodyLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Second)
		m := intoMemory(t, Config{}, s)
		go func() { _ = m.Materialize(t.Context(), idFact("first")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		for _, err := range together(20, func(i int) error { return m.Materialize(ctx, idFact(fmt.Sprint(i))) }) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.True(t, retry.Sleep(t.Context(), 2*time.Second))
		require.Equal(t, map[string]int{"first": 1}, s.count())
		require.Len(t, s.tried, 1)
		require.Zero(t, m.Stats()[0].PendingBytes)
	})
}

// TestFlushOfWithdrawnRows has a Flush wait for rows whose caller leaves.
func TestFlushOfWithdrawnRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(10 * time.Second)
		m := intoMemory(t, Config{}, s)
		begin := time.Now()
		go func() { _ = m.Materialize(t.Context(), idFact("first")) }()
		synctest.Wait() // it is under way
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_ = m.Materialize(ctx, idFact("second"))
		}()
		synctest.Wait() // it is in the queue
		require.NoError(t, m.Flush(t.Context()))
		require.Equal(t, 10*time.Second, time.Since(begin))
		require.Len(t, s.count(), 1)
	})
}

func TestBudgetOfABlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.answer = func(context.Context, []string) (error, bool) { return retryable(), false }
		m := intoMemory(t, Config{RetryBudget: 10 * time.Second}, s)
		begin := time.Now()
		errs := together(3, func(i int) error {
			retry.Sleep(t.Context(), time.Duration(i)*time.Second)
			return m.Materialize(t.Context(), idFact(fmt.Sprint(i)))
		})
		for _, err := range errs {
			require.ErrorIs(t, err, ErrRetryable)
		}
		require.Equal(t, 11*time.Second, time.Since(begin), "those behind do not begin anew")
	})
}

// TestWaitingForRoom has more rows than fit. Callers get their turn in the
// order in which they came, and one whose context ends leaves the line.
func TestWaitingForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(time.Second)
		m := intoMemory(t, Config{MaxPendingBytes: 10 * 350}, s)
		most := int64(0)
		done := make(chan string, 100)
		for i := range 40 {
			go func() {
				ctx := t.Context()
				if i%10 == 9 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
					defer cancel()
				}
				err := m.Materialize(ctx, idFact(fmt.Sprint(i)))
				done <- fmt.Sprint(i, " ", err == nil, " ", errors.Is(err, context.DeadlineExceeded))
			}()
			synctest.Wait() // they come one after the other
			most = max(most, m.Stats()[0].PendingBytes)
		}
		require.Less(t, most, int64(11*350), "one call enters while there is room, whatever its size")
		require.Positive(t, m.Stats()[0].Waiting)
		for range 40 {
			result := <-done
			if result[len(result)-len("false true"):] == "false true" {
				continue
			}
			require.Contains(t, result, "true false")
		}
		number := func(id string) int { n, _ := strconv.Atoi(id); return n }
		var order []string
		for _, in := range s.inserts {
			order = append(order, in.ids...)
		}
		require.Len(t, order, 36)
		for place, id := range order {
			// Those who enter at the same moment join in any order, perhaps one insert later.
			require.InDelta(t, number(id)*36/40, place, 15, id)
		}
		require.Zero(t, m.Stats()[0].PendingBytes)

		// A call that never fits is not refused.
		require.NoError(t, m.Materialize(t.Context(), idFacts("big", 1000)...))
	})
}
