// Package embedded starts a real ClickHouse engine on this machine, without an installation and without a container.
//
// The engine is libchdb, ClickHouse built as a shared library. [Start] runs it in a child process that serves
// ClickHouse's native and HTTP protocols on loopback, under a random password, with its data in a directory of the
// caller's choice. Any ClickHouse client can then connect by [Server.DSN] or [Server.HTTPDSN].
//
// # The child process
//
// The child is the calling program itself, executed once more. The package's init function sees a private mark in the
// environment, takes over and never returns, so neither the program's main function nor its flags are involved, and
// there is no hook that a user of this package could forget. Package init functions that Go happens to run earlier do
// run in the child too; they should not have side effects. The mark is only believed together with a handshake on
// inherited pipes, and a marked process never reaches main: it cannot start engines of its own.
//
// The child of [Start] never outlives its parent. The kernel kills it when the parent dies (on Linux), and it kills itself when
// the pipe from the parent closes, however the parent ended. The engine runs in a process group of its own, so Ctrl-C
// in a terminal reaches the parent alone, which then decides when to call [Server.Stop].
//
// A program that imports this package needs the system's C library at run time (glibc, where libchdb comes from the
// npm package), although it is built without cgo.
//
// # The data directory
//
// One engine at a time may use a data directory. A lock, held by the engine process itself, makes sure of it; a second
// Start gets an error that is [ErrInUse]. [Join] uses the engine that is there, or starts one that ends with the last
// program that has joined it. The directory holds:
//
//	data/        ClickHouse's own files: the databases and tables
//	log/         the engine's log, bounded in size: what went wrong in the background, and not statements that failed
//	run/         what the running engine needs: its private configuration, and dsn, a file with the two DSNs of the
//	             running engine (mode 0600)
//	engine.lock  the lock
//	uses.lock    locked by those who have joined
//
// What the engine has acknowledged survives the death of the engine and of the parent. As usual with ClickHouse,
// acknowledged rows are handed to the operating system but not forced to the disk: a power failure may lose the last
// seconds.
//
// # Access
//
// The engine has one user, and those that Config.Users names beside it. Passwords are only kept as hashes in
// the engine's configuration, and that of the first one in the file dsn.
// Clients without credentials, or with wrong ones, are refused at login, from the first moment on: the ports are opened
// when the database is there. Clients that connect and do not log in are dropped after ten seconds, so that they cannot
// use up the engine's 4,096 connections (on Linux).
//
// The user may do everything inside the engine (databases, tables, system tables, KILL QUERY, SYSTEM commands). The ways
// out of it are closed twice. Grants close those that ClickHouse has grants for: files (file, the engine File), the
// network (url, s3, mysql, remote, ...), dictionaries created by SQL, whose sources run commands, and views with the
// rights of nobody or of another user. On Linux the kernel closes the rest, such as a disk of a table's own or a backup
// to S3: the engine process can use its data, its log and Config.Backups, and read what any program reads of the system
// (Landlock); it can run no program and, unless Config.Remote allows it, connect to nothing (seccomp). Where a kernel has
// only a part of that, the engine runs with that part, and [Server.Sandbox] and the Logger say what is missing.
//
// Directories below data/ that are links to other places of the machine are therefore not followed out of it.
//
// The data directory must belong to the user that runs the engine, or to root, and not be writable for everybody.
//
// # Differences from a ClickHouse server
//
// The engine is the one of clickhouse-local. There is no ON CLUSTER, and no system log tables (system.query_log and the
// like). An insert with async_insert is done at once. The database "default" is not a place for tables; use your own.
package embedded
