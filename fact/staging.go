package fact

// streamKey names a stream of a store.
type streamKey struct {
	store  *MemoryStore
	stream string
}

type stagedEvent struct {
	key   streamKey
	event Event
}

// staging holds the events of a unit of work in the order of their appends.
type staging struct {
	entries []stagedEvent
	streams map[streamKey][]int // the places in entries of each stream's events
}

func (g *staging) add(key streamKey, e Event) {
	if g.streams == nil {
		g.streams = make(map[streamKey][]int, 1)
	}
	g.streams[key] = append(g.streams[key], len(g.entries))
	g.entries = append(g.entries, stagedEvent{key, e})
}

// length returns how many events of the stream are staged.
func (g *staging) length(key streamKey) int64 { return int64(len(g.streams[key])) }

// mark returns a point that rollback can return to.
func (g *staging) mark() int { return len(g.entries) }

// rollback forgets what was added since the mark.
func (g *staging) rollback(mark int) {
	for _, e := range g.entries[mark:] {
		places := g.streams[e.key]
		g.streams[e.key] = places[:len(places)-1]
	}
	clear(g.entries[mark:])
	g.entries = g.entries[:mark]
}

// appendAfter appends to events the stream's events after the given sequence.
func (g *staging) appendAfter(events []Event, key streamKey, after int64) []Event {
	for _, place := range g.streams[key] {
		if e := &g.entries[place].event; e.Sequence > after {
			events = append(events, *e)
		}
	}
	return events
}

// of returns the events of all streams of the store, in the order of their
// appends.
func (g *staging) of(s *MemoryStore) []Event {
	var events []Event
	for i := range g.entries {
		if g.entries[i].key.store == s {
			events = append(events, g.entries[i].event)
		}
	}
	return events
}
