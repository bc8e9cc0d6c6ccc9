// Package ddl turns a schema into a ClickHouse table.
//
// A [fact.Schema] and its [Options] make a [Table], which is plain data.
// [CreateSQL] creates it. ddl/diff compares it with the table that exists and plans the
// way from one to the other, and ddl/rebuild renders what a table made anew takes.
//
// The package is pure: it opens no connection and reads no clock. What a server
// knows about a table comes in as a [Catalog], read with [InspectTableSQL],
// [InspectColumnsSQL], [InspectIndexesSQL] and [InspectProjectionsSQL], and
// [FromCatalog] makes a Table of it. The server rewrites much of what it is
// sent, so tables are compared in canonical form. A table that has been created
// from a Table and read back shows no difference. How SQL is printed only the
// server knows: [Table.PrintSQL] asks, [Table.Printed] remembers.
//
// # What is quoted and what is trusted
//
// Names, comments, enum values and defaults may hold any text: they are always
// quoted and cannot end the quotes. Options such as Options.PartitionBy,
// Options.TTL, codecs, index expressions and types, and queries are SQL by nature.
// They are written by whoever owns the schema and are trusted like code. They
// are checked to be one balanced expression, or one SELECT, without a
// semicolon, a comment or an open quote, so a slip cannot end the statement it
// stands in.
package ddl
