package unit

import (
	"slices"

	"github.com/factload/factload/fact/eventlog"
)

// staging holds the events of a unit of work in the order of their appends.
type staging struct {
	events []eventlog.Event
	counts map[string]int64 // of the events of each stream
}

// add takes the events, which are all of the stream and nobody else's any more.
func (g *staging) add(stream string, events []eventlog.Event) {
	if g.counts == nil {
		g.counts = make(map[string]int64, 1)
	}
	g.counts[stream] += int64(len(events))
	if g.events == nil {
		g.events = slices.Clip(events) // most units of work are one append
		return
	}
	g.events = append(g.events, events...)
}

// rollback forgets all but the first events.
func (g *staging) rollback(first int) {
	for i := range g.events[first:] {
		g.counts[g.events[first+i].Stream]--
	}
	g.events = slices.Clip(g.events[:first])
}

// Staged returns the events of the stream, in order.
func (g *staging) Staged(stream string) []eventlog.Event {
	events := make([]eventlog.Event, 0, g.counts[stream])
	for i := range g.events {
		if g.events[i].Stream == stream {
			events = append(events, g.events[i])
		}
	}
	return events
}

// Events returns all events, in the order of their appends. They are the unit's.
func (g *staging) Events() []eventlog.Event { return g.events }
