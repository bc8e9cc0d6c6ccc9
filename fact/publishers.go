package fact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// refusal is a publication that a queue did not take.
type refusal struct {
	queue *publishQueue
	what  publication
	err   error
}

// report reports refusals to the handlers of their publishers.
func report(refused []refusal) {
	for _, r := range refused {
		r.queue.fail(r.what, r.err)
	}
}

// publisherSet is the publishers of one store or pipeline.
type publisherSet struct {
	publishers []Publisher
	limit      int
	onError    func(error)
	queues     []*publishQueue
}

// start makes a queue for each publisher. It starts no goroutine.
func (s *publisherSet) start() {
	for _, p := range s.publishers {
		s.queues = append(s.queues, newPublishQueue(p, s.limit, s.report))
	}
}

// add hands the events to every publisher's queue and returns at once. The
// events must not be changed afterwards. It returns what the queues refused,
// to be reported by the caller once it holds no lock.
func (s *publisherSet) add(ctx context.Context, events []Event) []refusal {
	if len(events) == 0 || len(s.queues) == 0 {
		return nil
	}
	p := publication{ctx: context.WithoutCancel(withoutFrame(ctx)), events: events}
	var refused []refusal
	for _, q := range s.queues {
		if err := q.add(p); err != nil {
			refused = append(refused, refusal{q, p, err})
		}
	}
	return refused
}

// report tells slog and the handler. A panic of the handler ends there.
func (s *publisherSet) report(err *PublishError) {
	attrs := []any{"error", err, "events", len(err.Events)}
	var panicked *PanicError
	if errors.As(err, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.Error("fact: events not published", attrs...)
	if s.onError == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			slog.Error("fact: publish error handler panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	s.onError(err)
}

func (s *publisherSet) flush(ctx context.Context) error {
	for _, q := range s.queues {
		if err := q.flush(ctx); err != nil {
			return fmt.Errorf("flush %T: %w", q.publisher, err)
		}
	}
	return nil
}

// close drains all queues and reports every one that could not be drained.
func (s *publisherSet) close(ctx context.Context) error {
	var errs []error
	for _, q := range s.queues {
		if err := q.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close: %w", err))
		}
	}
	return errors.Join(errs...)
}
