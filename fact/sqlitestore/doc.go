// Package sqlitestore is an event store in one SQLite file. It needs neither a
// server nor a C compiler.
//
// An append that has returned nil is on the disk: the file is in WAL mode, and
// the log is synced (synchronous=FULL) before any append of a commit is
// acknowledged. Appends of many goroutines share a commit, and so a sync. After a
// crash, of the process or of the machine, the file has each acknowledged append
// and no half of another.
//
// One [Store] at a time writes to a file, of whatever process; another one gets an
// [*InUseError]. Any number of processes may read it meanwhile, by
// Config.ReadOnly. The file must be on a local disk: locks and shared memory of
// network file systems are not to be trusted.
//
// [Store] implements all optional interfaces of package fact, and runs projectors
// and publishers as [eventlog.MemoryStore] does. Each event carries a checksum that is
// verified whenever it is read; what does not match is an error that wraps
// [ErrCorrupt], and so is what SQLite finds wrong. [Store.Check] looks at all of
// the file.
//
// Erased events are overwritten with zeros in the file. Copies of their pages may
// stay in its WAL until [Store.Vacuum].
package sqlitestore
