// Package encode writes the values of facts as JSON objects. What the schema says of
// a field decides where a value is not its JSON alone; see Append of package fact's
// Encoder.
package encode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/factload/factload/fact/internal/jsontext"
	"github.com/factload/factload/fact/schema"
)

// Encoder writes the values of a schema's facts. It is safe for concurrent use.
type Encoder struct {
	data    dataPlan        // of facts in maps
	rules   map[string]rule // by the name of the field
	schema  *schema.Schema  // nil: any
	structs sync.Map        // *structPlan, or its error, by reflect.Type
}

// Any encodes facts of schemas that are not known.
var Any = &Encoder{}

// New returns the encoder for a schema, which has been validated and is not changed
// any more.
func New(s *schema.Schema) *Encoder {
	e := &Encoder{schema: s, rules: make(map[string]rule, len(s.Fields))}
	for _, f := range s.Fields {
		e.rules[f.Name] = ruleOf(f)
		if path, err := f.Path(); err == nil { // else the schema has not been validated
			e.data.add(path, f)
		}
	}
	return e
}

// Append appends the object with the values of a fact, which are in data or in value,
// to dst. With an error it returns the name of the field at fault, if it is about one,
// and dst as it was.
func (e *Encoder) Append(dst []byte, data map[string]any, value any) (out []byte, field string, err error) {
	st, ok := jsonStates.Get().(*jsonState)
	if !ok {
		return dst, "", errPool
	}
	own := st.out
	st.out = dst
	field, err = e.encode(st, data, value)
	out = st.out
	st.out = own
	st.giveBack()
	if err != nil {
		return dst, field, err
	}
	return out, "", nil
}

// Object returns what Append appends. It allocates no more than that.
func (e *Encoder) Object(data map[string]any, value any) (object json.RawMessage, field string, err error) {
	st, ok := jsonStates.Get().(*jsonState)
	if !ok {
		return nil, "", errPool
	}
	defer st.giveBack()
	st.out = st.out[:0]
	if field, err := e.encode(st, data, value); err != nil {
		return nil, field, err
	}
	return bytes.Clone(st.out), "", nil
}

var errPool = errors.New("fact: the pool of encoders holds something else") // cannot happen

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

// ErrTwoValues is the answer to a fact with both kinds of values.
var ErrTwoValues = errors.New("has both Data and Value: give one of them")

// encode appends the object, or returns the name of the field at fault.
func (e *Encoder) encode(st *jsonState, data map[string]any, value any) (field string, err error) {
	switch raw, isRaw := value.(json.RawMessage); {
	case value == nil:
		return e.data.object(st, data)
	case data != nil:
		return "", ErrTwoValues
	case isRaw:
		return "", st.object(raw)
	}
	v, err := schema.StructValue(value)
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
	if err := jsontext.CheckObject(raw); err != nil {
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
	s, err := schema.StructOf(t)
	if err != nil {
		return nil, err
	}
	if err := e.check(s); err != nil {
		return nil, err
	}
	p := &structPlan{}
	for _, f := range s.Fields() {
		r := ruleOf(f.Field)
		if known, ok := e.rules[f.Field.Name]; ok {
			r = known
		}
		path, err := f.Field.Path()
		if err != nil {
			return nil, err // cannot happen: the struct has been compiled
		}
		p.add(path, f, structEncoder(f, r))
	}
	p.sort()
	return p, nil
}

// check says why facts of the schema cannot come from structs of a type.
// Fields that the schema lacks are left to whoever knows what becomes of them.
func (e *Encoder) check(s *schema.Struct) error {
	if e.schema == nil {
		return nil
	}
	var problems []error
	report := func(goName, problem string) {
		problems = append(problems, &schema.StructError{Type: s.Type().String(), Field: goName, Problem: problem})
	}
	filled := make(map[string]bool)
	for _, f := range s.Fields() {
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

// structEncoder returns the encoder of a struct's field, or nil.
func structEncoder(f *schema.StructField, r rule) jsonEncoder {
	t := f.ValueType()
	switch {
	case !f.BytesAreUUID():
		return encoderOf(t, r)
	case t.Elem().Kind() == reflect.Uint8:
		return encodeUUID
	}
	return encodeList(encodeUUID)
}
