package fact

import (
	"context"
	"fmt"
	"math"

	"github.com/factload/factload/fact/internal/publish"
	"github.com/factload/factload/fact/internal/unit"
)

// MemoryStore is an [EventStore] that keeps its events in memory. It is meant
// for tests, examples and small services that can lose their log; nothing is
// written to disk. The zero value is not usable: call [NewMemoryStore].
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
// A projector's panic becomes a [*PanicError] that Append returns, wrapped with
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
type MemoryStore struct {
	projectors []Projector
	publishing publishing
	publishers *publish.Set[Event]
	units      *unit.Runner[Event]
	log        memoryLog
}

var (
	_ EventStore          = (*MemoryStore)(nil)
	_ ReturningAppender   = (*MemoryStore)(nil)
	_ ConditionalAppender = (*MemoryStore)(nil)
	_ IdempotentAppender  = (*MemoryStore)(nil)
	_ UnitOfWorkStore     = (*MemoryStore)(nil)
	_ LogReader           = (*MemoryStore)(nil)
	_ StreamReader        = (*MemoryStore)(nil)
	_ StreamLister        = (*MemoryStore)(nil)
	_ Eraser              = (*MemoryStore)(nil)
	_ Importer            = (*MemoryStore)(nil)
	_ Checkpointer        = (*MemoryStore)(nil)
	_ Snapshotter         = (*MemoryStore)(nil)
	_ Flusher             = (*MemoryStore)(nil)
)

// NewMemoryStore returns an empty store. It starts no goroutine.
func NewMemoryStore(opts ...Option) *MemoryStore {
	s := &MemoryStore{
		publishing: publishing{limit: DefaultPublishQueue},
		log:        memoryLog{streams: make(map[string]*memoryStream), consumers: make(map[string]memoryConsumer)},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.publishers = s.publishing.start()
	s.units = unit.NewRunner(unit.Store[Event]{
		Last:       s.last,
		Number:     func(e *Event, sequence int64) { e.Sequence = sequence },
		Projectors: projectorFuncs(s.projectors),
	})
	return s
}

// projectorFuncs returns functions that call the projectors with copies.
func projectorFuncs(projectors []Projector) []func(context.Context, *Event) error {
	funcs := make([]func(context.Context, *Event) error, len(projectors))
	for i, p := range projectors {
		funcs[i] = func(ctx context.Context, e *Event) error { return callProjector(ctx, p, e.clone()) }
	}
	return funcs
}

// Append implements [EventStore].
func (s *MemoryStore) Append(ctx context.Context, stream string, events []Event) error {
	_, err := s.append(ctx, unit.Call[Event]{Stream: stream, Events: events})
	return err
}

// AppendReturning implements [ReturningAppender]. Inside a projector, the
// returned events are not committed yet.
func (s *MemoryStore) AppendReturning(ctx context.Context, stream string, events []Event) ([]Event, error) {
	stored, err := s.append(ctx, unit.Call[Event]{Stream: stream, Events: events})
	if err != nil {
		return nil, err
	}
	return cloneEvents(stored), nil
}

// AppendAt implements [ConditionalAppender]. Inside a projector, the last
// sequence counts what the unit of work has so far.
func (s *MemoryStore) AppendAt(ctx context.Context, stream string, lastSequence int64, events []Event) error {
	check := func(last int64) error {
		if last != lastSequence {
			return &ConflictError{Stream: stream, Expected: lastSequence, Actual: last}
		}
		return nil
	}
	_, err := s.append(ctx, unit.Call[Event]{Stream: stream, Events: events, Check: check})
	return err
}

// AppendOnce implements [IdempotentAppender].
func (s *MemoryStore) AppendOnce(ctx context.Context, stream string, events []Event) ([]Event, error) {
	once := unit.Once[Event]{
		ID: func(e *Event) string { return e.ID },
		Stored: func(_ context.Context, ids []string) ([]Event, error) {
			return s.log.stored(stream, ids), nil
		},
	}
	if _, err := s.append(ctx, unit.Call[Event]{Stream: stream, Events: events, Pick: once.Pick}); err != nil {
		return nil, err
	}
	return cloneEvents(once.Result()), nil
}

// append does all forms of Append and returns the stored events, which the
// caller must not give away without cloning them.
func (s *MemoryStore) append(ctx context.Context, call unit.Call[Event]) ([]Event, error) {
	if len(call.Events) == 0 {
		return nil, nil
	}
	err := checkCall(ctx, call.Stream)
	if err == nil {
		call.Events, err = AdoptEvents(call.Stream, call.Events)
	}
	if err == nil {
		err = s.appendAdopted(ctx, call)
	}
	if err != nil {
		return nil, appendError(call.Stream, err)
	}
	return call.Events, nil
}

// appendOwned appends events that the caller has made and checked, with all but
// Sequence assigned, and that nobody will change from now on: they become the
// store's without being copied. The returned ones are shared with it.
func (s *MemoryStore) appendOwned(ctx context.Context, stream string, events []Event) ([]Event, error) {
	err := checkCall(ctx, stream)
	if err == nil {
		err = s.appendAdopted(ctx, unit.Call[Event]{Stream: stream, Events: events})
	}
	if err != nil {
		return nil, appendError(stream, err)
	}
	return events, nil
}

func (s *MemoryStore) appendAdopted(ctx context.Context, call unit.Call[Event]) error {
	var refused publish.Refusals[Event]
	u, err := s.units.Append(ctx, call, func(u *unit.Unit[Event]) (err error) {
		refused, err = s.commit(ctx, u.Events())
		return err
	})
	if u != nil { // and nothing is locked any more
		refused.Report()
		u.Committed()
	}
	return err
}

// commit makes the events of a unit of work visible at once, and hands them to
// the publishers. It returns what those refused.
func (s *MemoryStore) commit(ctx context.Context, events []Event) (publish.Refusals[Event], error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.add(events)
	return s.publishers.Add(ctx, events), nil
}

// checkCall refuses what no call can do anything with.
func checkCall(ctx context.Context, stream string) error {
	if err := checkStream(stream); err != nil {
		return err
	}
	return ctx.Err()
}

func appendError(stream string, err error) error {
	return fmt.Errorf("append to stream %q: %w", stream, err)
}

// Load implements [EventStore].
func (s *MemoryStore) Load(ctx context.Context, stream string) ([]Event, error) {
	return s.LoadFrom(ctx, stream, 0)
}

// LoadFrom implements [EventStore].
func (s *MemoryStore) LoadFrom(ctx context.Context, stream string, fromSequence int64) ([]Event, error) {
	return s.load(ctx, stream, fromSequence, math.MaxInt)
}

// load returns copies of at most n events, as the unit of work that ctx belongs
// to sees the stream.
func (s *MemoryStore) load(ctx context.Context, stream string, after int64, n int) (events []Event, err error) {
	err = checkCall(ctx, stream)
	if err == nil {
		err = s.units.Inside(ctx, func(u *unit.Unit[Event]) error {
			events = s.log.page(stream, after, n)
			if u == nil {
				return nil
			}
			for _, e := range u.Staged(stream) {
				if e.Sequence > after && len(events) < n {
					events = append(events, e.clone())
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
func (s *MemoryStore) last(_ context.Context, stream string) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	if s.log.closed {
		return 0, fmt.Errorf("memory store: %w", ErrClosed)
	}
	if kept := s.log.streams[stream]; kept != nil {
		return kept.last, nil
	}
	return 0, nil
}

// InUnitOfWork implements [UnitOfWorkStore].
func (s *MemoryStore) InUnitOfWork(ctx context.Context) (in bool, err error) {
	err = s.units.Inside(ctx, func(u *unit.Unit[Event]) error {
		in = u != nil
		return nil
	})
	return in, err
}

// AfterCommit implements [UnitOfWorkStore].
func (s *MemoryStore) AfterCommit(ctx context.Context, do func()) (left bool, err error) {
	err = s.units.Inside(ctx, func(u *unit.Unit[Event]) error {
		if left = u != nil; left {
			u.AfterCommit(do)
		}
		return nil
	})
	return left, err
}

// Flush waits until everything that was committed before the call has been
// handed to the publishers, and they have returned. It returns the ctx's error
// when that ends first. It must not be called by a publisher or a projector.
func (s *MemoryStore) Flush(ctx context.Context) error {
	return s.publishers.Flush(ctx)
}

// Close waits for the running unit of work and then for the publishers, as
// Flush does. Append fails with [ErrClosed] from then on; Load goes on working.
//
// When ctx ends first, Close cancels the ctx of the running calls of Publish,
// reports the events that are still waiting to the error handler, and returns
// an error that counts them. A second call does nothing more. A store without
// publishers, or one that has been flushed, need not be closed.
func (s *MemoryStore) Close(ctx context.Context) error {
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
