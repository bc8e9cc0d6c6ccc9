package fact

import (
	"context"
	"errors"
	"fmt"
)

// projecting is held by every unit of work whose first store has projectors.
//
// Only projectors can make one unit of work reach for a second store. With at
// most one such unit at a time, whatever it waits for is held either by nobody
// or by an append without projectors, which waits for nobody. So no two can
// wait for each other, in whatever order they reach for their stores.
var projecting = newTurn()

// maxDepth bounds how deep projectors may append within projectors. Deeper
// than that, they would never end.
const maxDepth = 100

var errTooDeep = errors.New("projectors append within projectors without end: append only for the events that need it")

// unitOfWork is what one outermost Append does in all stores. Nothing of it is
// visible to others before commit.
//
// It needs no lock of its own: only the goroutine that holds the turn of the
// innermost frame uses it.
type unitOfWork struct {
	ctx      context.Context // the ctx of the outermost Append
	first    *MemoryStore    // the store of the outermost Append
	projects bool            // it holds first.entry and projecting
	joined   []*MemoryStore  // the stores whose turn it holds
	staging  staging
	after    []func() []refusal // run once it is committed, with everything held
}

// appendCall is one call of Append in whichever form. The events are copies.
type appendCall struct {
	stream       string
	events       []Event
	conditional  bool
	lastSequence int64 // when conditional
}

// begin starts a unit of work with an append to the store.
func begin(ctx context.Context, s *MemoryStore) (*unitOfWork, error) {
	u := &unitOfWork{ctx: ctx, first: s}
	if len(s.projectors) == 0 {
		return u, nil
	}
	// Appends to one store queue up at the store, not at the one turn that is
	// shared with all other stores.
	if err := s.entry.take(ctx, 0, true); err != nil {
		return nil, err
	}
	if err := projecting.take(ctx, 0, true); err != nil {
		s.entry.release()
		return nil, err
	}
	u.projects = true
	return u, nil
}

// end gives back all that the unit of work holds. What has not been committed
// by then is gone.
func (u *unitOfWork) end() {
	for _, s := range u.joined {
		s.turn.release()
	}
	if u.projects {
		projecting.release()
		u.first.entry.release()
	}
}

// join makes the unit of work the only one that writes to the store.
func (u *unitOfWork) join(ctx context.Context, s *MemoryStore, parent *frame) error {
	for _, j := range u.joined {
		if j == s {
			return nil
		}
	}
	if err := s.turn.take(ctx, parent.level(), u.projects); err != nil {
		return err
	}
	u.joined = append(u.joined, s)
	return nil
}

// append stages the events and runs the store's projectors on them. On an
// error, nothing of it stays in the unit of work. The events become the unit's.
func (u *unitOfWork) append(ctx context.Context, parent *frame, s *MemoryStore, call appendCall) error {
	if parent.level() > maxDepth {
		return errTooDeep
	}
	if err := u.join(ctx, s, parent); err != nil {
		return err
	}
	if s.isClosed() {
		return fmt.Errorf("memory store: %w", ErrClosed)
	}
	key := streamKey{s, call.stream}
	last := s.length(call.stream) + u.staging.length(key)
	if call.conditional && last != call.lastSequence {
		return &ConflictError{Stream: call.stream, Expected: call.lastSequence, Actual: last}
	}
	mark, afterMark := u.staging.mark(), len(u.after)
	complete := false
	defer func() {
		if !complete { // an error, or runtime.Goexit in a projector
			u.staging.rollback(mark)
			clear(u.after[afterMark:])
			u.after = u.after[:afterMark]
		}
	}()
	for i := range call.events {
		call.events[i].Sequence = last + int64(i) + 1
		u.staging.add(key, call.events[i])
	}
	if err := u.project(ctx, parent, s, call.events); err != nil {
		return err
	}
	complete = true
	return nil
}

// project runs the store's projectors on the events, one event after the other.
func (u *unitOfWork) project(ctx context.Context, parent *frame, s *MemoryStore, events []Event) error {
	for i := range events {
		for _, p := range s.projectors {
			if err := u.handle(ctx, parent, p, events[i].clone()); err != nil {
				return fmt.Errorf("projector %T on event %d of type %q: %w", p, events[i].Sequence, events[i].Type, err)
			}
		}
	}
	return nil
}

// handle runs one projector on one event in a frame of its own.
func (u *unitOfWork) handle(ctx context.Context, parent *frame, p Projector, e Event) error {
	ctx, f := newFrame(ctx, u, parent)
	defer f.end()
	return callProjector(ctx, p, e)
}

// load returns the events of the stream after the given sequence, as the unit
// of work sees it. They are shared, and must be cloned before they leave.
func (u *unitOfWork) load(ctx context.Context, parent *frame, s *MemoryStore, stream string, after int64) ([]Event, error) {
	if err := u.join(ctx, s, parent); err != nil {
		return nil, err
	}
	return u.staging.appendAfter(s.committed(stream, after), streamKey{s, stream}, after), nil
}

// commit makes all staged events visible at once, and hands them to the
// publishers of their stores. It returns what those refused.
func (u *unitOfWork) commit() []refusal {
	for _, s := range u.joined {
		s.mu.Lock()
	}
	for _, e := range u.staging.entries {
		e.key.store.streams[e.key.stream] = append(e.key.store.streams[e.key.stream], e.event)
	}
	for _, s := range u.joined {
		s.mu.Unlock()
	}
	var refused []refusal
	for _, s := range u.joined {
		if len(s.publishing.queues) > 0 {
			refused = append(refused, s.publishing.add(u.ctx, u.staging.of(s))...)
		}
	}
	for _, do := range u.after {
		refused = append(refused, do()...)
	}
	return refused
}
