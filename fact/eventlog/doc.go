// Package eventlog is the log that facts are recorded in: an [Event] is an entry of
// it, streams divide it, and within a stream events are numbered from 1.
//
// An [EventStore] keeps a log. Stores may offer more by implementing further
// interfaces: [ReturningAppender], [ConditionalAppender] (optimistic concurrency),
// [IdempotentAppender], [LogReader] (all streams as one log), [StreamReader],
// [StreamLister], [Eraser], [Importer], [Checkpointer], [Snapshotter],
// [UnitOfWorkStore] and [Flusher]. Packages memstore, sqlitestore and pgstore have
// stores that implement them all; package facttest tests any.
//
// A [Subscription] follows a log from a checkpoint, [Upcasters] bring old events to
// their present form, and [EraseWhere] forgets some.
//
// Package fact repeats the names, so that a service imports one package.
package eventlog
