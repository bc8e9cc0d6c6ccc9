// Package pgstore is an event store in a PostgreSQL database (12 or later).
//
// Any number of processes may append to the same streams. Each transaction that
// appends takes the lock of the log first, so positions are given in the order of
// the commits and without gaps that a reader could miss; appends of many
// goroutines of a process share a transaction. A projector that is slow holds up
// the appends of all processes. Who waits in WaitLog is woken by NOTIFY, of
// whatever process the append was.
//
// An append that has returned nil is as durable as the server makes a commit: on
// its disk with synchronous_commit on, which is the default. One that ends with a
// broken connection may or may not have been committed; repeat it with AppendOnce
// and IDs of your own.
//
// The tables are in a schema of the database, which Open makes when it is not
// there. Data is text, and data::jsonb is its JSON. Erased events are deleted
// rows: [Store.Vacuum] rewrites the tables without them; backups, replicas and the
// server's WAL keep them for as long as the server is told to.
package pgstore
