// Package publish hands committed events to publishers in the background: in
// order, by a bounded queue and at most one goroutine for each publisher.
package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/unit"
)

// Config is what a store or a pipeline is told of publishing.
type Config struct {
	// Publishers are the ones that get everything. Nil ones are left out.
	Publishers []eventlog.Publisher
	// Limit is how many events may wait for each publisher. 0 stands for
	// DefaultPublishQueue, and less for 1.
	Limit int
	// OnError, if set, is told what was not published, besides slog: a PublishError.
	OnError func(error)
}

// report tells slog and the handler. It may be called by several goroutines at once.
// A panic of the handler ends there.
func (c *Config) report(err *eventlog.PublishError) {
	attrs := []any{"error", err, "events", len(err.Events)}
	if panicked, ok := errors.AsType[*eventlog.PanicError](err); ok {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.Error("fact: events not published", attrs...)
	if c.OnError == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			slog.Error("fact: publish error handler panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	c.OnError(err)
}

// Set is the publishers of one store or pipeline.
type Set struct {
	queues []*queue
}

// NewSet makes a queue for each publisher. It starts no goroutine.
func NewSet(config Config) *Set {
	if config.Limit == 0 {
		config.Limit = eventlog.DefaultPublishQueue
	}
	config.Limit = max(config.Limit, 1)
	s := new(Set)
	for _, p := range config.Publishers {
		if p != nil {
			s.queues = append(s.queues, newQueue(p, &config))
		}
	}
	return s
}

// Empty reports whether there is no publisher.
func (s *Set) Empty() bool { return len(s.queues) == 0 }

// Refusals is what queues did not take.
type Refusals []refusal

type refusal struct {
	queue *queue
	what  publication
	err   error
}

// Report reports what was refused.
func (r Refusals) Report() {
	for _, one := range r {
		one.queue.fail(one.what, one.err)
	}
}

// Add hands the events to every publisher's queue and returns at once. The
// events must not be changed afterwards. It returns what the queues refused,
// to be reported by the caller once it holds no lock.
func (s *Set) Add(ctx context.Context, events []eventlog.Event) Refusals {
	if len(events) == 0 || s.Empty() {
		return nil
	}
	p := publication{ctx: unit.Outside(ctx), events: events}
	var refused Refusals
	for _, q := range s.queues {
		if err := q.add(p); err != nil {
			refused = append(refused, refusal{q, p, err})
		}
	}
	return refused
}

// Flush waits until everything that was added before the call has been handed
// to the publishers, and they have returned.
func (s *Set) Flush(ctx context.Context) error {
	for _, q := range s.queues {
		if err := q.flush(ctx); err != nil {
			return fmt.Errorf("flush %T: %w", q.publisher, err)
		}
	}
	return nil
}

// Close drains all queues and reports every one that could not be drained.
func (s *Set) Close(ctx context.Context) error {
	var errs []error
	for _, q := range s.queues {
		if err := q.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close: %w", err))
		}
	}
	return errors.Join(errs...)
}
