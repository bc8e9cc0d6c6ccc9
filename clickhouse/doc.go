// Package clickhouse stores facts in ClickHouse.
//
// A [Materializer] turns facts into rows, one table for each schema. It is what
// a service gives to a fact.Pipeline. A [Client] is the connection below it: it
// inspects tables, brings them to the shape of a schema, and inserts blocks of
// rows. Use a Client alone for queries and for bulk loads.
//
// # What is guaranteed
//
// When Materialize returns nil, ClickHouse has stored every row of the call.
// Rows are never cut, converted or defaulted on the way: a value that does not
// fit its field is an error that names the fact, the field and the value, and
// then nothing of the call is stored.
//
// When Materialize fails, the class of the error says what is the case:
//
//   - a fact.FactError, [ErrRejected] or [ErrSchema]: the rows are not stored,
//     and the same call would fail again;
//   - [ErrRetryable]: the rows are not stored, or some of their partitions are;
//     the same call may succeed later;
//   - [ErrAmbiguous]: the answer was lost, so the rows may be stored or not.
//
// A call that failed may be made again, by the same process or by another, with
// the same facts in the same order. If every fact has an ID, rows that are
// stored already are not stored a second time. This is how it works: each
// insert carries a deduplication token, made from the IDs and the content of
// its facts, and the server ignores an insert whose token it knows. The limits
// are those of the server:
//
//   - It remembers a number of tokens for each partition. Tables made by this
//     package remember 10,000 (non_replicated_deduplication_window). Replicated
//     tables remember what replicated_deduplication_window and
//     replicated_deduplication_window_seconds say. Tables made by hand may
//     remember none, and then a repeated insert is stored again.
//   - The token belongs to the call. The same facts in another grouping or
//     order make other tokens, and so would be stored again.
//   - Facts without an ID get a random token. Repeating their call stores them
//     again.
//
// The rows of one call become visible table by table, and within a table
// partition by partition. There is no transaction over several tables: when
// the second of two inserts fails, the error is a [*PartialInsertError] that says so,
// and repeating the call stores the rest.
//
// # Starting, stopping and failing over
//
// Neither New nor Open connects to anything. A server that is down makes calls
// fail with [ErrRetryable] while it is down, and a schema given to EnsureSchema
// meanwhile is made ready before its first insert. A DSN may name several
// hosts, which are tried in turn. Close waits for the calls that are running.
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
