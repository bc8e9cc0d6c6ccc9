package eventlog

import (
	"fmt"
	"maps"
	"strconv"
)

// MetadataVersion is the key of an event's Metadata that has the version of its
// Type. An event without it is of version 1.
const MetadataVersion = "version"

// Upcaster turns an event of an old form into one of the next. The event is a copy.
// It may change its Type, Data and Metadata.
type Upcaster func(Event) (Event, error)

// Upcasters bring events to their present form when they are read: the log stays
// as it was written. The zero value changes nothing. It is safe for concurrent
// use once nothing is added any more.
type Upcasters struct {
	steps map[upcast]Upcaster
}

type upcast struct {
	eventType string
	version   int
}

// Add makes up the step from a version of a type to the next one. It panics if
// there is a step from there already.
func (u *Upcasters) Add(eventType string, version int, up Upcaster) {
	from := upcast{eventType, version}
	if u.steps == nil {
		u.steps = make(map[upcast]Upcaster)
	}
	if u.steps[from] != nil {
		panic(fmt.Sprintf("fact: two upcasters from version %d of type %q", version, eventType))
	}
	u.steps[from] = up
}

// maxUpcasts bounds how many steps an event may need: more never end.
const maxUpcasts = 1000

// Upcast takes the event through every step there is for it. After a step that
// leaves the type and the version as they were, it is of the next version. A nil
// Upcasters changes nothing. Stream, Sequence, ID and OccurredAt stay what they
// were.
func (u *Upcasters) Upcast(e Event) (Event, error) {
	if u == nil || len(u.steps) == 0 {
		return e, nil
	}
	for range maxUpcasts {
		from, err := versionOf(e)
		if err != nil {
			return e, err
		}
		step := u.steps[from]
		if step == nil {
			return e, nil
		}
		next, err := step(e.Clone())
		if err != nil {
			return e, fmt.Errorf("event %q: upcast from version %d of type %q: %w", e.ID, from.version, from.eventType, err)
		}
		next.ID, next.Stream, next.Sequence, next.OccurredAt = e.ID, e.Stream, e.Sequence, e.OccurredAt
		if to, err := versionOf(next); err == nil && to == from {
			next.Metadata = maps.Clone(next.Metadata)
			if next.Metadata == nil {
				next.Metadata = make(map[string]string, 1)
			}
			next.Metadata[MetadataVersion] = strconv.Itoa(from.version + 1)
		}
		e = next
	}
	return e, fmt.Errorf("event %q: more than %d upcasts: they go round in a circle", e.ID, maxUpcasts)
}

func versionOf(e Event) (upcast, error) {
	text, ok := e.Metadata[MetadataVersion]
	if !ok {
		return upcast{e.Type, 1}, nil
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return upcast{}, fmt.Errorf("event %q of type %q: its metadata has the version %q, which is not a number", e.ID, e.Type, text)
	}
	return upcast{e.Type, version}, nil
}
