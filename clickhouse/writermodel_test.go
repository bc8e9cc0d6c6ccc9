package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/fact"
)

// FuzzWriter drives a Materializer with random operations and a server that
// answers at random, and compares what the callers were told with what the
// server has: what was acknowledged is stored once, what was refused or
// withdrawn is not stored, and nothing is stored twice, whoever repeats it.
func FuzzWriter(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed, seed%2 == 1)
	}
	f.Fuzz(func(t *testing.T, seed uint64, buffered bool) {
		synctest.Test(t, func(t *testing.T) {
			newWriterModel(t, seed, buffered).run()
		})
	})
}

// writerModel is what must be true of one run.
type writerModel struct {
	t        *testing.T
	sink     *memorySink
	m        *Materializer
	failures failures
	buffered bool

	mu     sync.Mutex
	random *rand.Rand
	next   int
	told   map[string]error // what the caller of each ID was told last
	wg     sync.WaitGroup
}

func newWriterModel(t *testing.T, seed uint64, buffered bool) *writerModel {
	w := &writerModel{t: t, buffered: buffered, random: rand.New(rand.NewPCG(seed, 1)), told: make(map[string]error)}
	w.sink = &memorySink{answer: w.answer, settling: func(ctx context.Context) error {
		retry.Sleep(ctx, w.upTo(5*time.Millisecond))
		return w.oneOf(10, retryable())
	}}
	cfg := Config{
		Pace: w.upTo(50*time.Millisecond) - 5*time.Millisecond, MaxBlockRows: 1 + w.n(40), MaxPendingBytes: 1000 + w.n(20_000),
		RetryBudget: w.upTo(time.Second), InsertTimeout: time.Minute,
	}
	if buffered {
		cfg.Mode, cfg.OnFailure = Buffered, w.failures.note
	}
	w.m = intoMemory(t, cfg, w.sink)
	return w
}

func (w *writerModel) n(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *writerModel) upTo(d time.Duration) time.Duration { return time.Duration(w.n(int(d))) }

func (w *writerModel) oneOf(n int, err error) error {
	if w.n(n) == 0 {
		return err
	}
	return nil
}

// answer is the server: slow, unreliable and strict. It refuses IDs that begin
// with "bad".
func (w *writerModel) answer(ctx context.Context, ids []string) (error, bool) { //nolint:revive // the answer, and what the server did
	bad := slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, "bad") })
	if !retry.Sleep(ctx, w.upTo(30*time.Millisecond)) {
		return &Error{Class: ErrAmbiguous, Cause: context.Cause(ctx)}, !bad && w.n(2) == 0
	}
	if bad {
		return &Error{Class: ErrRejected, Code: chconn.CodeViolatedConstraint, Text: "no"}, false
	}
	switch w.n(8) {
	case 0:
		return retryable(), false
	case 1:
		return ambiguous(), true
	case 2:
		return ambiguous(), false
	}
	return nil, true
}

// run starts callers, flushes now and then, and closes at the end.
func (w *writerModel) run() {
	for range 5 + w.n(60) {
		w.wg.Go(w.call)
		if w.n(10) == 0 {
			w.wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), w.upTo(time.Second)+1)
				defer cancel()
				_ = w.m.Flush(ctx) // what it says depends on others' luck
			})
		}
		retry.Sleep(context.Background(), w.upTo(10*time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.upTo(3*time.Second)+1)
	defer cancel()
	closed := w.m.Close(ctx)
	w.wg.Wait()
	require.NoError(w.t, w.m.Close(context.Background()))
	w.check(closed)
}

// call is one caller. It repeats calls that failed.
func (w *writerModel) call() {
	var facts []fact.Fact
	w.mu.Lock()
	for range 1 + w.random.IntN(5) {
		w.next++
		kind := "id"
		if w.random.IntN(40) == 0 {
			kind = "bad"
		}
		facts = append(facts, idFact(fmt.Sprint(kind, w.next)))
	}
	w.mu.Unlock()
	for range 1 + w.n(4) {
		ctx, cancel := context.WithTimeout(context.Background(), w.upTo(300*time.Millisecond)+1)
		var err error
		if w.n(6) == 0 {
			_, err = w.m.MaterializeMissing(ctx, facts...)
		} else {
			err = w.m.Materialize(ctx, facts...)
		}
		cancel()
		w.mu.Lock()
		for _, f := range facts {
			w.told[f.ID] = err
		}
		w.mu.Unlock()
		if err == nil || errors.Is(err, ErrClosed) {
			return
		}
	}
}

// check compares what callers were told with what is stored.
func (w *writerModel) check(closed error) {
	t := w.t
	stored := w.sink.count()
	for id, n := range stored {
		require.Equal(t, 1, n, "%s is stored more than once", id)
	}
	given := make(map[string]error)
	for _, failure := range w.failures.all {
		for _, id := range failure.IDs {
			given[id] = failure.Err
		}
	}
	for id, err := range w.told {
		failure, reported := given[id]
		switch {
		case err == nil && !reported:
			require.Equal(t, 1, stored[id], "%s was acknowledged (%v)", id, closed)
		case errors.Is(err, ErrRejected) || errors.Is(failure, ErrRejected):
			require.Zero(t, stored[id], "%s was refused: %v", id, err)
		}
		if strings.HasPrefix(id, "bad") {
			require.Zero(t, stored[id])
			require.True(t, err != nil || reported, "%s cannot be stored", id)
		}
	}
	s := w.m.Stats()[0]
	require.Zero(t, s.PendingBytes)
	require.Zero(t, s.PendingRows)
	require.Zero(t, s.Waiting)
	require.Len(t, w.failures.ids(), int(s.Lost))
}
