package memstore

import (
	"context"
	"fmt"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/unit"
)

// Append implements [eventlog.EventStore].
func (s *Store) Append(ctx context.Context, stream string, events []eventlog.Event) error {
	_, err := s.append(ctx, unit.Call{Stream: stream, Events: events})
	return err
}

// AppendReturning implements [eventlog.ReturningAppender]. Inside a projector, the
// returned events are not committed yet.
func (s *Store) AppendReturning(ctx context.Context, stream string, events []eventlog.Event) ([]eventlog.Event, error) {
	stored, err := s.append(ctx, unit.Call{Stream: stream, Events: events})
	if err != nil {
		return nil, err
	}
	return eventlog.CloneEvents(stored), nil
}

// AppendAt implements [eventlog.ConditionalAppender]. Inside a projector, the last
// sequence counts what the unit of work has so far.
func (s *Store) AppendAt(ctx context.Context, stream string, lastSequence int64, events []eventlog.Event) error {
	_, err := s.append(ctx, unit.Call{Stream: stream, Events: events, Check: unit.CheckLast(stream, lastSequence)})
	return err
}

// AppendOnce implements [eventlog.IdempotentAppender].
func (s *Store) AppendOnce(ctx context.Context, stream string, events []eventlog.Event) ([]eventlog.Event, error) {
	once := unit.Once{Stored: func(_ context.Context, ids []string) ([]eventlog.Event, error) {
		return s.log.stored(stream, ids), nil
	}}
	if _, err := s.append(ctx, unit.Call{Stream: stream, Events: events, Pick: once.Pick}); err != nil {
		return nil, err
	}
	return eventlog.CloneEvents(once.Result()), nil
}

// append does all forms of Append and returns the stored events, which the
// caller must not give away without cloning them.
func (s *Store) append(ctx context.Context, call unit.Call) ([]eventlog.Event, error) {
	if len(call.Events) == 0 {
		return nil, nil
	}
	err := checkCall(ctx, call.Stream)
	if err == nil {
		call.Events, err = eventlog.AdoptEvents(call.Stream, call.Events)
	}
	if err == nil {
		err = s.appendAdopted(ctx, call)
	}
	if err != nil {
		return nil, appendError(call.Stream, err)
	}
	return call.Events, nil
}

// AppendOwned is AppendReturning without copies, for whoever has made and checked the
// events itself: all but Sequence is assigned, the events become the store's, and
// nobody may change them or the returned ones from now on. It is for pipelines.
func (s *Store) AppendOwned(ctx context.Context, stream string, events []eventlog.Event) ([]eventlog.Event, error) {
	err := checkCall(ctx, stream)
	if err == nil {
		err = s.appendAdopted(ctx, unit.Call{Stream: stream, Events: events})
	}
	if err != nil {
		return nil, appendError(stream, err)
	}
	return events, nil
}

func (s *Store) appendAdopted(ctx context.Context, call unit.Call) error {
	var refused publish.Refusals
	u, err := s.units.Append(ctx, call, func(u *unit.Unit) (err error) {
		refused, err = s.commit(ctx, u.Events())
		return err
	})
	if u != nil { // and nothing is locked any more
		refused.Report()
		u.Committed()
	}
	return err
}

// commit makes the events of a unit of work visible at once, and hands them to
// the publishers. It returns what those refused.
func (s *Store) commit(ctx context.Context, events []eventlog.Event) (publish.Refusals, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.add(events)
	return s.publishers.Add(ctx, events), nil
}

// checkCall refuses what no call can do anything with.
func checkCall(ctx context.Context, stream string) error {
	if err := eventlog.CheckStream(stream); err != nil {
		return err
	}
	return ctx.Err()
}

func appendError(stream string, err error) error {
	return fmt.Errorf("append to stream %q: %w", stream, err)
}
