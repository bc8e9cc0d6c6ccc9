package fact

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"
	"sync"
)

// memoryPage is how many events are copied at a time while ranging over a log.
const memoryPage = 256

// memoryLog is what a MemoryStore has committed. Entries are never changed, only
// taken out.
type memoryLog struct {
	mu        sync.RWMutex
	closed    bool
	position  int64    // of the last entry ever
	entries   []*Entry // of all streams, without the erased ones
	streams   map[string]*memoryStream
	consumers map[string]memoryConsumer
	committed chan struct{} // closed by the next commit; nil while nobody waits
}

// memoryStream is a stream that has been appended to.
type memoryStream struct {
	last     int64 // sequence of the last event ever
	entries  []*Entry
	byID     map[string]*Entry // made by the first AppendOnce
	snapshot Snapshot
}

// after returns the stream's entries after the sequence. The stream may be nil.
func (m *memoryStream) after(sequence int64) []*Entry {
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
func (l *memoryLog) add(events []Event) {
	for i := range events {
		e := &Entry{Position: l.position + 1, Event: events[i]}
		s := l.streams[e.Stream]
		if s == nil {
			s = new(memoryStream)
			l.streams[e.Stream] = s
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

// page returns copies of at most n of the stream's events after the sequence.
func (l *memoryLog) page(stream string, after int64, n int) []Event {
	l.mu.RLock()
	entries := l.streams[stream].after(after)
	entries = slices.Clone(entries[:min(len(entries), n)])
	l.mu.RUnlock()
	events := make([]Event, len(entries))
	for i, e := range entries {
		events[i] = e.clone()
	}
	return events
}

// stored returns the events of the stream that have one of the IDs. They are
// shared.
func (l *memoryLog) stored(stream string, ids []string) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[stream]
	if s == nil {
		return nil
	}
	if s.byID == nil {
		s.byID = make(map[string]*Entry, len(s.entries))
		for _, e := range slices.Backward(s.entries) { // the first of several stays
			s.byID[e.ID] = e
		}
	}
	var found []Event
	for _, id := range ids {
		if e := s.byID[id]; e != nil {
			found = append(found, e.Event)
		}
	}
	return found
}

// ReadLog implements [LogReader].
func (s *MemoryStore) ReadLog(ctx context.Context, category string, after int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			if err := ctx.Err(); err != nil {
				yield(Entry{}, fmt.Errorf("read log: %w", err))
				return
			}
			page := s.log.pageOfAll(after)
			if len(page) == 0 {
				return
			}
			after = page[len(page)-1].Position
			for _, e := range page {
				if category != "" && Category(e.Stream) != category {
					continue
				}
				if !yield(Entry{Position: e.Position, Event: e.clone()}, nil) {
					return
				}
			}
		}
	}
}

func (l *memoryLog) pageOfAll(after int64) []*Entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	first := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].Position > after })
	return slices.Clone(l.entries[first:min(first+memoryPage, len(l.entries))])
}

// LastPosition implements [LogReader].
func (s *MemoryStore) LastPosition(context.Context) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.position, nil
}

// WaitLog implements [LogReader].
func (s *MemoryStore) WaitLog(ctx context.Context, after int64) error {
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

// ReadStream implements [StreamReader].
func (s *MemoryStore) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			page, err := s.load(ctx, stream, after, memoryPage)
			if err != nil {
				yield(Event{}, err)
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

// Streams implements [StreamLister]. It holds the names of all streams.
func (s *MemoryStore) Streams(ctx context.Context, category string) iter.Seq2[StreamInfo, error] {
	return func(yield func(StreamInfo, error) bool) {
		s.log.mu.RLock()
		infos := make([]StreamInfo, 0, len(s.log.streams))
		for _, name := range slices.Sorted(maps.Keys(s.log.streams)) {
			if stream := s.log.streams[name]; len(stream.entries) > 0 && (category == "" || Category(name) == category) {
				infos = append(infos, StreamInfo{Name: name, Events: int64(len(stream.entries)), LastSequence: stream.last})
			}
		}
		s.log.mu.RUnlock()
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(StreamInfo{}, fmt.Errorf("list streams: %w", err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Erase implements [Eraser].
func (s *MemoryStore) Erase(ctx context.Context, positions ...int64) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("erase: %w", err)
	}
	erased := make(map[int64]bool, len(positions))
	for _, p := range positions {
		erased[p] = true
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.erase(func(e *Entry) bool { return erased[e.Position] }), nil
}

// DeleteStream implements [Eraser].
func (s *MemoryStore) DeleteStream(ctx context.Context, stream string) (int, error) {
	if err := checkCall(ctx, stream); err != nil {
		return 0, fmt.Errorf("delete stream %q: %w", stream, err)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.erase(func(e *Entry) bool { return e.Stream == stream }), nil
}

// erase takes out the entries, in one pass over the log. The caller holds the
// lock.
func (l *memoryLog) erase(which func(*Entry) bool) int {
	streams := make(map[string]bool)
	before := len(l.entries)
	l.entries = slices.DeleteFunc(l.entries, func(e *Entry) bool {
		if !which(e) {
			return false
		}
		streams[e.Stream] = true
		return true
	})
	for name := range streams {
		s := l.streams[name]
		s.entries = slices.DeleteFunc(s.entries, which)
		s.byID, s.snapshot = nil, Snapshot{}
	}
	return before - len(l.entries)
}

// ImportEvents implements [Importer].
func (s *MemoryStore) ImportEvents(ctx context.Context, events []Event) (added int, err error) {
	if events, err = AdoptImported(events); err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	err = s.units.Locked(ctx, func() error {
		s.log.mu.Lock()
		defer s.log.mu.Unlock()
		if s.log.closed {
			return ErrClosed
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
				return &ConflictError{Stream: e.Stream, Expected: e.Sequence - 1, Actual: last[e.Stream]}
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
