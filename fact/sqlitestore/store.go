package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"modernc.org/sqlite" // the driver
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/sqlstore"
)

// ErrCorrupt is wrapped by errors that say that the file is damaged. What to do:
// copy the file away with its -wal file, and restore a backup.
var ErrCorrupt = sqlstore.ErrCorrupt

// ErrReadOnly is returned by everything that would write to a Store that was
// opened with Config.ReadOnly.
var ErrReadOnly = sqlstore.ErrReadOnly

// Config says which file, and what runs with its appends. Only Path is needed.
type Config struct {
	// Path is the file. It is created when it is not there, unless ReadOnly. SQLite
	// keeps files beside it, with -wal and -shm behind the name, and the lock of the
	// writer is a file with -lock.
	Path string
	// ReadOnly opens the file beside the process that writes to it.
	ReadOnly bool
	// Projectors run inside Append, in this order. Nil ones are ignored.
	Projectors []eventlog.Projector
	// Publishers are handed what was committed. Nil ones are ignored.
	Publishers []eventlog.Publisher
	// OnPublishError is told what could not be published: see
	// [fact.WithPublishErrorHandler].
	OnPublishError func(error)
	// PublishQueue is how many events may wait for each publisher. 0 stands for
	// [eventlog.DefaultPublishQueue].
	PublishQueue int
}

// Store is an event store in a file: a [eventlog.EventStore] that has all optional
// interfaces of package fact, with ReadLog, WaitLog, ReadStream, Streams,
// AppendReturning, AppendAt, AppendOnce, ImportEvents, Erase, DeleteStream,
// Checkpoint, SaveCheckpoint, Lease, LoadSnapshot, SaveSnapshot, AfterCommit and
// Flush. What they promise is said there. An append that waits for its commit
// waits on when its ctx ends. It is safe for concurrent use. Close it.
type Store struct {
	*base
	path        string
	write, read *sql.DB
	lock        *os.File // nil: read only
}

// base has what stores on SQL databases have in common.
type base = sqlstore.Store

// Open opens the file, and makes it when it is not there.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{path: c.Path}
	if err := s.open(ctx, c); err != nil {
		return nil, fmt.Errorf("open event store %s: %w", c.Path, errors.Join(explain(err), s.release()))
	}
	d := dialect
	if c.ReadOnly {
		d.Poll = readerPoll
	}
	publishing := publish.Config{Publishers: c.Publishers, Limit: c.PublishQueue, OnError: c.OnPublishError}
	s.base = sqlstore.New(d, s.write, s.read, c.Projectors, publishing)
	return s, nil
}

// readerPoll is how often a reader looks for what the writer has committed.
const readerPoll = 50 * time.Millisecond

func (s *Store) open(ctx context.Context, c Config) (err error) {
	if c.Path == "" {
		return errors.New("config has no path")
	}
	if c.ReadOnly {
		if _, err := os.Stat(c.Path); err != nil {
			return err
		}
	} else if err := s.openWriter(ctx); err != nil {
		return err
	}
	// "ro" would keep readers from joining the WAL of a writer that has died.
	if s.read, err = openDB(c.Path, "rw"); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	s.read.SetMaxIdleConns(max(4, runtime.GOMAXPROCS(0)))
	return checkFormat(ctx, s.read)
}

func (s *Store) openWriter(ctx context.Context) (err error) {
	if s.lock, err = lockFile(s.path + "-lock"); err != nil {
		return err
	}
	if s.write, err = openDB(s.path, "rwc", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := createTables(ctx, s.write); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// openDB returns connections to the file with the pragmas.
func openDB(path, mode string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)"}}
	query["_pragma"] = append(query["_pragma"], pragmas...)
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file := url.URL{Scheme: "file", Path: absolute, RawQuery: query.Encode()}
	return sql.Open("sqlite", file.String())
}

// syncDir makes a new file's name survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close waits for the running appends and then for the publishers, and closes the
// file. When ctx ends first, what it has not waited for is reported, and the file
// is closed all the same, except while appends are running: then call it again.
func (s *Store) Close(ctx context.Context) error {
	err := s.base.Close(ctx)
	if err != nil && ctx.Err() == nil {
		return err
	}
	return errors.Join(err, s.release())
}

func (s *Store) release() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} { // the last one tidies up the WAL
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// explain makes ErrCorrupt of what SQLite says about damage.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
