package fact

import (
	"context"
	"iter"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/memstore"
)

// The log of facts is package eventlog's; these are its names that services use.
type (
	// Event is one entry of a raw log.
	Event = eventlog.Event
	// Entry is an event and its place in the log of a whole store.
	Entry = eventlog.Entry
	// EventStore is an append-only log of events, divided into streams.
	EventStore = eventlog.EventStore
	// Projector derives something from events as part of the append that stores them.
	Projector = eventlog.Projector
	// Publisher sends events that have been committed somewhere else.
	Publisher = eventlog.Publisher
	// PublishError says that a publisher did not get, or did not accept, some events.
	PublishError = eventlog.PublishError
	// PanicError is a panic of a projector or a publisher, turned into an error.
	PanicError = eventlog.PanicError
	// ConflictError says that a stream was not where AppendAt expected it.
	ConflictError = eventlog.ConflictError
	// Subscription follows the log of a store from a checkpoint.
	Subscription = eventlog.Subscription
	// SubscriptionConfig says what a Subscription follows and what it does.
	SubscriptionConfig = eventlog.SubscriptionConfig
	// Upcaster turns an event of an old form into one of the next.
	Upcaster = eventlog.Upcaster
	// Upcasters bring events to their present form when they are read.
	Upcasters = eventlog.Upcasters
	// Snapshot is what somebody has made of the events of a stream.
	Snapshot = eventlog.Snapshot
	// StreamInfo is what a store knows of a stream.
	StreamInfo = eventlog.StreamInfo
	// MemoryStore is an EventStore that keeps its events in memory.
	MemoryStore = memstore.Store
	// Option changes a MemoryStore that is being made.
	Option = memstore.Option
)

// What an EventStore may offer besides. MemoryStore, and the stores of packages
// sqlitestore and pgstore, offer all of it.
type (
	// ReturningAppender tells the caller what it stored.
	ReturningAppender = eventlog.ReturningAppender
	// ConditionalAppender appends only if nobody else did meanwhile.
	ConditionalAppender = eventlog.ConditionalAppender
	// IdempotentAppender appends events once, by their IDs.
	IdempotentAppender = eventlog.IdempotentAppender
	// UnitOfWorkStore lets others wait for the commit of a projector's append.
	UnitOfWorkStore = eventlog.UnitOfWorkStore
	// LogReader reads and follows all streams as one log.
	LogReader = eventlog.LogReader
	// StreamReader loads streams that are too long for memory.
	StreamReader = eventlog.StreamReader
	// StreamLister lists the streams.
	StreamLister = eventlog.StreamLister
	// Eraser forgets events.
	Eraser = eventlog.Eraser
	// Importer takes over the log of another store.
	Importer = eventlog.Importer
	// Checkpointer keeps how far each consumer of the log has come.
	Checkpointer = eventlog.Checkpointer
	// Snapshotter keeps one snapshot of each stream.
	Snapshotter = eventlog.Snapshotter
	// FollowableLog is what a Subscription needs of a store.
	FollowableLog = eventlog.FollowableLog
	// Flusher waits for what is published in the background.
	Flusher = eventlog.Flusher
)

// DefaultPublishQueue is how many events may wait for each publisher unless an
// option says otherwise.
const DefaultPublishQueue = eventlog.DefaultPublishQueue

// MetadataVersion is the key of an event's Metadata that has the version of its Type.
const MetadataVersion = eventlog.MetadataVersion

var (
	// ErrClosed is returned by what is called after Close, and is the reason of a
	// PublishError for events that were still waiting when Close gave up.
	ErrClosed = eventlog.ErrClosed
	// ErrQueueFull says that events were not handed to a publisher because too many
	// others were waiting for it.
	ErrQueueFull = eventlog.ErrQueueFull
	// ErrLeaseLost is returned when a consumer's checkpoint is saved by somebody who
	// does not hold its lease.
	ErrLeaseLost = eventlog.ErrLeaseLost
)

// NewEventID returns a random ID: 32 lower-case hexadecimal digits, which are
// 128 random bits. It is safe for concurrent use.
func NewEventID() string { return eventlog.NewEventID() }

// NewMemoryStore returns an empty store. It starts no goroutine.
func NewMemoryStore(opts ...Option) *MemoryStore { return memstore.New(opts...) }

// WithProjector adds a projector. Projectors run in the order in which they were
// added. Nil is ignored.
func WithProjector(p Projector) Option { return memstore.WithProjector(p) }

// WithPublisher adds a publisher. Nil is ignored.
func WithPublisher(p Publisher) Option { return memstore.WithPublisher(p) }

// WithPublishErrorHandler sets the function that is told what could not be published;
// see [memstore.WithPublishErrorHandler].
func WithPublishErrorHandler(handler func(error)) Option {
	return memstore.WithPublishErrorHandler(handler)
}

// WithPublishQueue sets how many events may wait for each publisher; see
// [memstore.WithPublishQueue].
func WithPublishQueue(events int) Option { return memstore.WithPublishQueue(events) }

// NewSubscription returns a subscription that does nothing yet.
func NewSubscription(c SubscriptionConfig) (*Subscription, error) { return eventlog.NewSubscription(c) }

// Events returns the events of a stream that come after a sequence, 0 for all, to be
// ranged over; see [eventlog.Events].
func Events(ctx context.Context, store EventStore, stream string, after int64) iter.Seq2[Event, error] {
	return eventlog.Events(ctx, store, stream, after)
}

// Category returns the part of a stream's name before the first hyphen, and the whole
// name if it has none.
func Category(stream string) string { return eventlog.Category(stream) }

// EraseWhere erases the events of the whole log that match says yes to; see
// [eventlog.EraseWhere].
func EraseWhere[S interface {
	LogReader
	Eraser
}](ctx context.Context, store S, match func(Entry) bool,
) (erased int, err error) {
	return eventlog.EraseWhere(ctx, store, match)
}

// AppendEventLine appends the event to b as one line of JSON; see
// [eventlog.AppendEventLine].
func AppendEventLine(b []byte, e Event) ([]byte, error) { return eventlog.AppendEventLine(b, e) }

// AdoptEvents returns copies of the events as a store keeps them in the stream; see
// [eventlog.AdoptEvents].
func AdoptEvents(stream string, events []Event) ([]Event, error) {
	return eventlog.AdoptEvents(stream, events)
}

// AdoptImported is AdoptEvents for an [Importer].
func AdoptImported(events []Event) ([]Event, error) { return eventlog.AdoptImported(events) }
