package facttest

import (
	"context"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func preparerRules() []rule {
	return []rule{
		{name: "Prepare stores nothing and Discard gives up", run: rulePrepareStoresNothing},
		{name: "prepared facts are stored by Materialize", run: rulePreparedStored},
		{name: "Prepare refuses what Materialize refuses", run: rulePrepareRefuses},
		{name: "Prepare of no facts can be materialized and discarded", run: rulePrepareNothing},
		{name: "Prepare neither changes nor keeps the facts' maps", run: rulePrepareMaps},
		{name: "prepared facts with an ended ctx are not stored", run: rulePreparedEnded},
		{name: "many prepared at once are apart", run: rulePreparedConcurrently},
	}
}

// closer is what a Materializer may be.
type closer interface {
	Close(ctx context.Context) error
}

func closeRules() []rule {
	return []rule{
		{name: "Close keeps what was stored and may be repeated", run: ruleClose},
		{name: "calls after Close fail and store nothing", run: ruleCallsAfterClose},
		{name: "Close during calls loses no row that was acknowledged", run: ruleCloseDuringCalls},
	}
}

// prepare calls Prepare and returns its results, within the timeout.
func (s *subject) prepare(m fact.Materializer, facts ...fact.Fact) (fact.Prepared, error) {
	s.Helper()
	p, ok := m.(fact.Preparer)
	require.True(s, ok, "New returned a Materializer that is no Preparer, after one that is")
	var prepared fact.Prepared
	err := s.returns("Prepare", func() (err error) {
		prepared, err = p.Prepare(s.ctx, facts...)
		return err
	})
	return prepared, err
}

// prepared calls Prepare, which must work.
func (s *subject) prepared(m fact.Materializer, facts ...fact.Fact) fact.Prepared {
	s.Helper()
	p, err := s.prepare(m, facts...)
	require.NoError(s, err)
	require.NotNil(s, p)
	return p
}

// finish calls Materialize of prepared facts, which must work.
func (s *subject) finish(p fact.Prepared) {
	s.Helper()
	require.NoError(s, s.returns("Materialize of prepared facts", func() error { return p.Materialize(s.ctx) }))
}

func rulePrepareStoresNothing(s *subject) {
	m := s.ready(numbered("a"))
	given, kept := s.prepared(m, number("a", 1)), s.prepared(m, number("a", 2))
	s.stored(numbered("a"))
	given.Discard()
	require.NoError(s, s.materialize(m, number("a", 3)))
	s.stored(numbered("a"), data(number("a", 3))...)
	kept.Discard()
	s.stored(numbered("a"), data(number("a", 3))...)
}

func rulePreparedStored(s *subject) {
	m := s.ready(numbered("a"), numbered("b"))
	first := s.prepared(m, number("a", 1), number("b", 2), number("a", 3))
	second := s.prepared(m, number("a", 4))
	s.finish(second)
	s.stored(numbered("a"), data(number("a", 4))...)
	s.finish(first)
	s.stored(numbered("a"), data(number("a", 1), number("a", 3), number("a", 4))...)
	s.stored(numbered("b"), data(number("b", 2))...)
}

func rulePrepareRefuses(s *subject) {
	m := s.ready(numbered("a"))
	bad := number("a", 2)
	bad.Data["n"] = 1 << 32
	_, err := s.prepare(m, number("a", 1), bad)
	s.namesFact(err, 1, bad)
	_, err = s.prepare(m, number("nowhere", 1))
	s.namesFact(err, 0, number("nowhere", 1))
	s.finish(s.prepared(m, number("a", 3)))
	s.stored(numbered("a"), data(number("a", 3))...)
}

func rulePrepareNothing(s *subject) {
	m := s.ready(numbered("a"))
	s.finish(s.prepared(m))
	s.prepared(m).Discard()
	s.stored(numbered("a"))
}

func rulePrepareMaps(s *subject) {
	m := s.ready(nested())
	f := nestedFact(1)
	p := s.prepared(m, f)
	require.Equal(s, nestedFact(1), f)
	spoilValue(f.Data)
	s.finish(p)
	s.stored(nested(), nestedRow(1))
}

func rulePreparedEnded(s *subject) {
	m := s.ready(numbered("a"))
	p := s.prepared(m, number("a", 1))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	err := s.returns("Materialize of prepared facts", func() error { return p.Materialize(ctx) })
	require.ErrorIs(s, err, context.Canceled)
	require.NoError(s, s.materialize(m, number("a", 2)))
	s.stored(numbered("a"), data(number("a", 2))...)
}

func rulePreparedConcurrently(s *subject) {
	const callers = 24
	m := s.ready(numbered("a"))
	p, ok := m.(fact.Preparer)
	require.True(s, ok)
	err := s.returns("many Prepare", func() error {
		return concurrently(callers, func(i int) error {
			prepared, err := p.Prepare(s.ctx, number("a", i), number("a", 100+i))
			if err != nil {
				return err
			}
			if i%3 == 2 {
				prepared.Discard()
				return nil
			}
			return prepared.Materialize(s.ctx)
		})
	})
	require.NoError(s, err)
	var want []fact.Fact
	for i := range callers {
		if i%3 != 2 {
			want = append(want, number("a", i), number("a", 100+i))
		}
	}
	s.stored(numbered("a"), data(want...)...)
}

// close closes the Materializer, which must work.
func (s *subject) close(m fact.Materializer) {
	s.Helper()
	c, ok := m.(closer)
	require.True(s, ok, "New returned a Materializer without Close, after one with it")
	require.NoError(s, s.returns("Close", func() error { return c.Close(s.ctx) }))
}

func ruleClose(s *subject) {
	m := s.ready(numbered("a"))
	require.NoError(s, s.materialize(m, number("a", 1)))
	s.close(m)
	s.close(m)
	s.stored(numbered("a"), data(number("a", 1))...)
}

func ruleCallsAfterClose(s *subject) {
	m := s.ready(numbered("a"))
	var late fact.Prepared
	if _, ok := m.(fact.Preparer); ok {
		late = s.prepared(m, number("a", 1))
	}
	s.close(m)
	require.Error(s, s.materialize(m, number("a", 2)))
	require.Error(s, s.returns("EnsureSchema", func() error { return m.EnsureSchema(s.ctx, numbered("b")) }))
	if late != nil {
		require.Error(s, s.returns("Materialize of prepared facts", func() error { return late.Materialize(s.ctx) }))
	}
	s.stored(numbered("a"))
}

// ruleCloseDuringCalls closes in the middle of calls: each is stored, or fails
// and is not. Half of the calls wait for Close to begin, and each caller's last
// one for its end, and their ctx does not end before, so that none of it depends
// on who is faster.
func ruleCloseDuringCalls(s *subject) {
	const callers, calls = 8, 50
	m := s.ready(numbered("a"))
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	defer cancel()
	var acknowledged storetest.Recording[fact.Fact]
	var begun atomic.Int64
	half, closing, closed := newSignal(), newSignal(), newSignal()
	done := make(chan error, 1)
	go func() {
		done <- concurrently(callers, func(c int) error {
			for i := range calls {
				if begun.Add(1) == callers*3 {
					half.give()
				}
				switch i {
				case calls / 2:
					<-closing.given
				case calls - 1:
					<-closed.given
				}
				if f := number("a", c*calls+i); m.Materialize(ctx, f) == nil {
					acknowledged.Add(f)
				}
			}
			return nil
		})
	}()
	defer closed.give() // also when Close fails
	defer closing.give()
	<-half.given
	closing.give()
	s.close(m)
	closed.give()
	require.NoError(s, s.returns("the calls", func() error { return <-done }))
	s.stored(numbered("a"), data(acknowledged.All()...)...)
}
