package fact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/factload/factload/fact/internal/publish"
)

// DefaultPublishQueue is how many events may wait for each publisher unless an
// option says otherwise.
const DefaultPublishQueue = 65536

// ErrQueueFull says that events were not handed to a publisher because too
// many others were waiting for it.
var ErrQueueFull = publish.ErrQueueFull

// ErrClosed is returned by what is called after Close, and is the reason of a
// PublishError for events that were still waiting when Close gave up.
var ErrClosed = publish.ErrClosed

// PublishError says that a publisher did not get, or did not accept, some
// events. They are committed all the same: the log has them.
//
// It wraps the error that Publish returned: compare with errors.Is and
// errors.As, since == and != are never true of what is wrapped.
type PublishError struct {
	// Publisher is the one that missed the events.
	Publisher Publisher
	// Events are the events of one commit, in order. They are copies that
	// belong to whoever receives the error.
	Events []Event
	// Err is what Publish returned, a [*PanicError], [ErrQueueFull] or
	// [ErrClosed].
	Err error
}

// Error says which events are missing where.
func (e *PublishError) Error() string {
	return fmt.Sprintf("publish %s to %T: %v", describeEvents(e.Events), e.Publisher, e.Err)
}

// Unwrap returns Err.
func (e *PublishError) Unwrap() error { return e.Err }

// PanicError is a panic of a projector or a publisher, turned into an error.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is the stack of the goroutine, as debug.Stack gives it.
	Stack []byte
}

// Error returns the value it panicked with. The stack is left out.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns Value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// describeEvents names the events by stream and range of sequences, and by ID
// where the sequence is not known.
func describeEvents(events []Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d event", len(events))
	if len(events) != 1 {
		b.WriteByte('s')
	}
	for start := 0; start < len(events); {
		first := events[start]
		end := start + 1
		for end < len(events) && events[end].Stream == first.Stream && first.Sequence > 0 &&
			events[end].Sequence == events[end-1].Sequence+1 {
			end++
		}
		switch last := events[end-1]; {
		case first.Sequence == 0:
			fmt.Fprintf(&b, ", id %s of stream %q", first.ID, first.Stream)
		case end-start == 1:
			fmt.Fprintf(&b, ", %d of stream %q", first.Sequence, first.Stream)
		default:
			fmt.Fprintf(&b, ", %d to %d of stream %q", first.Sequence, last.Sequence, first.Stream)
		}
		start = end
	}
	return b.String()
}

// publishing is what a store or a pipeline is told of publishing by its options.
type publishing struct {
	publishers []Publisher
	limit      int
	onError    func(error)
}

// start returns the publishers, ready for events. It starts no goroutine.
func (p publishing) start() *publish.Set[Event] {
	c := publish.Config[Event]{
		Limit:    p.limit,
		Clone:    cloneEvents,
		Panicked: func(v any) error { return &PanicError{Value: v, Stack: debug.Stack()} },
		Report: func(to publish.Publisher[Event], events []Event, err error) {
			p.report(&PublishError{Publisher: to, Events: events, Err: err})
		},
	}
	for _, to := range p.publishers {
		c.Publishers = append(c.Publishers, to)
	}
	return publish.NewSet(c)
}

// report tells slog and the handler. A panic of the handler ends there.
func (p publishing) report(err *PublishError) {
	attrs := []any{"error", err, "events", len(err.Events)}
	var panicked *PanicError
	if errors.As(err, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.Error("fact: events not published", attrs...)
	if p.onError == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			slog.Error("fact: publish error handler panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	p.onError(err)
}

// callProjector runs the projector and turns a panic into an error. The errors
// say which projector and which event.
func callProjector(ctx context.Context, p Projector, e Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			err = fmt.Errorf("projector %T on event %d of type %q: %w", p, e.Sequence, e.Type, err)
		}
	}()
	return p.Handle(ctx, e)
}
