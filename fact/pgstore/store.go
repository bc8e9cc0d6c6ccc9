package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/sqlstore"
)

// ErrCorrupt is wrapped by errors that say that what is stored is not what was
// appended: an event does not have the checksum that it was written with.
var ErrCorrupt = sqlstore.ErrCorrupt

// DefaultSchema is the schema of the database that has the tables unless Config
// says otherwise.
const DefaultSchema = "factload"

// Config says which database, and what runs with the appends. Only DSN is needed.
type Config struct {
	// DSN is a URL or a keyword string, as libpq and pgx read them. What it leaves
	// out comes from the PG environment variables.
	DSN string
	// Schema is the schema of the tables, one for each log. "" stands for
	// DefaultSchema.
	Schema string
	// MaxConns bounds the connections, besides one that listens. 0 stands for 8.
	MaxConns int
	// Projectors run inside Append, in this order. Nil ones are ignored. Give all
	// processes the same.
	Projectors []eventlog.Projector
	// Publishers are handed what this process has committed. Nil ones are ignored.
	Publishers []eventlog.Publisher
	// OnPublishError is told what could not be published: see
	// [fact.WithPublishErrorHandler].
	OnPublishError func(error)
	// PublishQueue is how many events may wait for each publisher. 0 stands for
	// [eventlog.DefaultPublishQueue].
	PublishQueue int
}

// Store is an event store in a database: a [eventlog.EventStore] that has all optional
// interfaces of package fact, with ReadLog, WaitLog, ReadStream, Streams,
// AppendReturning, AppendAt, AppendOnce, ImportEvents, Erase, DeleteStream,
// Checkpoint, SaveCheckpoint, Lease, LoadSnapshot, SaveSnapshot, AfterCommit and
// Flush. What they promise is said there. An append that waits for its commit
// waits on when its ctx ends. It is safe for concurrent use. Close it.
type Store struct {
	*base
	schema    string
	db        *sql.DB
	listening sync.WaitGroup
	stop      context.CancelFunc // of the listener
}

// base has what stores on SQL databases have in common.
type base = sqlstore.Store

// Open connects to the database and makes the schema and its tables when they are
// not there. Several processes may do so at once.
func Open(ctx context.Context, c Config) (*Store, error) {
	config, err := pgx.ParseConfig(c.DSN) // its errors hide the password
	if err != nil {
		return nil, fmt.Errorf("open event store: %w", err)
	}
	s := &Store{schema: c.Schema}
	if s.schema == "" {
		s.schema = DefaultSchema
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{s.schema}.Sanitize()
	if c.MaxConns == 0 {
		c.MaxConns = 8
	}
	s.db = stdlib.OpenDB(*config)
	s.db.SetMaxOpenConns(c.MaxConns)
	s.db.SetMaxIdleConns(c.MaxConns)
	if err := createTables(ctx, s.db, s.schema); err != nil {
		return nil, fmt.Errorf("open event store in schema %q of %s:%d/%s: %w",
			s.schema, config.Host, config.Port, config.Database, errors.Join(err, s.db.Close()))
	}
	d := dialect
	d.Committing = func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT pg_notify($1, '')", channel(s.schema))
		return err
	}
	publishing := publish.Config{Publishers: c.Publishers, Limit: c.PublishQueue, OnError: c.OnPublishError}
	s.base = sqlstore.New(d, s.db, s.db, c.Projectors, publishing)
	listen, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.listening.Go(func() { s.listen(listen, config) })
	return s, nil
}

// While the connection that listens is down, WaitLog looks this often.
const relisten = time.Second

// listen wakes WaitLog whenever a process has committed, until ctx ends.
func (s *Store) listen(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		_ = s.listenOnce(ctx, config) // whatever it is: connect again
		select {
		case <-ctx.Done():
		case <-time.After(relisten):
			s.Woken()
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // there is nothing left to lose
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel(s.schema)}.Sanitize()); err != nil {
		return err
	}
	s.Woken() // of what was committed before
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		s.Woken()
	}
}

// Close waits for the running appends and then for the publishers, and closes the
// connections. When ctx ends first, what it has not waited for is reported, and
// the connections are closed all the same, except while appends are running: then
// call it again.
func (s *Store) Close(ctx context.Context) error {
	err := s.base.Close(ctx)
	if err != nil && ctx.Err() == nil {
		return err
	}
	s.stop()
	s.listening.Wait()
	return errors.Join(err, s.db.Close())
}

// Vacuum rewrites the tables without the rows that were erased. Appends and
// readers wait meanwhile.
func (s *Store) Vacuum(ctx context.Context) error {
	for _, table := range []string{"events", "streams"} {
		if _, err := s.db.ExecContext(ctx, "VACUUM (FULL) "+table); err != nil {
			return fmt.Errorf("vacuum event store: %w", err)
		}
	}
	return nil
}
