package facttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// Option changes how a suite is run.
type Option func(*options)

type options struct {
	timeout time.Duration
}

// WithTimeout sets how long a call may take before it counts as one that never
// returns: a deadlock, or a wait that does not end with its ctx. It is 30
// seconds by default.
func WithTimeout(d time.Duration) Option {
	return func(o *options) { o.timeout = d }
}

func newOptions(opts []Option) options {
	o := options{timeout: 30 * time.Second}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// tb is what the rules need of a *testing.T. The suites' own tests run the
// rules against broken stores with another one, and look at what fails.
type tb interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// rule is one thing that a suite asks for.
type rule struct {
	name string
	run  func(*subject)
}

// subject is what a rule is run against.
type subject struct {
	tb
	options
	ctx      context.Context              // ends at the timeout
	newStore func(Wiring) fact.EventStore // for the rules about stores
	target   MaterializerTarget           // for the rules about materializers
}

// stores is a subject's setup for rules about stores.
func stores(newStore func(Wiring) fact.EventStore) func(*subject) {
	return func(s *subject) { s.newStore = newStore }
}

// runStoreRules runs every rule as a subtest with stores of its own.
func runStoreRules(t *testing.T, rules []rule, newStore func(*testing.T, Wiring) fact.EventStore, opts []Option) {
	runRules(t, rules, func(t *testing.T) func(*subject) {
		return stores(func(w Wiring) fact.EventStore { return newStore(t, w) })
	}, opts)
}

// runRules runs every rule as a subtest, with a subject that is set up for it
// alone.
func runRules(t *testing.T, rules []rule, setup func(*testing.T) func(*subject), opts []Option) {
	o := newOptions(opts)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.check(t, o, setup(t))
		})
	}
}

func (r rule) check(t tb, o options, setup func(*subject)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), o.timeout)
	defer cancel()
	s := &subject{tb: t, options: o, ctx: ctx}
	setup(s)
	r.run(s)
}

// returns calls do, which must come back within the timeout, and returns what
// it returned.
func (s *subject) returns(what string, do func() error) error {
	s.Helper()
	result := make(chan error, 1)
	go func() {
		err := errors.New("the goroutine was ended")
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("escaped panic: %v", v)
			}
			result <- err
		}()
		err = do()
	}()
	select {
	case err := <-result:
		return err
	case <-time.After(s.timeout):
		require.Failf(s, "deadlock", "%s did not return within %v", what, s.timeout)
		return nil
	}
}

// append appends events of the given types, which must work.
func (s *subject) append(store fact.EventStore, stream string, types ...string) {
	s.Helper()
	require.NoError(s, s.returns("append", func() error {
		return store.Append(s.ctx, stream, newEvents(types...))
	}))
}

// load returns the events of the stream, which must work.
func (s *subject) load(store fact.EventStore, stream string) []fact.Event {
	s.Helper()
	var events []fact.Event
	require.NoError(s, s.returns("load", func() (err error) {
		events, err = store.Load(s.ctx, stream)
		return err
	}))
	return events
}

// holds checks that the stream has events of exactly these types, numbered
// from 1.
func (s *subject) holds(store fact.EventStore, stream string, types ...string) {
	s.Helper()
	s.are(s.load(store, stream), stream, 1, types...)
}

// are checks the stream, the types and the sequences of events.
func (s *subject) are(events []fact.Event, stream string, first int64, types ...string) {
	s.Helper()
	got := make([]string, len(events))
	want := make([]string, len(types))
	for i, e := range events {
		got[i] = fmt.Sprintf("%s/%d %s", e.Stream, e.Sequence, e.Type)
	}
	for i, name := range types {
		want[i] = fmt.Sprintf("%s/%d %s", stream, first+int64(i), name)
	}
	require.Equal(s, want, got, "events as stream/sequence type")
}

// newEvents returns events of the given types with a little data.
func newEvents(types ...string) []fact.Event {
	events := make([]fact.Event, len(types))
	for i, name := range types {
		events[i] = fact.Event{Type: name, Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return events
}

// signal is given once; giving it again does nothing.
type signal struct {
	given chan struct{}
	give  func()
}

func newSignal() signal {
	given := make(chan struct{})
	return signal{given, sync.OnceFunc(func() { close(given) })}
}
