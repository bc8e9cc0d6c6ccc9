package fact

// Fact is one typed row on its way into the log and into a table: the name of
// its schema and a value for each field.
//
// Values may be Go values or what encoding/json makes of a JSON object, with
// numbers as json.Number where precision matters.
type Fact struct {
	// Schema is the name of the fact's schema.
	Schema string `json:"schema"`
	// ID identifies the fact and equals the ID of its raw event. Record fills
	// it when it is empty.
	ID string `json:"id,omitempty"`
	// Data holds the values by field name.
	Data map[string]any `json:"data"`
}

// EventType returns the name of the schema, which is the type of the event
// that carries the fact.
func (f Fact) EventType() string { return f.Schema }

var _ EventTyper = Fact{}
