package fact

import (
	"encoding/json"
	"time"
)

// Event is one entry of a raw log. Stores give out copies; an Event shares no
// memory with the store it came from.
type Event struct {
	// ID identifies the event. Append fills it when it is empty.
	ID string `json:"id"`
	// Stream is the log the event belongs to. Append sets it.
	Stream string `json:"stream"`
	// Type says what happened. For a fact it is the name of the schema.
	Type string `json:"type"`
	// Data is the JSON value the event carries. It may be empty.
	Data json.RawMessage `json:"data"`
	// Metadata is anything worth knowing about the event that is not part of
	// what happened, such as a trace ID. Nil when there is none.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Sequence is the place of the event in its stream: 1, 2, 3 and so on.
	// Append sets it. Zero means that the event is not in a log, or that its
	// place is not known.
	Sequence int64 `json:"sequence"`
	// OccurredAt says when it happened. Append sets it to now, in UTC, when
	// it is zero.
	OccurredAt time.Time `json:"occurred_at"`
}

// EventTyper is data that knows what kind of event it is.
type EventTyper interface {
	// EventType returns the Type of the event that carries the data.
	EventType() string
}
