package facttest

import (
	"context"
	"testing"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

// Wiring is what a store of [TestProjectingStore] is to be made with.
type Wiring struct {
	// Projectors run inside Append, in this order.
	Projectors []fact.Projector
	// Publishers are handed what was committed.
	Publishers []fact.Publisher
	// OnPublishError is told about every error of a publisher. It may be nil.
	OnPublishError func(error)
}

// TestProjectingStore checks that a store runs projectors and publishers as
// [fact.Projector] and [fact.Publisher] say and as [fact.MemoryStore] does.
// newStore is called once or more for each rule, and returns stores that are
// apart from each other. If the store implements [fact.Flusher], Flush is used to
// wait for publishers. Rules run in parallel.
//
// Run [TestEventStore] as well; it has the rules that need neither projectors
// nor publishers.
func TestProjectingStore(t *testing.T, newStore func(t *testing.T, w Wiring) fact.EventStore, opts ...Option) {
	t.Helper()
	probe := newStore(t, Wiring{})
	rules := append(projectorRules(), unitRules()...)
	rules = append(rules, publisherRules()...)
	if _, ok := probe.(fact.Flusher); ok {
		rules = append(rules, rule{name: "Flush waits for the publishers", run: ruleFlush})
	}
	if _, ok := probe.(fact.ConditionalAppender); ok {
		rules = append(rules, rule{name: "AppendAt inside a projector counts the unit of work", run: ruleNestedAppendAt})
	}
	if _, ok := probe.(fact.UnitOfWorkStore); ok {
		rules = append(rules, unitOfWorkRules()...)
	}
	runStoreRules(t, rules, newStore, opts)
}

// projecting returns a store with the projectors.
func (s *subject) projecting(projectors ...fact.Projector) fact.EventStore {
	return s.newStore(Wiring{Projectors: projectors})
}

// publishing returns a store with the publishers.
func (s *subject) publishing(publishers ...fact.Publisher) fact.EventStore {
	return s.newStore(Wiring{Publishers: publishers})
}

// appendTo returns a projector that appends events of the given types to a
// stream when it sees an event of type on. The store is looked up when needed,
// since it is made with the projector.
func appendTo(store *fact.EventStore, onType, stream string, types ...string) storetest.ProjectorFunc {
	return storetest.When(onType, func(ctx context.Context, _ fact.Event) error {
		return (*store).Append(ctx, stream, newEvents(types...))
	})
}

// try appends to the stream "a" and returns the error, within the timeout.
func (s *subject) try(store fact.EventStore, types ...string) error {
	s.Helper()
	return s.returns("append", func() error { return store.Append(s.ctx, "a", newEvents(types...)) })
}

// typesOf returns the types of the events.
func typesOf(events []fact.Event) []string {
	types := make([]string, len(events))
	for i := range events {
		types[i] = events[i].Type
	}
	return types
}
