// Package memstore has an event store in memory, which is also what the contract of
// an event store means where its words leave a doubt.
package memstore

import (
	"context"
	"fmt"
	"math"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/unit"
)

// Store is an [eventlog.EventStore] that keeps its events in memory. It is meant
// for tests, examples and small services that can lose their log; nothing is
// written to disk. The zero value is not usable: call [New].
//
// # Units of work
//
// An Append and everything that projectors append to the same store with the
// ctx they are given is one unit of work: it becomes visible all at once when
// the outermost Append returns nil, and not at all when that fails. A projector
// may append to the same stream and to other streams, and Load what the unit of
// work has so far. Its own append sees its events behind those that are being
// appended. When a nested Append fails, its events are taken back at once; the
// projector may return the error, which undoes the rest, or go on.
//
// A unit of work is of one store. What a projector appends to another store is
// that store's own: it is committed when that Append returns, and stays
// whatever becomes of the projector's unit of work.
//
// A projector's panic becomes a [*eventlog.PanicError] that Append returns, wrapped with
// the name of the projector and the event. An append whose ctx has ended is
// never committed.
//
// # Concurrency
//
// All methods are safe for concurrent use. Appends to a store are done one
// after the other, so its projectors are never called concurrently, and a slow
// one holds up the appends to its store. Load outside of projectors never waits
// for an Append; inside, the store stays as it was seen until the commit.
// Waiting ends with ctx, and is logged as a warning after ten seconds.
//
// Goroutines that a projector starts and waits for may use its ctx; their
// calls are done one after the other. (What they append is projected on their
// goroutine, while the projector that started them is still running.) Once the
// projector has returned, its ctx is an ordinary one again: an Append with it
// waits for the unit of work to end and starts another.
//
// A projector has to use the ctx of its own call for its own store. With another
// one, such as context.Background, Load sees what is committed, and an Append
// waits for the running unit of work, that is for the projector itself, until
// its ctx ends. So do projectors of two stores that append to each other's store
// at the same time: feed one of the two by a Publisher.
//
// # Publishing
//
// After the commit, the publishers of each store are given the events that
// were committed to that store: one call of Publish for each outermost Append,
// in the order of the commits. Every publisher has a queue and, while that is
// not empty, one goroutine, so publishers neither hold up appends nor each
// other. See [WithPublishQueue] for the limit of the queue, and Flush and Close
// for waiting.
type Store struct {
	projectors []eventlog.Projector
	publishing publish.Config
	publishers *publish.Set
	units      *unit.Runner
	log        storeLog
}

var _ unit.CompleteStore = (*Store)(nil)

// New returns an empty store. It starts no goroutine.
func New(opts ...Option) *Store {
	s := &Store{log: storeLog{streams: make(map[string]*streamLog), consumers: make(map[string]consumer)}}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.publishers = publish.NewSet(s.publishing)
	s.units = unit.NewRunner(unit.Store{Last: s.last, Projectors: s.projectors})
	return s
}

// Load implements [eventlog.EventStore].
func (s *Store) Load(ctx context.Context, stream string) ([]eventlog.Event, error) {
	return s.LoadFrom(ctx, stream, 0)
}

// LoadFrom implements [eventlog.EventStore].
func (s *Store) LoadFrom(ctx context.Context, stream string, fromSequence int64) ([]eventlog.Event, error) {
	return s.load(ctx, stream, fromSequence, math.MaxInt)
}

// load returns copies of at most n events, as the unit of work that ctx belongs
// to sees the stream.
func (s *Store) load(ctx context.Context, stream string, after int64, n int) (events []eventlog.Event, err error) {
	err = checkCall(ctx, stream)
	if err == nil {
		err = s.units.Inside(ctx, func(u *unit.Unit) error {
			events = s.log.page(stream, after, n)
			if u == nil {
				return nil
			}
			for _, e := range u.Staged(stream) {
				if e.Sequence > after && len(events) < n {
					events = append(events, e.Clone())
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("load stream %q: %w", stream, err)
	}
	return events, nil
}

// last returns the last committed sequence of the stream.
func (s *Store) last(_ context.Context, stream string) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	if s.log.closed {
		return 0, fmt.Errorf("memory store: %w", eventlog.ErrClosed)
	}
	if kept := s.log.streams[stream]; kept != nil {
		return kept.last, nil
	}
	return 0, nil
}

// InUnitOfWork implements [eventlog.UnitOfWorkStore].
func (s *Store) InUnitOfWork(ctx context.Context) (in bool, err error) {
	return s.units.In(ctx)
}

// AfterCommit implements [eventlog.UnitOfWorkStore].
func (s *Store) AfterCommit(ctx context.Context, do func()) (left bool, err error) {
	return s.units.AfterCommit(ctx, do)
}

// Flush waits until everything that was committed before the call has been
// handed to the publishers, and they have returned. It returns the ctx's error
// when that ends first. It must not be called by a publisher or a projector.
func (s *Store) Flush(ctx context.Context) error {
	return s.publishers.Flush(ctx)
}

// Close waits for the running unit of work and then for the publishers, as
// Flush does. Append fails with [eventlog.ErrClosed] from then on; Load goes on working.
//
// When ctx ends first, Close cancels the ctx of the running calls of Publish,
// reports the events that are still waiting to the error handler, and returns
// an error that counts them. A second call does nothing more. A store without
// publishers, or one that has been flushed, need not be closed.
func (s *Store) Close(ctx context.Context) error {
	if err := s.units.Locked(ctx, func() error {
		s.log.mu.Lock()
		defer s.log.mu.Unlock()
		s.log.closed = true
		return nil
	}); err != nil {
		return fmt.Errorf("close memory store: %w", err)
	}
	if err := s.publishers.Close(ctx); err != nil {
		return fmt.Errorf("close memory store: %w", err)
	}
	return nil
}
