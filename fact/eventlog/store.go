package eventlog

import (
	"context"
	"fmt"
)

// EventStore is an append-only log of events, divided into streams.
// It is safe for concurrent use.
type EventStore interface {
	// Append adds the events to the end of the stream, all or none of them.
	//
	// It assigns Stream and Sequence (1, 2, 3 and so on in each stream), and
	// OccurredAt (now, in UTC) and ID where they are empty. It does so on its
	// own copies: the slice and what it points to stay the caller's and
	// unchanged. No events: nil, and nothing happens. An empty stream name,
	// Data that is neither empty nor valid JSON, text that is not valid UTF-8, and
	// zero bytes in a name, an ID or a type are errors.
	Append(ctx context.Context, stream string, events []Event) error

	// Load returns all events of the stream in order of Sequence. A stream
	// that nobody appended to is empty. The events are the caller's.
	Load(ctx context.Context, stream string) ([]Event, error)

	// LoadFrom is Load for the events strictly after fromSequence.
	LoadFrom(ctx context.Context, stream string, fromSequence int64) ([]Event, error)
}

// ReturningAppender is what an EventStore may implement so that the caller
// learns what it stored.
type ReturningAppender interface {
	// AppendReturning is Append, and returns copies of the stored events with
	// everything that the store assigned, in the order of the given ones.
	// Events that projectors added meanwhile are not among them.
	AppendReturning(ctx context.Context, stream string, events []Event) ([]Event, error)
}

// ConditionalAppender is what an EventStore may implement for optimistic
// concurrency: load, decide, append only if nobody else did meanwhile.
type ConditionalAppender interface {
	// AppendAt is Append if the last event of the stream has the sequence
	// lastSequence (0 for a stream without events), and fails with a
	// [*ConflictError] and stores nothing if it has not. Check and append are
	// one step. No events: nil, and nothing is checked.
	AppendAt(ctx context.Context, stream string, lastSequence int64, events []Event) error
}

// ConflictError says that a stream was not where AppendAt expected it.
// To go on, load what is new and decide again.
type ConflictError struct {
	// Stream is the name of the stream.
	Stream string
	// Expected is the last sequence that the caller gave.
	Expected int64
	// Actual is the last sequence that the stream had.
	Actual int64
}

// Error says where the stream was expected and where it is.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream %q is at sequence %d, not at the expected %d: load what is new and decide again",
		e.Stream, e.Actual, e.Expected)
}

// IdempotentAppender is what an EventStore may implement so that an append can
// be repeated when nobody knows whether it has happened.
type IdempotentAppender interface {
	// AppendOnce is AppendReturning for those of the events whose ID the stream
	// does not have yet. It returns all given events as they are stored, in the
	// given order, those that were there before included; what else an event with
	// a known ID says is not compared. An event without an ID is always a new one.
	// An ID that was erased is not known any more.
	AppendOnce(ctx context.Context, stream string, events []Event) ([]Event, error)
}

// Importer is what an EventStore may implement to take over the log of another.
type Importer interface {
	// ImportEvents adds the events, of any streams, to the end of the log as they
	// are, all or none of them, and returns how many were added. In each stream
	// their sequences have to grow; those left out are of events that have been
	// erased. An event that is there already, with the same stream, sequence and
	// ID, is left out, so that an import can be repeated; one whose sequence is
	// taken otherwise is a [*ConflictError]. Neither projectors nor publishers hear
	// of it, and projectors must not call it.
	ImportEvents(ctx context.Context, events []Event) (int, error)
}

// UnitOfWorkStore is what an EventStore that runs projectors may implement, so
// that what a projector does besides appending can wait for the commit.
// Record of package fact uses it.
type UnitOfWorkStore interface {
	// InUnitOfWork reports whether an Append with ctx would be part of a unit of
	// work that is running, because a projector of the store was given the ctx.
	InUnitOfWork(ctx context.Context) (bool, error)
	// AfterCommit leaves do to the unit of work that ctx belongs to. It is called
	// once that is committed, before the outermost Append returns, and never if it
	// is undone. If there is no such unit of work, AfterCommit returns false and
	// forgets do.
	AfterCommit(ctx context.Context, do func()) (bool, error)
}

// Flusher is what something that publishes in the background may implement.
type Flusher interface {
	// Flush waits until everything that was committed before the call has been
	// handed to the publishers. It returns the ctx's error when that ends first.
	Flush(ctx context.Context) error
}

// Projector derives something from events, such as a read model or further
// events, as part of the append that stores them.
type Projector interface {
	// Handle is called for each appended event before it is committed. An
	// error or a panic undoes the whole append. The ctx carries the unit of
	// work: Append and Load with this ctx take part in it.
	//
	// Only events are undone. What the projector changes of its own, such as a
	// map, stays as it is; a read model that must never show what was undone is
	// better kept by a Publisher.
	Handle(ctx context.Context, event Event) error
}

// Publisher sends events that have been committed somewhere else, such as a
// message broker.
type Publisher interface {
	// Publish is called with the events of one commit, in order. The events
	// are the publisher's own. The ctx carries the values of the caller's ctx
	// but not its cancellation. An error is reported, not retried.
	Publish(ctx context.Context, events []Event) error
}
