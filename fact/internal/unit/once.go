package unit

import (
	"context"

	"github.com/factload/factload/fact/eventlog"
)

// Once picks those events of an append whose IDs the stream does not have yet.
type Once struct {
	// Stored returns the stream's events outside of the unit of work that have one
	// of the IDs.
	Stored func(ctx context.Context, ids []string) ([]eventlog.Event, error)

	fresh []eventlog.Event
	from  []origin // of each given event
}

// origin says where an event is stored: among the fresh ones, or before.
type origin struct {
	fresh int // -1: it was there before
	known eventlog.Event
}

// Pick is for [Call].
func (o *Once) Pick(ctx context.Context, staged, given []eventlog.Event) ([]eventlog.Event, error) {
	ids := make([]string, len(given))
	for i := range given {
		ids[i] = given[i].ID
	}
	stored, err := o.Stored(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[string]origin, len(given))
	for _, events := range [][]eventlog.Event{stored, staged} {
		for i := range events {
			if id := events[i].ID; known[id].fresh == 0 { // the first of several
				known[id] = origin{fresh: -1, known: events[i]}
			}
		}
	}
	o.fresh, o.from = nil, nil
	for i := range given {
		at, ok := known[ids[i]]
		if !ok {
			at = origin{fresh: len(o.fresh)}
			known[ids[i]] = at
			o.fresh = append(o.fresh, given[i])
		}
		o.from = append(o.from, at)
	}
	return o.fresh, nil
}

// Result returns the given events as they are stored. The append has succeeded.
func (o *Once) Result() []eventlog.Event {
	events := make([]eventlog.Event, len(o.from))
	for i, at := range o.from {
		if events[i] = at.known; at.fresh >= 0 {
			events[i] = o.fresh[at.fresh]
		}
	}
	return events
}
