package facttest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

// hidden is a ctx whose values cannot be seen: the usual result of making a new
// ctx instead of using the given one.
type hidden struct{ context.Context }

func (hidden) Value(any) any { return nil }

// mapProjectors returns a store whose projectors are changed.
func mapProjectors(change func(fact.Projector) fact.Projector) func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		changed := make([]fact.Projector, len(w.Projectors))
		for i, p := range w.Projectors {
			changed[i] = change(p)
		}
		w.Projectors = changed
		return newRight(w)
	}
}

// mapPublishers returns a store whose publishers are changed.
func mapPublishers(change func(fact.Publisher) fact.Publisher) func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		changed := make([]fact.Publisher, len(w.Publishers))
		for i, p := range w.Publishers {
			changed[i] = change(p)
		}
		w.Publishers = changed
		return newRight(w)
	}
}

// newRight returns a store without faults.
func newRight(w Wiring) *fact.MemoryStore {
	opts := []fact.Option{fact.WithPublishErrorHandler(w.OnPublishError)}
	for _, p := range w.Projectors {
		opts = append(opts, fact.WithProjector(p))
	}
	for _, p := range w.Publishers {
		opts = append(opts, fact.WithPublisher(p))
	}
	return fact.NewMemoryStore(opts...)
}

// wrapped changes what a right store does on Append.
type wrapped struct {
	*fact.MemoryStore
	append func(ctx context.Context, stream string, events []fact.Event) error
}

func (w *wrapped) Append(ctx context.Context, stream string, events []fact.Event) error {
	return w.append(ctx, stream, events)
}

func wrap(change func(inner *fact.MemoryStore, w Wiring) func(context.Context, string, []fact.Event) error,
) func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		inner := newRight(w)
		return &wrapped{inner, change(inner, w)}
	}
}

// nestedKey marks the ctx of projectors in the stores below.
type nestedKey struct{}

func isNested(ctx context.Context) bool { return ctx.Value(nestedKey{}) != nil }

func markNested(p fact.Projector) fact.Projector {
	return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
		return p.Handle(context.WithValue(ctx, nestedKey{}, true), e)
	})
}

// eager stores events before it runs projectors, takes back its own events on
// an error, and then publishes at once: the first idea one has.
type eager struct {
	Wiring
	mu      sync.Mutex
	streams map[string][]fact.Event
}

func newEager(w Wiring) fact.EventStore {
	return &eager{Wiring: w, streams: make(map[string][]fact.Event)}
}

func (s *eager) Append(ctx context.Context, stream string, events []fact.Event) (err error) {
	s.mu.Lock()
	before := s.streams[stream]
	stored := copies(events)
	for i := range stored {
		stored[i].ID, stored[i].OccurredAt = fact.NewEventID(), time.Now().UTC()
		stored[i].Stream, stored[i].Sequence = stream, int64(len(before)+i)+1
	}
	s.streams[stream] = slices.Concat(before, stored)
	s.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err, _ = v.(error)
		}
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.streams[stream] = before
		}
	}()
	for _, e := range stored {
		for _, p := range s.Projectors {
			if err := p.Handle(ctx, copyOf(e)); err != nil {
				return err
			}
		}
	}
	for _, p := range s.Publishers {
		if err := p.Publish(ctx, copies(stored)); err != nil && s.OnPublishError != nil {
			s.OnPublishError(err)
		}
	}
	return nil
}

func (s *eager) Load(ctx context.Context, stream string) ([]fact.Event, error) {
	return s.LoadFrom(ctx, stream, 0)
}

func (s *eager) LoadFrom(_ context.Context, stream string, from int64) ([]fact.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copies(s.streams[stream][from:]), nil
}

// stale runs projectors before it stores the events, but with sequences and a
// stream from before: the second idea one has.
type stale struct{ eager }

func newStale(w Wiring) fact.EventStore {
	return &stale{eager{Wiring: w, streams: make(map[string][]fact.Event)}}
}

func (s *stale) Append(ctx context.Context, stream string, events []fact.Event) error {
	s.mu.Lock()
	before := s.streams[stream]
	s.mu.Unlock()
	stored := copies(events)
	for i := range stored {
		stored[i].Stream, stored[i].Sequence = stream, int64(len(before)+i)+1
		for _, p := range s.Projectors {
			if err := p.Handle(ctx, copyOf(stored[i])); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[stream] = slices.Concat(before, stored)
	return nil
}

// newLocked holds a lock for the whole append, which a nested one waits for.
func newLocked() func(Wiring) fact.EventStore {
	return wrap(func(inner *fact.MemoryStore, _ Wiring) func(context.Context, string, []fact.Event) error {
		lock := make(chan struct{}, 1)
		return func(ctx context.Context, stream string, events []fact.Event) error {
			select {
			case lock <- struct{}{}:
			case <-ctx.Done(): // so that the test can end
				return ctx.Err()
			}
			defer func() { <-lock }()
			return inner.Append(ctx, stream, events)
		}
	})
}
