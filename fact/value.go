package fact

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/factload/factload/fact/internal/encode"
	"github.com/factload/factload/fact/internal/jsontext"
)

// Of returns the fact that a struct carries: value is a pointer to a struct, or
// a struct, as [Fact.Value] describes. The schema is what its EventType method
// returns, if it has one, else the name of its type in snake case. The struct is
// not copied: it must not be changed until the fact has been recorded.
//
// A value that is no such struct is reported when the fact is recorded.
func Of(value any) Fact {
	f := Fact{Value: value}
	if typer, ok := value.(EventTyper); ok {
		f.Schema = typer.EventType()
		return f
	}
	t := reflect.TypeOf(value)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, err := StructOf(t); err == nil {
		f.Schema = s.Name()
	}
	return f
}

// Map returns the values of the fact by their keys: Data itself, or what Data
// would hold instead of Value. Values from JSON are as [FactFromEvent] has
// them. It serves materializers and tests that want nothing but maps; it
// allocates.
func (f Fact) Map() (map[string]any, error) {
	if raw, ok := f.Value.(json.RawMessage); ok && f.Data == nil {
		return jsontext.DecodeObject(raw)
	}
	s, v, err := f.openValue()
	if err != nil || s == nil {
		return f.Data, err
	}
	data := make(map[string]any)
	for _, f := range s.Fields() {
		value, ok := f.Value(v)
		path, err := f.Field.Path()
		if err != nil {
			return nil, err // cannot happen: the struct has been compiled
		}
		if !ok {
			continue
		}
		at, last := data, len(path)-1
		for _, step := range path[:last] {
			below, ok := at[step.Key].(map[string]any)
			if !ok {
				below = make(map[string]any)
				at[step.Key] = below
			}
			at = below
		}
		at[path[last].Key] = f.Interface(value)
	}
	return data, nil
}

// openValue returns the struct in Value and its compiled type, or nil when the
// fact has Data instead.
func (f *Fact) openValue() (*Struct, reflect.Value, error) {
	if f.Value == nil {
		return nil, reflect.Value{}, nil
	}
	if f.Data != nil {
		return nil, reflect.Value{}, encode.ErrTwoValues
	}
	v, err := StructValue(f.Value)
	if err != nil {
		return nil, v, err
	}
	s, err := StructOf(v.Type())
	return s, v, err
}

// MarshalJSON returns the fact as a JSON object with the keys schema, id and
// data, which holds the values of Data or of Value.
func (f Fact) MarshalJSON() ([]byte, error) {
	envelope := struct {
		Schema string `json:"schema"`
		ID     string `json:"id,omitempty"`
		Data   any    `json:"data"`
	}{f.Schema, f.ID, nil}
	if f.Value != nil || f.Data != nil {
		data, err := f.object(encode.Any)
		if err != nil {
			return nil, err
		}
		envelope.Data = data
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // whoever asked escapes HTML or does not
	err := enc.Encode(envelope)
	return buf.Bytes(), err
}
