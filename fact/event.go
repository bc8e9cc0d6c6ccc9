package fact

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/factload/factload/fact/internal/encode"
)

// EventTyper is data that knows what kind of event it is.
type EventTyper interface {
	// EventType returns the Type of the event that carries the data.
	EventType() string
}

// NewEvent returns an event with a new ID that carries data as JSON and
// happens now. Append gives it its place in the stream.
//
// Data is encoded as encoding/json does, but without escaping HTML characters,
// and text that is not valid UTF-8 is an error. For a [Fact] the event carries
// the values in its Data or Value, and the fact's ID if it has one.
func NewEvent(stream string, data EventTyper) (Event, error) {
	return NewEventWithMeta(stream, data, nil)
}

// NewEventWithMeta is NewEvent with metadata, which is copied.
func NewEventWithMeta(stream string, data EventTyper, meta map[string]string) (Event, error) {
	if data == nil {
		return Event{}, errors.New("new event: data is nil")
	}
	event := Event{
		Stream:     stream,
		Type:       data.EventType(),
		Metadata:   maps.Clone(meta),
		OccurredAt: time.Now().UTC(), // without the monotonic reading, so that it survives JSON
	}
	if event.Type == "" {
		return Event{}, fmt.Errorf("new event: %T has an empty event type", data)
	}
	var err error
	switch d := data.(type) {
	case Fact:
		event.ID = d.ID
		event.Data, err = d.object(encode.Any)
	case *Fact:
		event.ID = d.ID
		event.Data, err = d.object(encode.Any)
	default:
		event.Data, err = encode.Value(data)
	}
	if err != nil {
		return Event{}, fmt.Errorf("new event of type %q: %w", event.Type, err)
	}
	if event.ID == "" {
		event.ID = NewEventID()
	}
	return event, nil
}
