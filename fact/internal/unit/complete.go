package unit

import "github.com/factload/factload/fact/eventlog"

// CompleteStore is an event store with everything that one may offer, as all stores
// of this module are.
type CompleteStore interface {
	eventlog.EventStore
	eventlog.ReturningAppender
	eventlog.ConditionalAppender
	eventlog.IdempotentAppender
	eventlog.UnitOfWorkStore
	eventlog.LogReader
	eventlog.StreamReader
	eventlog.StreamLister
	eventlog.Eraser
	eventlog.Importer
	eventlog.Checkpointer
	eventlog.Snapshotter
	eventlog.Flusher
}
