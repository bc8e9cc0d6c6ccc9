package fact

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
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
		return decodeObject(raw)
	}
	s, v, err := f.openValue()
	if err != nil || s == nil {
		return f.Data, err
	}
	data := make(map[string]any, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		value, ok := f.Value(v)
		if !ok {
			continue
		}
		at, last := data, len(f.path)-1
		for _, step := range f.path[:last] {
			below, ok := at[step.Key].(map[string]any)
			if !ok {
				below = make(map[string]any)
				at[step.Key] = below
			}
			at = below
		}
		at[f.path[last].Key] = f.Interface(value)
	}
	return data, nil
}

// Interface returns what the field's value, as Value returned it, is in
// Fact.Data: the value itself, but for UUIDs that are just bytes, which become
// text. It allocates.
func (f *StructField) Interface(value reflect.Value) any {
	if !f.plainUUID() {
		return value.Interface()
	}
	if isPlainUUID(value.Type()) {
		return string(appendUUID(nil, value))
	}
	texts := make([]string, value.Len())
	for i := range texts {
		texts[i] = string(appendUUID(nil, value.Index(i)))
	}
	return texts
}

// plainUUID reports whether the field's bytes are UUIDs, or lists of them.
func (f *StructField) plainUUID() bool {
	t := f.ValueType()
	if isList(t) {
		t = t.Elem()
	}
	return isPlainUUID(t) && (!f.Typed || !isJSONType(f.Field.Type))
}

// errTwoValues is the answer to a fact with both kinds of values.
var errTwoValues = errors.New("has both Data and Value: give one of them")

// openValue returns the struct in Value and its compiled type, or nil when the
// fact has Data instead.
func (f *Fact) openValue() (*Struct, reflect.Value, error) {
	if f.Value == nil {
		return nil, reflect.Value{}, nil
	}
	if f.Data != nil {
		return nil, reflect.Value{}, errTwoValues
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
		data, err := anySchema.event(f)
		if err != nil {
			return nil, err
		}
		envelope.Data = data
	}
	var buf bytes.Buffer
	err := newEncoder(&buf).Encode(envelope) // whoever asked escapes HTML or does not
	return buf.Bytes(), err
}
