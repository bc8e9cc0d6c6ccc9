package memstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"
	"sync"

	"github.com/factload/factload/fact/eventlog"
)

// pageSize is how many events are copied at a time while ranging over a log.
const pageSize = 256

// storeLog is what a Store has committed. Entries are never changed, only
// taken out.
type storeLog struct {
	mu        sync.RWMutex
	closed    bool
	position  int64             // of the last entry ever
	entries   []*eventlog.Entry // of all streams, without the erased ones
	streams   map[string]*streamLog
	consumers map[string]consumer
	committed chan struct{} // closed by the next commit; nil while nobody waits
}

// streamLog is a stream that has been appended to.
type streamLog struct {
	last     int64 // sequence of the last event ever
	entries  []*eventlog.Entry
	byID     map[string]*eventlog.Entry // made by the first AppendOnce
	snapshot eventlog.Snapshot
}

// after returns the stream's entries after the sequence. The stream may be nil.
func (m *streamLog) after(sequence int64) []*eventlog.Entry {
	if m == nil {
		return nil
	}
	// Sequences are 1, 2, 3..., so the events after n start at n, unless some have
	// been erased.
	first := int(min(max(sequence, 0), m.last))
	if int64(len(m.entries)) != m.last {
		first = sort.Search(len(m.entries), func(i int) bool { return m.entries[i].Sequence > sequence })
	}
	return m.entries[first:]
}

// add puts the events at the end of the log. The caller holds the lock.
func (l *storeLog) add(events []eventlog.Event) {
	l.entries = slices.Grow(l.entries, len(events))
	var s *streamLog
	for i := range events {
		e := &eventlog.Entry{Position: l.position + 1, Event: events[i]}
		if i == 0 || e.Stream != events[i-1].Stream {
			s = l.stream(e.Stream)
		}
		s.entries = append(s.entries, e)
		s.last = e.Sequence
		if s.byID != nil && s.byID[e.ID] == nil {
			s.byID[e.ID] = e
		}
		l.entries = append(l.entries, e)
		l.position++
	}
	if l.committed != nil {
		close(l.committed)
		l.committed = nil
	}
}

// stream returns the stream, and makes it when it is new. The caller holds the lock.
func (l *storeLog) stream(name string) *streamLog {
	s := l.streams[name]
	if s == nil {
		s = new(streamLog)
		l.streams[name] = s
	}
	return s
}

// page returns copies of at most n of the stream's events after the sequence.
func (l *storeLog) page(stream string, after int64, n int) []eventlog.Event {
	l.mu.RLock()
	entries := l.streams[stream].after(after)
	entries = slices.Clone(entries[:min(len(entries), n)])
	l.mu.RUnlock()
	events := make([]eventlog.Event, len(entries))
	for i, e := range entries {
		events[i] = e.Clone()
	}
	return events
}

// stored returns the events of the stream that have one of the IDs. They are
// shared.
func (l *storeLog) stored(stream string, ids []string) []eventlog.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[stream]
	if s == nil {
		return nil
	}
	if s.byID == nil {
		s.byID = make(map[string]*eventlog.Entry, len(s.entries))
		for _, e := range slices.Backward(s.entries) { // the first of several stays
			s.byID[e.ID] = e
		}
	}
	var found []eventlog.Event
	for _, id := range ids {
		if e := s.byID[id]; e != nil {
			found = append(found, e.Event)
		}
	}
	return found
}

// ReadLog implements [eventlog.LogReader].
func (s *Store) ReadLog(ctx context.Context, category string, after int64) iter.Seq2[eventlog.Entry, error] {
	return func(yield func(eventlog.Entry, error) bool) {
		for {
			if err := ctx.Err(); err != nil {
				yield(eventlog.Entry{}, fmt.Errorf("read log: %w", err))
				return
			}
			page := s.log.pageOfAll(after)
			if len(page) == 0 {
				return
			}
			after = page[len(page)-1].Position
			for _, e := range page {
				if category != "" && eventlog.Category(e.Stream) != category {
					continue
				}
				if !yield(eventlog.Entry{Position: e.Position, Event: e.Clone()}, nil) {
					return
				}
			}
		}
	}
}

func (l *storeLog) pageOfAll(after int64) []*eventlog.Entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	first := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].Position > after })
	return slices.Clone(l.entries[first:min(first+pageSize, len(l.entries))])
}

// LastPosition implements [eventlog.LogReader].
func (s *Store) LastPosition(context.Context) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.position, nil
}

// WaitLog implements [eventlog.LogReader].
func (s *Store) WaitLog(ctx context.Context, after int64) error {
	for {
		s.log.mu.Lock()
		if s.log.position > after {
			s.log.mu.Unlock()
			return nil
		}
		if s.log.committed == nil {
			s.log.committed = make(chan struct{})
		}
		committed := s.log.committed
		s.log.mu.Unlock()
		select {
		case <-committed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ReadStream implements [eventlog.StreamReader].
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventlog.Event, error] {
	return func(yield func(eventlog.Event, error) bool) {
		for {
			page, err := s.load(ctx, stream, after, pageSize)
			if err != nil {
				yield(eventlog.Event{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Sequence
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

// Streams implements [eventlog.StreamLister]. It holds the names of all streams.
func (s *Store) Streams(ctx context.Context, category string) iter.Seq2[eventlog.StreamInfo, error] {
	return func(yield func(eventlog.StreamInfo, error) bool) {
		s.log.mu.RLock()
		infos := make([]eventlog.StreamInfo, 0, len(s.log.streams))
		for _, name := range slices.Sorted(maps.Keys(s.log.streams)) {
			if stream := s.log.streams[name]; len(stream.entries) > 0 && (category == "" || eventlog.Category(name) == category) {
				infos = append(infos, eventlog.StreamInfo{Name: name, Events: int64(len(stream.entries)), LastSequence: stream.last})
			}
		}
		s.log.mu.RUnlock()
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(eventlog.StreamInfo{}, fmt.Errorf("list streams: %w", err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Erase implements [eventlog.Eraser].
func (s *Store) Erase(ctx context.Context, positions ...int64) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("erase: %w", err)
	}
	erased := make(map[int64]bool, len(positions))
	for _, p := range positions {
		erased[p] = true
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.erase(func(e *eventlog.Entry) bool { return erased[e.Position] }), nil
}

// DeleteStream implements [eventlog.Eraser].
func (s *Store) DeleteStream(ctx context.Context, stream string) (int, error) {
	if err := checkCall(ctx, stream); err != nil {
		return 0, fmt.Errorf("delete stream %q: %w", stream, err)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.erase(func(e *eventlog.Entry) bool { return e.Stream == stream }), nil
}

// erase takes out the entries, in one pass over the log. The caller holds the
// lock.
func (l *storeLog) erase(which func(*eventlog.Entry) bool) int {
	streams := make(map[string]bool)
	before := len(l.entries)
	l.entries = slices.DeleteFunc(l.entries, func(e *eventlog.Entry) bool {
		if !which(e) {
			return false
		}
		streams[e.Stream] = true
		return true
	})
	for name := range streams {
		s := l.streams[name]
		s.entries = slices.DeleteFunc(s.entries, which)
		s.byID, s.snapshot = nil, eventlog.Snapshot{}
	}
	return before - len(l.entries)
}

// ImportEvents implements [eventlog.Importer].
func (s *Store) ImportEvents(ctx context.Context, events []eventlog.Event) (added int, err error) {
	if events, err = eventlog.AdoptImported(events); err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	err = s.units.Locked(ctx, func() error {
		s.log.mu.Lock()
		defer s.log.mu.Unlock()
		if s.log.closed {
			return eventlog.ErrClosed
		}
		fresh := events[:0]
		last := make(map[string]int64)
		for _, e := range events {
			stream := s.log.streams[e.Stream]
			if _, seen := last[e.Stream]; !seen && stream != nil {
				last[e.Stream] = stream.last
			}
			if e.Sequence > last[e.Stream] {
				fresh = append(fresh, e)
				last[e.Stream] = e.Sequence
				continue
			}
			if have := stream.after(e.Sequence - 1); len(have) == 0 || have[0].Sequence != e.Sequence || have[0].ID != e.ID {
				return &eventlog.ConflictError{Stream: e.Stream, Expected: e.Sequence - 1, Actual: last[e.Stream]}
			}
		}
		added = len(fresh)
		s.log.add(fresh)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	return added, nil
}
