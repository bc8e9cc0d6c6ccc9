// Package unit runs appends as units of work: an outermost append and whatever
// its projectors append to the same store happen together or not at all. It
// knows nothing of events (E) but what Store tells it.
package unit

import (
	"context"
	"errors"
	"fmt"
)

// maxDepth bounds how deep projectors may append within projectors. Deeper
// than that, they would never end.
const maxDepth = 100

var errTooDeep = errors.New("projectors append within projectors without end: append only for the events that need it")

// Store is what a Runner needs of the store whose appends it runs. Its functions
// are called by one goroutine at a time.
type Store[E any] struct {
	// Last returns the last sequence of the stream outside of the unit of work.
	Last func(ctx context.Context, stream string) (int64, error)
	// Number gives the event its sequence.
	Number func(event *E, sequence int64)
	// Projectors handle each event, in this order. They get the staged event, and
	// turn panics into errors.
	Projectors []func(ctx context.Context, event *E) error
}

// Runner runs the units of work of one store, one after the other.
type Runner[E any] struct {
	store Store[E]
	lock  ctxLock // held by the running unit of work
}

// NewRunner returns a runner for the appends to a store.
func NewRunner[E any](store Store[E]) *Runner[E] {
	return &Runner[E]{store: store, lock: newCtxLock()}
}

// Call is one append. Its events become the unit's.
type Call[E any] struct {
	Stream string
	Events []E
	// Check, if set, refuses the append by the last sequence that the stream has,
	// as the unit of work sees it.
	Check func(last int64) error
	// Pick, if set, returns which of the given events are to be appended. It is
	// told which events of the stream are staged in the unit of work.
	Pick func(ctx context.Context, staged, given []E) ([]E, error)
}

// Unit is what one outermost append does. Nothing of it is visible to others
// before its commit. It needs no lock of its own: only the goroutine that holds
// the lock of the innermost projector call uses it.
type Unit[E any] struct {
	staging[E]
	after []func()
}

// Committed runs what was left to be done after the commit. The caller has
// committed the unit and holds no lock.
func (u *Unit[E]) Committed() {
	for _, do := range u.after {
		do()
	}
}

// AfterCommit leaves do to be called once the unit of work is committed. It is
// forgotten with the append whose projector leaves it.
func (u *Unit[E]) AfterCommit(do func()) { u.after = append(u.after, do) }

// Append runs the call as part of the unit of work that ctx belongs to, and
// returns nil then; or as a unit of work of its own, which it returns once
// commit has returned nil. The store is locked until commit has returned.
func (r *Runner[E]) Append(ctx context.Context, call Call[E], commit func(*Unit[E]) error) (*Unit[E], error) {
	c, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	if c != nil {
		defer c.lock.release()
		return nil, r.append(ctx, c.unit, c, call)
	}
	if err := r.lock.take(ctx); err != nil {
		return nil, err
	}
	defer r.lock.release()
	u := new(Unit[E])
	if err := r.append(ctx, u, nil, call); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("not committed: %w", err)
	}
	if err := commit(u); err != nil {
		return nil, err
	}
	return u, nil
}

// Inside calls do with the unit of work that ctx belongs to, which is nil if
// there is none. Nobody else uses the unit meanwhile.
func (r *Runner[E]) Inside(ctx context.Context, do func(*Unit[E]) error) error {
	c, err := r.enter(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return do(nil)
	}
	defer c.lock.release()
	return do(c.unit)
}

// Locked calls do while no unit of work is running. It must not be called by a
// projector of the store.
func (r *Runner[E]) Locked(ctx context.Context, do func() error) error {
	if err := r.lock.take(ctx); err != nil {
		return err
	}
	defer r.lock.release()
	return do()
}

// append stages the events and runs the projectors on them. On an error,
// nothing of it stays in the unit of work.
func (r *Runner[E]) append(ctx context.Context, u *Unit[E], parent *projectorCall[E], call Call[E]) error {
	if parent.level() > maxDepth {
		return errTooDeep
	}
	last, err := r.store.Last(ctx, call.Stream)
	if err != nil {
		return err
	}
	last += u.counts[call.Stream]
	if call.Check != nil {
		if err := call.Check(last); err != nil {
			return err
		}
	}
	events := call.Events
	if call.Pick != nil {
		if events, err = call.Pick(ctx, u.Staged(call.Stream), events); err != nil {
			return err
		}
	}
	mark, afterMark := len(u.events), len(u.after)
	complete := false
	defer func() {
		if !complete { // an error, or runtime.Goexit in a projector
			u.rollback(mark)
			clear(u.after[afterMark:])
			u.after = u.after[:afterMark]
		}
	}()
	for i := range events {
		r.store.Number(&events[i], last+int64(i)+1)
		u.add(call.Stream, events[i])
	}
	if err := r.project(ctx, u, parent, events); err != nil {
		return err
	}
	complete = true
	return nil
}

// project runs the projectors on the events, one event after the other.
func (r *Runner[E]) project(ctx context.Context, u *Unit[E], parent *projectorCall[E], events []E) error {
	for i := range events {
		for _, handle := range r.store.Projectors {
			if err := r.handle(ctx, u, parent, handle, &events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// handle runs one projector on one event, in a projector call of its own.
func (r *Runner[E]) handle(ctx context.Context, u *Unit[E], parent *projectorCall[E],
	handle func(context.Context, *E) error, event *E,
) error {
	c := &projectorCall[E]{unit: u, parent: parent, depth: parent.level() + 1, lock: newCtxLock()}
	defer c.end()
	return handle(context.WithValue(ctx, callKey{r}, c), event)
}
