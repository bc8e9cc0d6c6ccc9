package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/fact"
)

// idSchema has a field that carries the fact ID.
var idSchema = fact.Schema{
	Name:    "with_id",
	Fields:  []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.UInt32}},
	OrderBy: []string{"id"},
}

// pacedRows is how many rows an insert must have to need no pacing.
const pacedRows = 1000

// memorySink is a table in memory that deduplicates by token, as the server
// does.
type memorySink struct {
	mu      sync.Mutex
	tokens  map[string]bool
	inserts []memoryInsert // those that stored rows
	tried   []time.Time    // the starts of all

	// answer, when set, is asked for the answer to an insert, and whether its
	// rows are stored nevertheless. It may wait.
	answer   func(ctx context.Context, ids []string) (err error, stored bool)
	settling func(ctx context.Context) error
	counted  int // what parts says
}

type memoryInsert struct {
	ids []string
	at  time.Time
}

func (s *memorySink) Insert(ctx context.Context, rows *block.Block, token string, _ bool) error {
	ids := groupcommit.FactIDs(rows)
	s.mu.Lock()
	s.tried = append(s.tried, time.Now())
	s.mu.Unlock()
	var err error
	stored := true
	if s.answer != nil {
		err, stored = s.answer(ctx, ids)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored && !s.tokens[token] {
		if s.tokens == nil {
			s.tokens = make(map[string]bool)
		}
		s.tokens[token] = true
		s.inserts = append(s.inserts, memoryInsert{ids, time.Now()})
	}
	return err
}

func (s *memorySink) Settle(ctx context.Context) error {
	if s.settling != nil {
		return s.settling(ctx)
	}
	return nil
}

func (s *memorySink) Stored(_ context.Context, ids []string) (map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := make(map[string]bool)
	for _, in := range s.inserts {
		for _, id := range in.ids {
			if slices.Contains(ids, id) {
				have[id] = true
			}
		}
	}
	return have, nil
}

func (s *memorySink) Adopt(context.Context, *block.Block) error { return nil }

func (s *memorySink) Complete(context.Context, *block.Block) error { return nil }

func (s *memorySink) Parts(context.Context) (int, error) { return s.counted, nil }

// count returns how often each ID is stored.
func (s *memorySink) count() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int)
	for _, in := range s.inserts {
		for _, id := range in.ids {
			out[id]++
		}
	}
	return out
}

// sizes returns the rows of each insert.
func (s *memorySink) sizes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	for _, in := range s.inserts {
		out = append(out, len(in.ids))
	}
	return out
}

// takes makes each insert take so long.
func (s *memorySink) takes(d time.Duration) {
	s.answer = func(ctx context.Context, _ []string) (error, bool) {
		if !retry.Sleep(ctx, d) {
			return &Error{Class: ErrAmbiguous, Cause: context.Cause(ctx)}, false
		}
		return nil, true
	}
}

// intoMemory returns a Materializer whose tables are in memory. The server of
// its DSN is never called.
func intoMemory(t testing.TB, cfg Config, s *memorySink) *Materializer {
	t.Helper()
	cfg.DSN = "clickhouse://nowhere.invalid/db"
	m, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	m.sink = func(*schemaEntry) groupcommit.Sink { return s }
	_, err = m.remember([]fact.Schema{idSchema})
	require.NoError(t, err)
	return m
}

func idFact(id string) fact.Fact {
	return fact.Fact{Schema: idSchema.Name, ID: id, Data: map[string]any{"n": 1}}
}

func idFacts(prefix string, n int) []fact.Fact {
	out := make([]fact.Fact, n)
	for i := range out {
		out[i] = idFact(fmt.Sprint(prefix, i))
	}
	return out
}

// together calls f in n goroutines and returns the errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

func requireAllNil(t testing.TB, errs []error) {
	t.Helper()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// TestGroupCommit has callers that come back as soon as they are answered.
// From the second insert on, all of them share each one, and the inserts keep
// the interval.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(3 * time.Millisecond)
		m := intoMemory(t, Config{Pace: 20 * time.Millisecond}, s)
		const callers, rounds = 64, 50
		begin := time.Now()
		requireAllNil(t, together(callers, func(i int) error {
			for r := range rounds {
				if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r))); err != nil {
					return err
				}
			}
			return nil
		}))
		require.Len(t, s.count(), callers*rounds)
		require.LessOrEqual(t, len(s.tried), rounds+2, "%v", s.sizes())
		require.Less(t, time.Since(begin), (rounds+2)*20*time.Millisecond)
		for i := 1; i < len(s.tried); i++ {
			// 64 rows need not keep all of the interval.
			require.GreaterOrEqual(t, s.tried[i].Sub(s.tried[i-1]), 18*time.Millisecond)
		}
	})
}

// TestGroupsJoin has inserts that take longer than the interval, and callers who
// come back soon after their answer, but not all at the same moment. They do not
// fall into groups that take turns, each with an insert of its own.
func TestGroupsJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(15 * time.Millisecond)
		m := intoMemory(t, Config{Pace: 10 * time.Millisecond}, s)
		const callers, rounds = 64, 50
		requireAllNil(t, together(callers, func(i int) error {
			for r := range rounds {
				if !retry.Sleep(t.Context(), time.Duration(i)*50*time.Microsecond) {
					return context.Canceled
				}
				if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r))); err != nil {
					return err
				}
			}
			return nil
		}))
		require.Len(t, s.count(), callers*rounds)
		require.LessOrEqual(t, len(s.tried), rounds+3, "%v", s.sizes())
	})
}

func TestFirstRowsGoAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(3 * time.Millisecond)
		m := intoMemory(t, Config{Pace: time.Second}, s)
		begin := time.Now()
		require.NoError(t, m.Materialize(t.Context(), idFact("a")))
		require.Equal(t, 3*time.Millisecond, time.Since(begin))
		require.NoError(t, m.Materialize(t.Context(), idFact("b")))
		require.InDelta(t, time.Second+2*time.Millisecond, time.Since(begin), float64(2*time.Millisecond), "the second keeps the interval")
		require.True(t, retry.Sleep(t.Context(), 2*time.Second))
		begin = time.Now()
		require.NoError(t, m.Materialize(t.Context(), idFact("c")))
		require.Equal(t, 3*time.Millisecond, time.Since(begin), "after a pause at once")
	})
}

func TestLargeInsertsAreNotPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.takes(3 * time.Millisecond)
		m := intoMemory(t, Config{Pace: time.Second}, s)
		begin := time.Now()
		for i := range 10 {
			require.NoError(t, m.Materialize(t.Context(), idFacts(fmt.Sprint(i, "-"), pacedRows)...))
		}
		require.Equal(t, 30*time.Millisecond, time.Since(begin))
		require.True(t, retry.Sleep(t.Context(), 2*time.Second))
		begin = time.Now()
		for i := range 3 {
			require.NoError(t, m.Materialize(t.Context(), idFacts(fmt.Sprint("half", i, "-"), pacedRows/2)...))
		}
		require.Equal(t, 1003*time.Millisecond, time.Since(begin), "half as large, half as long")
	})
}

// TestOneInsertAtATime also shows that blocks are bounded by rows.
func TestOneInsertAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		s := &memorySink{}
		s.answer = func(ctx context.Context, _ []string) (error, bool) {
			if running.Add(1) != 1 {
				return errors.New("two at once"), false
			}
			defer running.Add(-1)
			return nil, retry.Sleep(ctx, 100*time.Millisecond)
		}
		m := intoMemory(t, Config{MaxBlockRows: 10}, s)
		requireAllNil(t, together(100, func(i int) error { return m.Materialize(t.Context(), idFacts(fmt.Sprint(i, "-"), 3)...) }))
		require.Len(t, s.count(), 300)
		sizes := s.sizes()
		require.Equal(t, 10-1, slices.Max(sizes), "a call is not divided")
		require.LessOrEqual(t, len(sizes), 36)
	})
}

// The first answer is lost; then the table gets a constraint that some of the
// rows break, which the server looks at before it looks at the token.
func TestAConstraintYoungerThanTheRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		answered := 0
		s.answer = func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			switch answered++; {
			case answered == 1: // the rows of one call, while the others gather
				return nil, true
			case answered == 2:
				return ambiguous(), true
			case slices.Contains(ids, "id1"), slices.Contains(ids, "id2"):
				return &Error{Class: ErrRejected, Code: chconn.CodeViolatedConstraint, Text: "no"}, false
			default:
				return nil, true
			}
		}
		m := intoMemory(t, Config{}, s)
		for i, err := range together(10, func(i int) error { return m.Materialize(t.Context(), idFact(fmt.Sprint("id", i))) }) {
			require.NoError(t, err, "%d: its row is there", i)
		}
		for id, n := range s.count() {
			require.Equal(t, 1, n, id)
		}
		require.Len(t, s.count(), 10)
	})
}

func TestRowsKeepTheirCallersAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.answer = func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			for _, id := range ids {
				if id == "bad-1" {
					return &Error{Class: ErrRejected, Code: chconn.CodeViolatedConstraint, Text: "no"}, false
				}
			}
			return nil, true
		}
		m := intoMemory(t, Config{}, s)
		errs := together(50, func(i int) error {
			if i == 17 {
				return m.Materialize(t.Context(), idFact("good"), idFact("bad-1"))
			}
			return m.Materialize(t.Context(), idFact(fmt.Sprint("id", i)))
		})
		for i, err := range errs {
			if i == 17 {
				require.ErrorIs(t, err, ErrRejected)
			} else {
				require.NoError(t, err)
			}
		}
		got := s.count()
		require.Len(t, got, 49)
		require.NotContains(t, got, "good", "all of a call or nothing")
		require.Zero(t, m.Stats()[0].InDoubt)
		require.EqualValues(t, 2, m.Stats()[0].Failed)
	})
}

// TestRefusedForSomethingElse has a server that refuses rows and yet has
// stored some of the others: only their IDs tell which.
func TestRefusedForSomethingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.answer = func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			if !slices.Contains(ids, "bad") {
				return nil, true
			}
			return &Error{Class: ErrRejected, Code: 395, Text: "a view refuses the row"}, len(ids) > 10
		}
		m := intoMemory(t, Config{}, s)
		first := make(chan error, 1)
		go func() { first <- m.Materialize(t.Context(), idFact("first")) }()
		synctest.Wait() // it is sent alone, and those that follow wait for it
		errs := together(50, func(i int) error {
			if i == 17 {
				return m.Materialize(t.Context(), idFact("bad"))
			}
			return m.Materialize(t.Context(), idFact(fmt.Sprint("id", i)))
		})
		require.NoError(t, <-first)
		for id, n := range s.count() {
			require.Equal(t, 1, n, id)
		}
		require.Len(t, s.count(), 51)
		requireAllNil(t, errs) // the table has the bad one too
	})
}

func TestRefusedStatementsAreNotDivided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.answer = func(ctx context.Context, _ []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			return &Error{Class: ErrRejected, Code: chconn.CodeAccessDenied}, false
		}
		m := intoMemory(t, Config{}, s)
		for _, err := range together(50, func(i int) error { return m.Materialize(t.Context(), idFact(fmt.Sprint(i))) }) {
			require.ErrorIs(t, err, ErrRejected)
		}
		require.LessOrEqual(t, len(s.tried), 3)
	})
}

func TestPartsOfTheTableWidenThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{counted: 500}
		m := intoMemory(t, Config{Pace: 10 * time.Millisecond}, s)
		require.NoError(t, m.Materialize(t.Context(), idFact("a")))
		synctest.Wait()
		require.Equal(t, 500, m.Stats()[0].ActiveParts)
		require.Equal(t, 100*time.Millisecond, m.Stats()[0].Pace)
		begin := time.Now()
		require.NoError(t, m.Materialize(t.Context(), idFact("b")))
		require.InDelta(t, 100*time.Millisecond, time.Since(begin), float64(3*time.Millisecond))
		s.counted = 3
		require.True(t, retry.Sleep(t.Context(), 5*time.Second))
		require.NoError(t, m.Materialize(t.Context(), idFact("c")))
		synctest.Wait()
		require.Equal(t, 3, m.Stats()[0].ActiveParts)
	})
}

// TestEndedContextSendsNothing: the goroutine that sends is not to win against a ctx that has ended
// before the rows were in its queue.
func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	s := &memorySink{}
	m := intoMemory(t, Config{Pace: -1}, s)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 2000 {
		p, err := m.Prepare(t.Context(), idFact(fmt.Sprint(i)))
		require.NoError(t, err)
		require.ErrorIs(t, p.Materialize(ended), context.Canceled)
	}
	require.Empty(t, s.count())
}
