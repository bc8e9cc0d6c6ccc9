package eventlog

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultPublishQueue is how many events may wait for each publisher unless an
// option says otherwise.
const DefaultPublishQueue = 65536

// ErrQueueFull says that events were not handed to a publisher because too
// many others were waiting for it.
var ErrQueueFull = errors.New("publish queue is full: the publisher is slower than the appends")

// ErrClosed is returned by what is called after Close, and is the reason of a
// PublishError for events that were still waiting when Close gave up.
var ErrClosed = errors.New("closed")

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
