// Package sqlstore is what the event stores on SQL databases have in common: all
// but how the database is opened, made and kept. Appends are units of work of
// [unit], and units of many goroutines share a transaction.
package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/unit"
)

// Dialect is what differs between databases. Statements have parameters $1, $2...
type Dialect struct {
	// Name begins the errors of the store.
	Name string
	// LockLog is a query for the last position that keeps other writers away until
	// the transaction ends.
	LockLog string
	// OneOf is a condition that the column is one of the texts, and its parameter.
	OneOf func(column, parameter string, texts []string) (condition string, arg any)
	// Insert adds the rows to the table of events.
	Insert func(ctx context.Context, tx *sql.Tx, rows []Row) error
	// Millis is an expression for the database's time, in milliseconds since 1970.
	Millis string
	// Committing, if set, runs at the end of each transaction that appends.
	Committing func(ctx context.Context, tx *sql.Tx) error
	// Explain, if set, says more of an error of the database.
	Explain func(error) error
	// Poll is how often WaitLog looks for what other processes have committed. 0
	// means that Woken tells, or that there are none.
	Poll time.Duration
}

// Store is an event store on a database. It is safe for concurrent use.
type Store struct {
	dialect    Dialect
	write      *sql.DB // nil: the store is only read
	read       *sql.DB
	units      *unit.Runner
	publishers *publish.Set
	committers sync.WaitGroup

	// Guarded by the lock of units.
	group   *group
	heads   map[string]head // of streams, right at headsAt
	headsAt int64
	closed  bool

	mu        sync.Mutex
	committed chan struct{} // closed by the next commit; nil while nobody waits
}

var _ unit.CompleteStore = (*Store)(nil)

// New returns a store on databases that have its tables. It writes with write,
// which may be nil, and reads with read. Close does not close them.
func New(d Dialect, write, read *sql.DB, projectors []eventlog.Projector, publishing publish.Config) *Store {
	s := &Store{dialect: d, write: write, read: read, headsAt: -1, publishers: publish.NewSet(publishing)}
	s.units = unit.NewRunner(unit.Store{Last: s.last, Projectors: projectors})
	return s
}

// Append implements [eventlog.EventStore].
func (s *Store) Append(ctx context.Context, stream string, events []eventlog.Event) error {
	_, err := s.AppendReturning(ctx, stream, events)
	return err
}

// AppendReturning implements [eventlog.ReturningAppender]. Inside a projector, the
// returned events are not committed yet.
func (s *Store) AppendReturning(ctx context.Context, stream string, events []eventlog.Event) ([]eventlog.Event, error) {
	return s.append(ctx, unit.Call{Stream: stream, Events: events})
}

// AppendAt implements [eventlog.ConditionalAppender]. Inside a projector, the last
// sequence counts what the unit of work has so far.
func (s *Store) AppendAt(ctx context.Context, stream string, lastSequence int64, events []eventlog.Event) error {
	_, err := s.append(ctx, unit.Call{Stream: stream, Events: events, Check: unit.CheckLast(stream, lastSequence)})
	return err
}

// AppendOnce implements [eventlog.IdempotentAppender].
func (s *Store) AppendOnce(ctx context.Context, stream string, events []eventlog.Event) ([]eventlog.Event, error) {
	once := unit.Once{
		Stored: func(ctx context.Context, ids []string) ([]eventlog.Event, error) {
			return s.find(ctx, stream, ids)
		},
	}
	_, err := s.append(ctx, unit.Call{Stream: stream, Events: events, Pick: once.Pick})
	if err != nil || len(events) == 0 {
		return nil, err
	}
	return eventlog.CloneEvents(once.Result()), nil
}

// append does all forms of Append and returns copies of the stored events.
func (s *Store) append(ctx context.Context, call unit.Call) ([]eventlog.Event, error) {
	if len(call.Events) == 0 {
		return nil, nil
	}
	err := ctx.Err()
	if err == nil {
		call.Events, err = eventlog.AdoptEvents(call.Stream, call.Events)
	}
	if err == nil {
		err = s.appendAdopted(ctx, call)
	}
	if err != nil {
		return nil, fmt.Errorf("append to stream %q: %w", call.Stream, err)
	}
	return eventlog.CloneEvents(call.Events), nil
}

func (s *Store) appendAdopted(ctx context.Context, call unit.Call) error {
	var g *group
	u, err := s.units.Append(ctx, call, func(u *unit.Unit) (err error) {
		g, err = s.open(ctx)
		if err == nil {
			g.add(ctx, s, u.Events())
		}
		return err
	})
	if err != nil || u == nil {
		return err
	}
	if err := g.wait(); err != nil {
		return err
	}
	u.Committed()
	return nil
}

// Load implements [eventlog.EventStore].
func (s *Store) Load(ctx context.Context, stream string) ([]eventlog.Event, error) {
	return s.LoadFrom(ctx, stream, 0)
}

// LoadFrom implements [eventlog.EventStore].
func (s *Store) LoadFrom(ctx context.Context, stream string, fromSequence int64) ([]eventlog.Event, error) {
	return s.load(ctx, stream, fromSequence, math.MaxInt32)
}

// load returns at most n events, as the unit of work that ctx belongs to sees the
// stream.
func (s *Store) load(ctx context.Context, stream string, after int64, n int) (events []eventlog.Event, err error) {
	if err = eventlog.CheckStream(stream); err == nil {
		err = s.units.Inside(ctx, func(u *unit.Unit) error {
			if u == nil {
				events, err = loadEvents(ctx, s.read, stream, after, n)
				return err
			}
			if err = s.flush(ctx, s.group); err == nil {
				events, err = loadEvents(ctx, s.group.tx, stream, after, n)
			}
			for _, e := range u.Staged(stream) {
				if e.Sequence > after && len(events) < n {
					events = append(events, e.Clone())
				}
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("load stream %q: %w", stream, s.explain(err))
	}
	return events, nil
}

// InUnitOfWork implements [eventlog.UnitOfWorkStore].
func (s *Store) InUnitOfWork(ctx context.Context) (in bool, err error) {
	return s.units.In(ctx)
}

// AfterCommit implements [eventlog.UnitOfWorkStore].
func (s *Store) AfterCommit(ctx context.Context, do func()) (left bool, err error) {
	return s.units.AfterCommit(ctx, do)
}

// Flush implements [eventlog.Flusher].
func (s *Store) Flush(ctx context.Context) error { return s.publishers.Flush(ctx) }

// Close waits for the running unit of work and for the commits that have begun,
// and then for the publishers, as MemoryStore does. Appends fail with
// [eventlog.ErrClosed] from then on.
func (s *Store) Close(ctx context.Context) error {
	err := s.units.Locked(ctx, func() error {
		s.closed = true
		return nil
	})
	if err == nil {
		s.committers.Wait()
		err = s.publishers.Close(ctx)
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", s.dialect.Name, err)
	}
	return nil
}

// explain returns what the dialect has to say of an error.
func (s *Store) explain(err error) error {
	if err != nil && s.dialect.Explain != nil {
		return s.dialect.Explain(err)
	}
	return err
}
