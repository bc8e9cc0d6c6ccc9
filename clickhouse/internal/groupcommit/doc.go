// Package groupcommit lets concurrent calls share the inserts into a table.
//
// A [Writer] takes the rows of calls as blocks and sends them to a [Sink],
// several calls at once, at a bounded pace, under deduplication tokens. It
// repeats what fails for the moment, divides a batch that is refused for one of
// its rows, and remembers the fact IDs of which nobody knows whether they are
// stored. It knows nothing of SQL, schemas or connections.
package groupcommit
