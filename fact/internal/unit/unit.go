// Package unit runs appends as units of work: an outermost append and whatever
// its projectors append to the same store happen together or not at all.
package unit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/factload/factload/fact/eventlog"
)

// maxDepth bounds how deep projectors may append within projectors. Deeper
// than that, they would never end.
const maxDepth = 100

var errTooDeep = errors.New("projectors append within projectors without end: append only for the events that need it")

// Store is what a Runner needs of the store whose appends it runs. Its functions
// are called by one goroutine at a time.
type Store struct {
	// Last returns the last sequence of the stream outside of the unit of work.
	Last func(ctx context.Context, stream string) (int64, error)
	// Projectors handle copies of each event, in this order. Nil ones are left out.
	Projectors []eventlog.Projector
}

// Runner runs the units of work of one store, one after the other.
type Runner struct {
	store Store
	lock  ctxLock // held by the running unit of work
}

// NewRunner returns a runner for the appends to a store.
func NewRunner(store Store) *Runner {
	store.Projectors = slices.DeleteFunc(slices.Clone(store.Projectors), func(p eventlog.Projector) bool { return p == nil })
	return &Runner{store: store, lock: newCtxLock()}
}

// Call is one append. Its events become the unit's.
type Call struct {
	Stream string
	Events []eventlog.Event
	// Check, if set, refuses the append by the last sequence that the stream has,
	// as the unit of work sees it.
	Check func(last int64) error
	// Pick, if set, returns which of the given events are to be appended. It is
	// told which events of the stream are staged in the unit of work.
	Pick func(ctx context.Context, staged, given []eventlog.Event) ([]eventlog.Event, error)
}

// CheckLast returns a Check that refuses another last sequence of the stream.
func CheckLast(stream string, expected int64) func(last int64) error {
	return func(last int64) error {
		if last != expected {
			return &eventlog.ConflictError{Stream: stream, Expected: expected, Actual: last}
		}
		return nil
	}
}

// Unit is what one outermost append does. Nothing of it is visible to others
// before its commit. It needs no lock of its own: only the goroutine that holds
// the lock of the innermost projector call uses it.
type Unit struct {
	staging
	after []func()
}

// Committed runs what was left to be done after the commit. The caller has
// committed the unit and holds no lock.
func (u *Unit) Committed() {
	for _, do := range u.after {
		do()
	}
}

// AfterCommit leaves do to be called once the unit of work is committed. It is
// forgotten with the append whose projector leaves it.
func (u *Unit) AfterCommit(do func()) { u.after = append(u.after, do) }

// Append runs the call as part of the unit of work that ctx belongs to, and
// returns nil then; or as a unit of work of its own, which it returns once
// commit has returned nil. The store is locked until commit has returned.
func (r *Runner) Append(ctx context.Context, call Call, commit func(*Unit) error) (*Unit, error) {
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
	u := new(Unit)
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
func (r *Runner) Inside(ctx context.Context, do func(*Unit) error) error {
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

// In reports whether ctx is inside a unit of work.
func (r *Runner) In(ctx context.Context) (in bool, err error) {
	err = r.Inside(ctx, func(u *Unit) error {
		in = u != nil
		return nil
	})
	return in, err
}

// AfterCommit leaves do to the unit of work that ctx belongs to, and reports false
// if there is none. See [Unit.AfterCommit].
func (r *Runner) AfterCommit(ctx context.Context, do func()) (left bool, err error) {
	err = r.Inside(ctx, func(u *Unit) error {
		if left = u != nil; left {
			u.AfterCommit(do)
		}
		return nil
	})
	return left, err
}

// Locked calls do while no unit of work is running. It must not be called by a
// projector of the store.
func (r *Runner) Locked(ctx context.Context, do func() error) error {
	if err := r.lock.take(ctx); err != nil {
		return err
	}
	defer r.lock.release()
	return do()
}

// append stages the events and runs the projectors on them. On an error,
// nothing of it stays in the unit of work.
func (r *Runner) append(ctx context.Context, u *Unit, parent *projectorCall, call Call) error {
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
		events[i].Sequence = last + int64(i) + 1
	}
	u.add(call.Stream, events)
	if err := r.project(ctx, u, parent, events); err != nil {
		return err
	}
	complete = true
	return nil
}

// project runs the projectors on the events, one event after the other.
func (r *Runner) project(ctx context.Context, u *Unit, parent *projectorCall, events []eventlog.Event) error {
	for i := range events {
		for _, p := range r.store.Projectors {
			if err := r.handle(ctx, u, parent, p, events[i].Clone()); err != nil {
				return fmt.Errorf("projector %T on event %d of type %q: %w", p, events[i].Sequence, events[i].Type, err)
			}
		}
	}
	return nil
}

// handle runs one projector on one event, in a projector call of its own, and turns
// a panic into an error.
func (r *Runner) handle(ctx context.Context, u *Unit, parent *projectorCall, p eventlog.Projector, event eventlog.Event) (err error) {
	c := &projectorCall{unit: u, parent: parent, depth: parent.level() + 1, lock: newCtxLock()}
	defer c.end()
	defer func() {
		if v := recover(); v != nil {
			err = &eventlog.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.Handle(context.WithValue(ctx, callKey{r}, c), event)
}
