package fact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// Encoder writes the values of a schema's facts as JSON: one object, which is
// what the log keeps and what rows are made from. It is safe for concurrent use.
type Encoder struct {
	data    dataPlan        // of facts in maps
	rules   map[string]rule // by the name of the field
	id      Path            // of the field that carries the fact's ID, if there is one
	schema  *Schema         // nil: any
	structs sync.Map        // *structPlan, or its error, by reflect.Type
}

// anySchema encodes facts of schemas that are not known.
var anySchema = &Encoder{}

// NewEncoder returns the encoder for a schema, which has been validated. Later
// changes to the schema have no effect.
func NewEncoder(s Schema) *Encoder {
	s.Fields, s.OrderBy = slices.Clone(s.Fields), slices.Clone(s.OrderBy)
	e := &Encoder{schema: &s, rules: make(map[string]rule, len(s.Fields))}
	for _, f := range s.Fields {
		e.rules[f.Name] = ruleOf(f)
		path, err := f.Path()
		if err != nil {
			continue // the schema has not been validated
		}
		e.data.add(path, f)
		if f.FactID {
			e.id = path
		}
	}
	return e
}

func keyPrefix(name string) string { return string(appendText(nil, name)) + ":" }

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
	st, ok := jsonStates.Get().(*jsonState)
	if !ok {
		return dst, errors.New("fact: the pool of encoders holds something else") // cannot happen
	}
	own := st.out
	st.out = dst
	field, err := e.encode(st, &f)
	out := st.out
	st.out = own
	st.giveBack()
	if err != nil {
		return dst, &FactError{Schema: f.Schema, ID: f.ID, Field: field, Err: err}
	}
	return out, nil
}

// event returns the values of a fact as the log keeps them. It allocates no more
// than that.
func (e *Encoder) event(f Fact) (json.RawMessage, error) {
	st, ok := jsonStates.Get().(*jsonState)
	if !ok {
		return nil, errors.New("fact: the pool of encoders holds something else") // cannot happen
	}
	defer st.giveBack()
	st.out = st.out[:0]
	if field, err := e.encode(st, &f); err != nil {
		return nil, &FactError{Schema: f.Schema, ID: f.ID, Field: field, Err: err}
	}
	return bytes.Clone(st.out), nil
}

var jsonStates = sync.Pool{New: func() any {
	st := &jsonState{}
	st.enc = newEncoder(&st.std)
	return st
}}

// maxKeptJSON is the most that a jsonState may have held to be kept for later.
const maxKeptJSON = 1 << 20

func (st *jsonState) giveBack() {
	if st.err = nil; cap(st.out)+st.std.Cap() <= maxKeptJSON {
		jsonStates.Put(st)
	}
}

// encode appends the object, or returns the name of the field at fault.
func (e *Encoder) encode(st *jsonState, f *Fact) (field string, err error) {
	switch raw, isRaw := f.Value.(json.RawMessage); {
	case f.Value == nil:
		return e.data.object(st, f.Data)
	case f.Data != nil:
		return "", errTwoValues
	case isRaw:
		return "", st.object(raw)
	}
	v, err := StructValue(f.Value)
	if err != nil {
		return "", err
	}
	plan, err := e.plan(v.Type())
	if err != nil {
		return "", err
	}
	return plan.encode(st, v)
}

// object appends what must be a JSON object.
func (st *jsonState) object(raw json.RawMessage) error {
	if err := checkObject(raw); err != nil {
		return err
	}
	st.out = append(st.out, raw...)
	return nil
}

// plan returns how structs of a type are written, which is found out once.
func (e *Encoder) plan(t reflect.Type) (*structPlan, error) {
	known, ok := e.structs.Load(t)
	if !ok {
		plan, err := e.newPlan(t)
		if err != nil {
			known, _ = e.structs.LoadOrStore(t, err)
		} else {
			known, _ = e.structs.LoadOrStore(t, plan)
		}
	}
	if plan, ok := known.(*structPlan); ok {
		return plan, nil
	}
	err, _ := known.(error) // nothing else is stored
	return nil, err
}

func (e *Encoder) newPlan(t reflect.Type) (*structPlan, error) {
	s, err := StructOf(t)
	if err != nil {
		return nil, err
	}
	if err := e.check(s); err != nil {
		return nil, err
	}
	p := &structPlan{}
	for i := range s.fields {
		f := &s.fields[i]
		r := ruleOf(f.Field)
		if known, ok := e.rules[f.Field.Name]; ok {
			r = known
		}
		p.add(f.path, f, f.encoder(r))
	}
	p.sort()
	return p, nil
}

// check says why facts of the schema cannot come from structs of a type.
// Fields that the schema lacks are left to whoever knows what becomes of them.
func (e *Encoder) check(s *Struct) error {
	if e.schema == nil {
		return nil
	}
	var problems []error
	report := func(goName, problem string) {
		problems = append(problems, &StructError{Type: s.typ.String(), Field: goName, Problem: problem})
	}
	filled := make(map[string]bool)
	for i := range s.fields {
		f := &s.fields[i]
		filled[f.Field.Name] = true
		if field, known := e.schema.FieldByName(f.Field.Name); known {
			if problem := f.Fits(field); problem != "" {
				report(f.GoName, problem)
			}
		}
	}
	for _, f := range e.schema.Fields {
		if f.Default == nil && !f.FactID && !filled[f.Name] && slices.Contains(e.schema.OrderBy, f.Name) {
			report("", fmt.Sprintf("has nothing for field %q of schema %q, which is in order_by and has no default: add a field that carries it",
				f.Name, e.schema.Name))
		}
	}
	return errors.Join(problems...)
}

// encoder returns the encoder of the struct's field, or nil.
func (f *StructField) encoder(r rule) jsonEncoder {
	t := f.ValueType()
	switch {
	case !f.plainUUID():
		return encoderOf(t, r)
	case isList(t):
		return encodeList(encodeUUID)
	}
	return encodeUUID
}
