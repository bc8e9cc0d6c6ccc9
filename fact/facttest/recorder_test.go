package facttest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/fact"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // publishers fail on purpose here
	goleak.VerifyTestMain(m)
}

// recorder is a tb that notes failures instead of failing the test.
type recorder struct {
	t        *testing.T
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.t.Context() }
func (r *recorder) FailNow()                 { runtime.Goexit() }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// failuresOf runs the rule against what setup gives it and returns what it
// complained about.
func failuresOf(t *testing.T, r rule, setup func(*subject)) string {
	t.Helper()
	rec := &recorder{t: t}
	done := make(chan struct{})
	go func() { // FailNow ends the goroutine
		defer close(done)
		r.check(rec, options{timeout: 500 * time.Millisecond}, setup)
	}()
	<-done
	return strings.Join(rec.failures, "\n")
}

// broken is a store with a fault, and the rules that must find it.
type broken struct {
	fault    string
	newStore func(Wiring) fact.EventStore
	foundBy  []string
}

// requireFound checks that every broken store is found by the rules it names,
// and that every rule finds at least one.
func requireFound(t *testing.T, rules []rule, brokenStores []broken) {
	t.Helper()
	var subjects []brokenSubject
	for _, b := range brokenStores {
		subjects = append(subjects, brokenSubject{b.fault, stores(b.newStore), b.foundBy})
	}
	requireSubjectsFound(t, rules, subjects)
}

// brokenSubject is anything with a fault, and the rules that must find it.
type brokenSubject struct {
	fault   string
	setup   func(*subject)
	foundBy []string
}

// foundTries is how often a rule may look for a fault.
const foundTries = 20

func requireSubjectsFound(t *testing.T, rules []rule, subjects []brokenSubject) {
	t.Helper()
	byName := make(map[string]rule)
	useful := make(map[string]bool)
	for _, r := range rules {
		byName[r.name] = r
	}
	for _, b := range subjects {
		for _, name := range b.foundBy {
			r, ok := byName[name]
			require.True(t, ok, "no rule is called %q", name)
			useful[name] = true
			t.Run(b.fault+"/"+name, func(t *testing.T) {
				t.Parallel()
				// Some faults show only when goroutines meet at the wrong moment.
				failures := failuresOf(t, r, b.setup)
				for try := 1; failures == "" && try < foundTries; try++ {
					failures = failuresOf(t, r, b.setup)
				}
				require.NotEmpty(t, failures, "the rule does not find one that %s", b.fault)
				t.Log(failures)
			})
		}
	}
	for name := range byName {
		require.True(t, useful[name], "nothing broken shows that the rule %q can fail", name)
	}
}
