package fact

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// MemoryStore is an [EventStore] that keeps its events in memory. It is meant
// for tests, examples and small services that can lose their log; nothing is
// written to disk. The zero value is not usable: call [NewMemoryStore].
//
// # Units of work
//
// An Append and everything that projectors do with the ctx they are given is
// one unit of work: it becomes visible all at once when the outermost Append
// returns nil, and not at all when that fails. A projector may append to the
// same stream, to other streams and to other MemoryStores, and Load what the
// unit of work has so far. Its own append sees its events behind those that
// are being appended. When a nested Append fails, its events are taken back at
// once; the projector may return the error, which undoes the rest, or go on.
//
// A projector's panic becomes a [*PanicError] that Append returns, wrapped with
// the name of the projector and the event. An append whose ctx has ended is
// never committed.
//
// # Concurrency
//
// All methods are safe for concurrent use. Load outside of projectors never
// waits for an Append; inside, the store stays as it was seen until the commit.
// Appends to one store are done one after the other. Units of work that start
// in stores with projectors are done one after the other across all stores of
// the process: so stores whose projectors append to each other cannot
// deadlock, and projectors are never called concurrently. The price is that a
// slow projector holds up the appends to all stores that have projectors. An
// append to a store without projectors waits only for units of work that use
// that store. Waiting ends with ctx, and is logged as a warning after ten
// seconds.
//
// Goroutines that a projector starts and waits for may use its ctx; their
// calls are done one after the other. (What they append is projected on their
// goroutine, while the projector that started them is still running.) Once the
// projector has returned, its ctx is an ordinary one again: an Append with it
// waits for the unit of work to end and starts another.
//
// A projector that appends or loads with another ctx, such as
// context.Background, stands outside of the unit of work: it does not see it,
// and what it appends stays even if the unit of work fails. Where that would
// wait for the projector itself, it fails with [ErrForeignContext] instead. If
// it does so on another goroutine and waits for that, only ctx can end the wait.
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
	publishing publisherSet

	entry *turn // held by a unit of work that started here, if it projects
	turn  *turn // held by the unit of work that writes here

	mu      sync.RWMutex
	closed  bool
	streams map[string][]Event // only appended to; events are never changed
}

var (
	_ EventStore          = (*MemoryStore)(nil)
	_ ReturningAppender   = (*MemoryStore)(nil)
	_ ConditionalAppender = (*MemoryStore)(nil)
	_ Flusher             = (*MemoryStore)(nil)
)

// Option changes a MemoryStore that is being made.
type Option func(*MemoryStore)

// WithProjector adds a projector. Projectors run in the order in which they
// were added. Nil is ignored.
func WithProjector(p Projector) Option {
	return func(s *MemoryStore) {
		if p != nil {
			s.projectors = append(s.projectors, p)
		}
	}
}

// WithPublisher adds a publisher. Nil is ignored.
func WithPublisher(p Publisher) Option {
	return func(s *MemoryStore) {
		if p != nil {
			s.publishing.publishers = append(s.publishing.publishers, p)
		}
	}
}

// WithPublishErrorHandler sets the function that is told what could not be
// published, besides slog: the error is a [*PublishError] that holds the
// events. It is called on the goroutine of a publisher or, when a queue is
// full, on that of Append after the commit; so it should be quick, and safe
// for concurrent use. A panic in it is logged.
func WithPublishErrorHandler(handler func(error)) Option {
	return func(s *MemoryStore) { s.publishing.onError = handler }
}

// WithPublishQueue sets how many events may wait for each publisher
// ([DefaultPublishQueue] by default; less than 1 is taken as 1). The queue
// costs no copies of the events. The events of one commit stay together, and
// are taken as a whole when nothing else is waiting. When they do not fit they
// are not published to that publisher, and reported as a [*PublishError] with
// [ErrQueueFull]. Append neither waits nor fails for that.
func WithPublishQueue(events int) Option {
	return func(s *MemoryStore) { s.publishing.limit = max(events, 1) }
}

// NewMemoryStore returns an empty store. It starts no goroutine.
func NewMemoryStore(opts ...Option) *MemoryStore {
	s := &MemoryStore{
		publishing: publisherSet{limit: DefaultPublishQueue},
		entry:      newTurn(),
		turn:       newTurn(),
		streams:    make(map[string][]Event),
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.publishing.start()
	return s
}

// Append implements [EventStore].
func (s *MemoryStore) Append(ctx context.Context, stream string, events []Event) error {
	_, err := s.append(ctx, appendCall{stream: stream, events: events})
	return err
}

// AppendReturning implements [ReturningAppender]. Inside a projector, the
// returned events are not committed yet.
func (s *MemoryStore) AppendReturning(ctx context.Context, stream string, events []Event) ([]Event, error) {
	stored, err := s.append(ctx, appendCall{stream: stream, events: events})
	if err != nil {
		return nil, err
	}
	return cloneEvents(stored), nil
}

// AppendAt implements [ConditionalAppender]. Inside a projector, the last
// sequence counts what the unit of work has so far.
func (s *MemoryStore) AppendAt(ctx context.Context, stream string, lastSequence int64, events []Event) error {
	_, err := s.append(ctx, appendCall{
		stream: stream, events: events, conditional: true, lastSequence: lastSequence,
	})
	return err
}

// append does all forms of Append and returns the stored events, which the
// caller must not give away without cloning them.
func (s *MemoryStore) append(ctx context.Context, call appendCall) ([]Event, error) {
	if len(call.events) == 0 {
		return nil, nil
	}
	err := checkCall(ctx, call.stream)
	if err == nil {
		call.events, err = adopt(call.stream, call.events)
	}
	if err == nil {
		err = s.appendAdopted(ctx, call)
	}
	if err != nil {
		return nil, appendError(call.stream, err)
	}
	return call.events, nil
}

// appendOwned appends events that the caller has made and checked, with all but
// Sequence assigned, and that nobody will change from now on: they become the
// store's without being copied. The returned ones are shared with it.
func (s *MemoryStore) appendOwned(ctx context.Context, stream string, events []Event) ([]Event, error) {
	err := checkCall(ctx, stream)
	if err == nil {
		err = s.appendAdopted(ctx, appendCall{stream: stream, events: events})
	}
	if err != nil {
		return nil, appendError(stream, err)
	}
	return events, nil
}

func (s *MemoryStore) appendAdopted(ctx context.Context, call appendCall) error {
	f, err := enterFrame(ctx)
	if err != nil {
		return err
	}
	if f != nil {
		defer f.turn.release()
		return f.unit.append(ctx, f, s, call)
	}
	refused, err := s.appendOutermost(ctx, call)
	report(refused) // nothing is locked any more
	return err
}

func (s *MemoryStore) appendOutermost(ctx context.Context, call appendCall) ([]refusal, error) {
	u, err := begin(ctx, s)
	if err != nil {
		return nil, err
	}
	defer u.end()
	if err := u.append(ctx, nil, s, call); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("not committed: %w", err)
	}
	return u.commit(), nil
}

// adopt returns copies of the events with everything but Sequence assigned.
func adopt(stream string, events []Event) ([]Event, error) {
	adopted := make([]Event, len(events))
	at := now()
	for i := range events {
		if err := events[i].check(); err != nil {
			return nil, fmt.Errorf("event %d of type %q: %w", i, events[i].Type, err)
		}
		e := events[i].clone()
		e.Stream = stream
		if e.ID == "" {
			e.ID = NewEventID()
		}
		if e.OccurredAt.IsZero() {
			e.OccurredAt = at
		}
		adopted[i] = e
	}
	return adopted, nil
}

// checkCall refuses what no call can do anything with.
func checkCall(ctx context.Context, stream string) error {
	if stream == "" {
		return errors.New("the name of the stream is empty")
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
	events, err := s.load(ctx, stream, fromSequence)
	if err != nil {
		return nil, fmt.Errorf("load stream %q: %w", stream, err)
	}
	return cloneEvents(events), nil
}

func (s *MemoryStore) load(ctx context.Context, stream string, after int64) ([]Event, error) {
	if err := checkCall(ctx, stream); err != nil {
		return nil, err
	}
	f, err := enterFrame(ctx)
	if err != nil {
		return nil, err
	}
	if f != nil {
		defer f.turn.release()
		return f.unit.load(ctx, f, s, stream, after)
	}
	return s.committed(stream, after), nil
}

// committed returns the stream's committed events after the given sequence.
// They are shared; only the slice's free capacity is the caller's.
func (s *MemoryStore) committed(stream string, after int64) []Event {
	s.mu.RLock()
	defer s.mu.RUnlock()
	events := s.streams[stream]
	// Sequences are 1, 2, 3..., so the events after n start at index n.
	first := min(max(after, 0), int64(len(events)))
	return events[first:len(events):len(events)]
}

// length returns the last committed sequence of the stream.
func (s *MemoryStore) length(stream string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.streams[stream]))
}

func (s *MemoryStore) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// inUnit reports whether an append with ctx would be part of a running unit of
// work.
func (s *MemoryStore) inUnit(ctx context.Context) (bool, error) {
	f, err := enterFrame(ctx)
	if f == nil {
		return false, err
	}
	f.turn.release()
	return true, nil
}

// afterCommit leaves do to the unit of work that ctx belongs to, to be called
// once that is committed. It returns false if there is none.
func (s *MemoryStore) afterCommit(ctx context.Context, do func() []refusal) (bool, error) {
	f, err := enterFrame(ctx)
	if f == nil {
		return false, err
	}
	defer f.turn.release()
	f.unit.after = append(f.unit.after, do)
	return true, nil
}

// Flush waits until everything that was committed before the call has been
// handed to the publishers, and they have returned. It returns the ctx's error
// when that ends first. It must not be called by a publisher or a projector.
func (s *MemoryStore) Flush(ctx context.Context) error {
	return s.publishing.flush(ctx)
}

// Close waits for the running unit of work and then for the publishers, as
// Flush does. Append fails with [ErrClosed] from then on; Load goes on working.
//
// When ctx ends first, Close cancels the ctx of the running calls of Publish,
// reports the events that are still waiting to the error handler, and returns
// an error that counts them. A second call does nothing more. A store without
// publishers, or one that has been flushed, need not be closed.
func (s *MemoryStore) Close(ctx context.Context) error {
	if err := s.turn.take(ctx, 0, false); err != nil {
		return fmt.Errorf("close memory store: %w", err)
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.turn.release()
	if err := s.publishing.close(ctx); err != nil {
		return fmt.Errorf("close memory store: %w", err)
	}
	return nil
}
