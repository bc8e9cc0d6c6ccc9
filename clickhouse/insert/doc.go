// Package insert inserts blocks of rows into ClickHouse tables, each once.
//
// [Inserter.Insert] sends one block under a deduplication token, and may be
// called again with the same block and token until the answer is known. It
// compares the columns with the table's before it sends a row, divides what
// spans too many partitions, looks for rows that a killed server may have lost,
// and follows a table that is being rebuilt.
package insert
