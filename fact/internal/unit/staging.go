package unit

import (
	"slices"

	"github.com/factload/factload/fact/eventlog"
)

// staging holds the events of a unit of work in the order of their appends.
type staging struct {
	events  []eventlog.Event
	streams []string         // of each event
	counts  map[string]int64 // of the events of each stream
}

func (g *staging) add(stream string, events []eventlog.Event) {
	if g.counts == nil {
		g.counts = make(map[string]int64, 1)
	}
	g.counts[stream] += int64(len(events))
	g.events = append(g.events, events...)
	g.streams = append(g.streams, slices.Repeat([]string{stream}, len(events))...)
}

// rollback forgets all but the first events.
func (g *staging) rollback(first int) {
	for _, stream := range g.streams[first:] {
		g.counts[stream]--
	}
	clear(g.events[first:])
	g.events, g.streams = g.events[:first], g.streams[:first]
}

// Staged returns the events of the stream, in order.
func (g *staging) Staged(stream string) []eventlog.Event {
	events := make([]eventlog.Event, 0, g.counts[stream])
	for i := range g.events {
		if g.streams[i] == stream {
			events = append(events, g.events[i])
		}
	}
	return events
}

// Events returns all events, in the order of their appends. They are the unit's.
func (g *staging) Events() []eventlog.Event { return g.events }
