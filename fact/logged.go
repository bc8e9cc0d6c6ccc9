package fact

import (
	"encoding/json"
	"fmt"
	"time"
)

// LoggedEventSchema is the name of the built-in schema that has the events of a log
// themselves, of whatever type, as rows.
const LoggedEventSchema = "event"

// LoggedEvent is a row of the schema [LoggedEventSchema], as package schemas has it:
// an event, and its place in the log.
type LoggedEvent struct {
	// Place is the stream and the sequence with all its digits, as in
	// chat-1@0000000000000000017. It tells events of a log apart where their IDs, which
	// are those of one stream, may not.
	Place    string `fact:"place,fact_id"`
	Position int64
	Stream   string
	Category string `fact:"category,low_cardinality"`
	Sequence int64
	EventID  string
	Type     string `fact:"type,low_cardinality"`
	// Data is nil for an event without data, or with null.
	Data       *json.RawMessage
	Metadata   map[string]string
	OccurredAt time.Time `fact:"occurred_at,precision=9"`
}

// LoggedFact returns the fact that an entry of a log is by itself.
func LoggedFact(e Entry) Fact {
	row := LoggedEvent{
		Place: fmt.Sprintf("%s@%019d", e.Stream, e.Sequence), Position: e.Position,
		Stream: e.Stream, Category: Category(e.Stream), Sequence: e.Sequence,
		EventID: e.ID, Type: e.Type, Metadata: e.Metadata, OccurredAt: e.OccurredAt,
	}
	if len(e.Data) > 0 {
		row.Data = &e.Data
	}
	return Fact{Schema: LoggedEventSchema, ID: row.Place, Value: &row}
}
