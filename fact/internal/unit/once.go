package unit

import "context"

// Once picks those events of an append whose IDs the stream does not have yet.
type Once[E any] struct {
	// ID returns the event's ID.
	ID func(*E) string
	// Stored returns the stream's events outside of the unit of work that have one
	// of the IDs.
	Stored func(ctx context.Context, ids []string) ([]E, error)

	fresh []E
	from  []origin[E] // of each given event
}

// origin says where an event is stored: among the fresh ones, or before.
type origin[E any] struct {
	fresh int // -1: it was there before
	known E
}

// Pick is for [Call].
func (o *Once[E]) Pick(ctx context.Context, staged, given []E) ([]E, error) {
	ids := make([]string, len(given))
	for i := range given {
		ids[i] = o.ID(&given[i])
	}
	stored, err := o.Stored(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[string]origin[E], len(given))
	for _, events := range [][]E{stored, staged} {
		for i := range events {
			if id := o.ID(&events[i]); known[id].fresh == 0 { // the first of several
				known[id] = origin[E]{fresh: -1, known: events[i]}
			}
		}
	}
	o.fresh, o.from = nil, nil
	for i := range given {
		at, ok := known[ids[i]]
		if !ok {
			at = origin[E]{fresh: len(o.fresh)}
			known[ids[i]] = at
			o.fresh = append(o.fresh, given[i])
		}
		o.from = append(o.from, at)
	}
	return o.fresh, nil
}

// Result returns the given events as they are stored. The append has succeeded.
func (o *Once[E]) Result() []E {
	events := make([]E, len(o.from))
	for i, at := range o.from {
		if events[i] = at.known; at.fresh >= 0 {
			events[i] = o.fresh[at.fresh]
		}
	}
	return events
}
