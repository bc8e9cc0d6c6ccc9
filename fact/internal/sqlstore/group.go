package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
)

// ErrReadOnly is returned by what would write to a store that is only read.
var ErrReadOnly = errors.New("the store is opened for reading only")

// errInProjector is returned by what a projector must not call.
var errInProjector = errors.New("this cannot be done inside a projector of the store: leave it to AfterCommit")

// group is the units of work that share a transaction.
//
// The first one opens it and starts a committer, which gets in line for the lock
// of the units at once. So the group takes in those who are in line already, and
// everybody who comes later waits for the next. All of its fields but the last
// two are guarded by the lock of the units.
type group struct {
	tx        *sql.Tx
	position  int64 // of the last event added
	pending   []Row // added, and not inserted yet
	published []publishing
	broken    error // the transaction is of no use any more

	done chan struct{} // closed once it is committed or has failed
	err  error         // why it failed; set before done
}

// publishing is what one unit of work hands to the publishers.
type publishing struct {
	ctx    context.Context
	events []eventlog.Event
}

// head is what is known of a stream.
type head struct {
	id   int64 // 0: it is not in the table yet
	last int64 // sequence, with what is added to the open group
}

// Row is an event as the table of events has it.
type Row struct {
	Position, StreamID int64
	eventlog.Event
}

// open returns the open group, or opens one.
func (s *Store) open(ctx context.Context) (*group, error) {
	switch {
	case s.closed:
		return nil, eventlog.ErrClosed
	case s.write == nil:
		return nil, ErrReadOnly
	case s.group != nil:
		return s.group, s.group.broken
	}
	// The transaction outlives this call, and others share it.
	tx, err := s.write.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, s.explain(err)
	}
	g := &group{tx: tx, done: make(chan struct{})}
	if err := tx.QueryRowContext(ctx, s.dialect.LockLog).Scan(&g.position); err != nil {
		return nil, s.explain(errors.Join(err, tx.Rollback()))
	}
	if g.position != s.headsAt || len(s.heads) > maxHeads {
		s.heads = make(map[string]head)
	}
	s.group = g
	s.committers.Go(func() { s.commit(g) })
	return g, nil
}

// maxHeads bounds how many streams are remembered from one group to the next.
const maxHeads = 100_000

// last returns the last sequence of the stream, with what is in the open group.
func (s *Store) last(ctx context.Context, stream string) (int64, error) {
	g, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	h, err := s.head(g, stream)
	return h.last, err
}

func (s *Store) head(g *group, stream string) (head, error) {
	h, known := s.heads[stream]
	if known {
		return h, nil
	}
	err := g.tx.QueryRow("SELECT id, last FROM streams WHERE name = $1", stream).Scan(&h.id, &h.last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return h, g.breaks(s.explain(err))
	}
	s.heads[stream] = h
	return h, nil
}

// breaks notes that the transaction is of no use any more.
func (g *group) breaks(err error) error {
	if err != nil && g.broken == nil {
		g.broken = fmt.Errorf("the transaction that it shares failed: %w", err)
	}
	return err
}

// add takes the events of a unit of work into the group.
func (g *group) add(ctx context.Context, s *Store, events []eventlog.Event) {
	g.stage(s, events)
	g.published = append(g.published, publishing{ctx, events})
}

// stage gives the events their positions. Their sequences are assigned.
func (g *group) stage(s *Store, events []eventlog.Event) {
	for _, e := range events {
		h := s.heads[e.Stream]
		h.last = e.Sequence
		s.heads[e.Stream] = h
		g.position++
		g.pending = append(g.pending, Row{Position: g.position, Event: e})
	}
}

// flush inserts what is pending in the group.
func (s *Store) flush(ctx context.Context, g *group) error {
	if g.broken != nil || len(g.pending) == 0 {
		return g.broken
	}
	// An ended ctx would break the transaction for all.
	if err := s.insert(context.WithoutCancel(ctx), g); err != nil {
		return g.breaks(s.explain(err))
	}
	g.pending = g.pending[:0]
	return nil
}

func (s *Store) insert(ctx context.Context, g *group) error {
	counts := make(map[string]int64)
	for i := range g.pending {
		counts[g.pending[i].Stream]++
	}
	for stream, n := range counts {
		h := s.heads[stream]
		err := g.tx.QueryRowContext(ctx, `INSERT INTO streams (name, category, last, events) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET last = excluded.last, events = streams.events + excluded.events RETURNING id`,
			stream, eventlog.Category(stream), h.last, n).Scan(&h.id)
		if err != nil {
			return err
		}
		s.heads[stream] = h
	}
	for i := range g.pending {
		g.pending[i].StreamID = s.heads[g.pending[i].Stream].id
	}
	if err := s.dialect.Insert(ctx, g.tx, g.pending); err != nil {
		return err
	}
	_, err := g.tx.ExecContext(ctx, "UPDATE log SET position = $1", g.position)
	return err
}

// commit is the goroutine of the committer.
func (s *Store) commit(g *group) {
	var refused []publish.Refusals
	_ = s.units.Locked(context.Background(), func() error {
		s.group = nil
		if g.err = s.commitLocked(g); g.err != nil {
			s.headsAt = -1
			return nil
		}
		s.headsAt = g.position
		for _, p := range g.published {
			refused = append(refused, s.publishers.Add(p.ctx, p.events))
		}
		return nil
	})
	if g.err == nil {
		s.Woken()
	}
	close(g.done)
	for _, r := range refused {
		r.Report()
	}
}

func (s *Store) commitLocked(g *group) error {
	ctx := context.Background()
	err := s.flush(ctx, g)
	if err == nil && s.dialect.Committing != nil {
		err = s.dialect.Committing(ctx, g.tx)
	}
	if err != nil {
		_ = g.tx.Rollback() // the error that matters is there
		return err
	}
	return s.explain(g.tx.Commit())
}

// wait returns once the group is committed or has failed.
func (g *group) wait() error {
	<-g.done
	if g.err != nil {
		return fmt.Errorf("commit: %w", g.err)
	}
	return nil
}

// inGroup calls do with the open group, and returns once that is committed. An
// error of do that leaves the transaction as it was concerns nobody else.
func (s *Store) inGroup(ctx context.Context, do func(context.Context, *group) error) error {
	if in, err := s.InUnitOfWork(ctx); in || err != nil {
		return errors.Join(err, errInProjector)
	}
	var g *group
	err := s.units.Locked(ctx, func() (err error) {
		if g, err = s.open(ctx); err != nil {
			return err
		}
		if err := s.flush(ctx, g); err != nil {
			return err
		}
		return do(context.WithoutCancel(ctx), g)
	})
	if err != nil {
		return err
	}
	return g.wait()
}
