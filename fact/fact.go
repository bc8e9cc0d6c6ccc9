package fact

import (
	"fmt"

	"github.com/factload/factload/fact/internal/jsontext"
)

// Fact is one typed row on its way into the log and into a table: the name of
// its schema and a value for each field, either in a map or in a struct.
//
// Values in a map may be Go values or what encoding/json makes of a JSON object,
// with numbers as json.Number where precision matters.
//
// A struct is encoded without a map and without an allocation for each field.
// [Of] makes a fact from one.
type Fact struct {
	// Schema is the name of the fact's schema.
	Schema string `json:"schema"`
	// ID identifies the fact and equals the ID of its raw event. Record fills
	// it when it is empty.
	ID string `json:"id,omitempty"`
	// Data holds the values by field name.
	Data map[string]any `json:"data"`
	// Value holds the values instead of Data. It is a json.RawMessage with one
	// JSON object, which is stored as it is, or a pointer to a struct, or a struct,
	// whose fields are named by tags as FromStruct of package schemas describes.
	// A struct means what Data would with the values of its fields:
	//
	//   - A nil pointer, slice, map or interface is a missing key: the column gets
	//     its default, NULL if it is nullable, or the zero of its type.
	//   - With the option omitzero in its tag, and in the field that carries the
	//     fact's ID, a zero value is a missing key too. As in encoding/json, an
	//     IsZero method decides what is zero.
	//   - Any other value is a value, zeros included. The zero time.Time is one
	//     that no column takes.
	//   - Pointers stand for what they point to.
	//   - A [16]byte without methods is a UUID, unless its tag says json.
	//
	// The struct is not kept. Its own MarshalJSON method, if it has one, and json
	// tags of its fields have no say.
	Value any `json:"-"`

	// Stream is the stream of the log that Record appends the fact to, instead of
	// the one of WithStore. "" stands for that one.
	Stream string `json:"-"`
	// Metadata goes into the Metadata of the fact's event, such as a trace ID. It is
	// copied, and is no part of the row.
	Metadata map[string]string `json:"-"`
}

// EventType returns the name of the schema, which is the type of the event
// that carries the fact.
func (f Fact) EventType() string { return f.Schema }

var _ EventTyper = Fact{}

// FactFromEvent returns the fact that a raw event carries: Schema is the
// event's Type, ID its ID, and Data its JSON object. It is the inverse of what
// Record does, so that a log can be replayed.
//
// Numbers become json.Number, so that none loses precision. Text that a Go
// string cannot hold as it stands (invalid UTF-8, half of a surrogate pair)
// and a field that occurs twice are errors. It does not check the fact against
// a schema.
func FactFromEvent(e Event) (Fact, error) {
	if e.Type == "" {
		return Fact{}, fmt.Errorf("event %q: has no type, which would name the schema", e.ID)
	}
	data, err := jsontext.DecodeObject(e.Data)
	if err != nil {
		return Fact{}, fmt.Errorf("event %q of type %q: %w", e.ID, e.Type, err)
	}
	return Fact{Schema: e.Type, ID: e.ID, Data: data}, nil
}
