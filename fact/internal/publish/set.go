// Package publish hands committed events (E) to publishers in the background:
// in order, by a bounded queue and at most one goroutine for each publisher.
package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/fact/internal/unit"
)

// Publisher is given the events of one commit, which are its own.
type Publisher[E any] interface {
	Publish(ctx context.Context, events []E) error
}

// Config is what a Set needs to know. It is not changed once the set is made.
type Config[E any] struct {
	// Publishers are the ones that get everything.
	Publishers []Publisher[E]
	// Limit is how many events may wait for each publisher, at least 1.
	Limit int
	// Clone returns deep copies of the events.
	Clone func([]E) []E
	// Panicked makes the error of a publisher that panicked. It is called in the
	// deferred function, where debug.Stack still has the place.
	Panicked func(value any) error
	// Report is told which publisher missed which events, and why. The events are
	// copies. It may be called by several goroutines at once, and does not panic.
	Report func(p Publisher[E], events []E, err error)
}

// Set is the publishers of one store or pipeline.
type Set[E any] struct {
	queues []*queue[E]
}

// NewSet makes a queue for each publisher. It starts no goroutine.
func NewSet[E any](config Config[E]) *Set[E] {
	s := new(Set[E])
	for _, p := range config.Publishers {
		s.queues = append(s.queues, newQueue(p, &config))
	}
	return s
}

// Refusals is what queues did not take.
type Refusals[E any] []refusal[E]

type refusal[E any] struct {
	queue *queue[E]
	what  publication[E]
	err   error
}

// Report reports what was refused.
func (r Refusals[E]) Report() {
	for _, one := range r {
		one.queue.fail(one.what, one.err)
	}
}

// Add hands the events to every publisher's queue and returns at once. The
// events must not be changed afterwards. It returns what the queues refused,
// to be reported by the caller once it holds no lock.
func (s *Set[E]) Add(ctx context.Context, events []E) Refusals[E] {
	if len(events) == 0 || len(s.queues) == 0 {
		return nil
	}
	p := publication[E]{ctx: unit.Outside(ctx), events: events}
	var refused Refusals[E]
	for _, q := range s.queues {
		if err := q.add(p); err != nil {
			refused = append(refused, refusal[E]{q, p, err})
		}
	}
	return refused
}

// Flush waits until everything that was added before the call has been handed
// to the publishers, and they have returned.
func (s *Set[E]) Flush(ctx context.Context) error {
	for _, q := range s.queues {
		if err := q.flush(ctx); err != nil {
			return fmt.Errorf("flush %T: %w", q.publisher, err)
		}
	}
	return nil
}

// Close drains all queues and reports every one that could not be drained.
func (s *Set[E]) Close(ctx context.Context) error {
	var errs []error
	for _, q := range s.queues {
		if err := q.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close: %w", err))
		}
	}
	return errors.Join(errs...)
}
