package fact

import (
	"encoding/json"
	"slices"

	"github.com/factload/factload/fact/internal/encode"
)

// Encoder writes the values of a schema's facts as JSON: one object, which is
// what the log keeps and what rows are made from. It is safe for concurrent use.
type Encoder struct {
	values *encode.Encoder
	schema *Schema // nil: any
	id     Path    // of the field that carries the fact's ID, if there is one
}

// anySchema encodes facts of schemas that are not known.
var anySchema = &Encoder{values: encode.Any}

// NewEncoder returns the encoder for a schema, which has been validated. Later
// changes to the schema have no effect.
func NewEncoder(s Schema) *Encoder {
	s.Fields, s.OrderBy = slices.Clone(s.Fields), slices.Clone(s.OrderBy)
	e := &Encoder{schema: &s, values: encode.New(&s)}
	if f, ok := s.FactIDField(); ok {
		e.id, _ = f.Path() // the schema has been validated
	}
	return e
}

// Append appends the values of a fact as a JSON object to dst: keys sorted, HTML
// characters as they are, each value as encoding/json writes it, and a
// json.RawMessage byte for byte. If the fact's Value is a json.RawMessage, that
// is the object.
//
// The schema decides where a value is not its JSON alone. A string in a JSON field
// holds JSON, which is stored as it is; in a struct the tag says so too. A field with
// a From is found in Data through map[string]any and []any. A float in
// an integer field must be an integer that JSON carries without a change. A struct
// type must go with the schema, or the error has a [*StructError] for each problem.
// Whether the other values fit their fields, a materializer says. An error is a
// [*FactError] with Index 0; dst is not changed then.
func (e *Encoder) Append(dst []byte, f Fact) ([]byte, error) {
	out, field, err := e.values.Append(dst, f.Data, f.Value)
	if err != nil {
		return dst, &FactError{Schema: f.Schema, ID: f.ID, Field: field, Err: err}
	}
	return out, nil
}

// object returns what Append appends.
func (f *Fact) object(values *encode.Encoder) (json.RawMessage, error) {
	object, field, err := values.Object(f.Data, f.Value)
	if err != nil {
		return nil, &FactError{Schema: f.Schema, ID: f.ID, Field: field, Err: err}
	}
	return object, nil
}
