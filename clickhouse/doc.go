// Package clickhouse stores facts in ClickHouse.
//
// A [Materializer] turns facts into rows, one table for each schema. It is what
// a service gives to a fact.Pipeline. A [Client] is the connection below it, for
// queries and for bulk loads. Package migrate changes tables over a Client, and
// package insert inserts blocks of rows; the Materializer does so for its own.
//
// # What is guaranteed
//
// A call of Materialize that returns nil has its rows in the table exactly
// once; a call that fails has them there at most once; and repeating what
// failed never doubles a fact whose schema carries its ID. Rows are never cut,
// converted or defaulted on the way: a value that does not fit its field is an
// error that names the fact, the field and the value, and then nothing of the
// call is stored.
//
// When Materialize fails, the class of the error says what is the case:
//
//   - a fact.FactError, [ErrRejected] or [ErrSchema]: the rows are not stored,
//     and the same call would fail again;
//   - [ErrRetryable]: the rows are not stored, or some of their partitions are;
//     the same call may succeed later;
//   - [ErrAmbiguous]: the answer was lost, or the caller did not wait for it, so
//     the rows may be stored or not;
//   - none, or [ErrClosed] alone: the context ended, or the Materializer was
//     closed, before the rows were sent, and they will not be.
//
// Concurrent calls share inserts: rows that arrive while an insert into their
// table is under way go together in the next one, so that the server gets few
// and larger parts. A caller's bad fact fails that caller alone.
//
// Each insert carries a deduplication token, keeps it through its retries, and
// the server ignores an insert whose token it knows. Retries end with
// [Config.RetryBudget]. A call that failed may be made again, by the same
// process; facts that the table may have already are looked for by their ID
// then, and only the missing are inserted. [Materializer.MaterializeMissing]
// does so for any facts, also those of another process. Both need a field that
// carries the fact ID (fact.Field.FactID). Without one, a repeated call is
// recognised by its token alone, when it shared its insert with no other call
// both times. docs/recording.md in the repository has the details and the
// limits.
//
// The rows of one call become visible table by table, and within a table
// partition by partition. There is no transaction over several tables: when
// the second of two inserts fails, the error is a [*PartialInsertError] that says so,
// and repeating the call stores the rest.
//
// With [Buffered], Materialize returns when the rows are accepted into memory.
// A process that dies loses them then; its log has the facts.
//
// # Starting, stopping and failing over
//
// Neither New nor Open connects to anything. While the server is down,
// EnsureSchema fails with [ErrRetryable] and makes the schemas known; their
// tables are made ready before the first insert, which is repeated until the
// server is up or the budget is used up. A DSN may name several hosts, which
// are tried in turn. Close stores what has been accepted, or gives up when its
// context ends.
//
// # Protocols
//
// Both protocols do the same. Over the native one, blocks go to the server
// through ch-go as they are; everything else uses clickhouse-go. Over HTTP,
// blocks are sent in the Native format. Names of tables and columns may be any
// text.
//
// No error, log line or String method of this package shows the password of a
// DSN.
package clickhouse
