// Package fact is the vocabulary of factload: facts, schemas and events, and
// the interfaces between what records them and what stores them. It needs
// nothing but the standard library.
//
// # Facts and schemas
//
// A [Fact] is a typed row: the name of its schema and a value for each field,
// in a map or in a tagged struct (see [Of]).
// A [Schema] names the fields, their types ([FieldType]) and the sorting key: see
// package schema, whose names are repeated here.
//
// # Recording
//
// A [Pipeline] records facts. One call of [Pipeline.Record] checks them,
// appends them to a raw log ([EventStore]), stores them as rows
// ([Materializer]) and hands them to publishers ([Publisher]). Each part is
// optional. The fact's ID is the ID of its raw event, so a row can be traced
// to the log, and [FactFromEvent] turns the log into facts again when rows
// must be replayed. A materializer that checks facts before they reach the log
// implements [Preparer].
//
// # Events
//
// An [Event] is an entry of a log: see package eventlog, whose names are repeated
// here too, and which says what stores may offer. [NewEvent] makes one from any data
// that knows its type ([EventTyper]).
//
// [MemoryStore], of package memstore, is the store for tests and small services. It
// runs projectors ([Projector]) inside Append, as one unit of work with whatever those
// append themselves, and gives committed events to publishers in the background.
// Packages sqlitestore and pgstore have stores that last. Package facttest has the
// conformance suites.
//
// # Errors
//
// Errors that say where something went wrong do so in fields: [*SchemaError],
// [*FactError], [*StructError], [*ConflictError], [*PublishError], [*PanicError]. Use errors.As
// to get at them, and errors.Is for [ErrClosed], [ErrQueueFull]
// and [ErrRecordInProjector].
package fact
