// Package block turns values into ClickHouse columns. It is the one place
// where that happens: facts recorded by a service and lines of a JSONL file
// are encoded by the same code, under the same rules (see docs/values.md).
//
// A [Layout] is a schema compiled once. A [Block] made from it is a growing
// set of columns in the form that ClickHouse's native protocol sends. Rows come
// in by one door, as JSON: with [Block.AppendJSON], or with [Block.Append] for
// facts, whose values are first encoded as the log has them. A row that breaks a
// rule is refused with a [FieldError] and leaves the block exactly as it was.
//
// # What it does not do
//
// The package opens no connection, reads no file and starts no goroutine. It
// does not split lines. It does not repair values: a value is stored as it
// was given, or refused.
//
// # Speed
//
// Appending a JSON row allocates nothing once the block has grown to its
// working size, which [Block.Reset] keeps; neither does a row from a struct, but
// for what methods of its fields allocate. Strings are checked and copied in
// one pass, straight from the line into the column.
package block
