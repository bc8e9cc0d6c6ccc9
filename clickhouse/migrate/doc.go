// Package migrate brings ClickHouse tables to the shape that package ddl
// describes.
//
// [Migrator.Plan] compares a table with the server's and says what has to be
// done; [Migrator.Apply] does it; [Migrator.Ensure] does both, as far as nothing
// but metadata is touched. What ALTER cannot change makes a rebuild: a new table
// is filled with the rows of the old one, part by part, and takes its place,
// while rows are being inserted.
//
// Any number of processes may plan and apply for one table at once, and each may
// be killed at any time: what has been done is read from the server, and from
// the ledger of rebuilds, a table that lies beside the others.
package migrate
