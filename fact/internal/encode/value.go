package encode

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"

	"github.com/factload/factload/fact/schema"
)

// jsonState is what encoding a fact needs. It is used again for others.
type jsonState struct {
	out  []byte
	err  error    // why the last value was refused, if it was not left to encoding/json
	keys []string // of a map that is being sorted

	std bytes.Buffer // what enc writes
	enc *json.Encoder
}

// rule is what the type of a field says about the JSON of its values. The zero
// value is for a field that is not known.
type rule struct {
	exact bool // a float must be the integer that its shortest text spells
	text  bool // a string holds JSON
	list  bool // it is about the elements of a list, not about the value itself
}

// ruleOf returns the rule for a field's values.
func ruleOf(f schema.Field) rule {
	r := rule{exact: f.Type.IsInteger(), text: f.Type == schema.JSON}
	r.list = f.Array && r != rule{}
	return r
}

// elements returns the rule for the elements of a value that is a list.
func (r rule) elements() rule {
	if !r.list {
		return rule{}
	}
	r.list = false
	return r
}

// jsonEncoder appends the JSON of a value, exactly as encoding/json has it but
// for what the rule asks. It returns false, with anything appended, for a value
// that it refuses, and sets err then, or leaves to encoding/json.
type jsonEncoder func(st *jsonState, v reflect.Value) bool

// jsonEncoders holds the jsonEncoder of each encoderKey that was asked for.
var jsonEncoders sync.Map

type encoderKey struct {
	typ  reflect.Type
	rule rule
}

// value appends the JSON of a field's value.
func (st *jsonState) value(v any, r rule) error {
	before := len(st.out)
	if st.usual(v, r) {
		return nil
	}
	return st.unusual(v, before)
}

// unusual appends the JSON of a value that its encoder did not append, in place
// of what it has left from before on.
func (st *jsonState) unusual(v any, before int) error {
	if err := st.err; err != nil {
		st.err = nil
		return err
	}
	st.out = st.out[:before]
	st.std.Reset()
	if err := st.enc.Encode(v); err != nil {
		return fmt.Errorf("not a JSON value: %w", err)
	}
	if err := checkText(reflect.ValueOf(v), rejectBytes); err != nil {
		return err
	}
	text := bytes.TrimSuffix(st.std.Bytes(), []byte("\n")) // the encoder ends each value with one
	if !utf8.Valid(text) {                                 // only a json.Marshaler can cause that
		return errNotUTF8
	}
	st.out = append(st.out, text...)
	return nil
}

// usual appends a value of the types that facts mostly have, without
// reflection, and others by their encoder. It returns what an encoder returns.
func (st *jsonState) usual(v any, r rule) bool {
	switch x := v.(type) {
	case nil:
		st.out = append(st.out, "null"...)
	case string:
		return st.string(x, r)
	case bool:
		st.out = strconv.AppendBool(st.out, x)
	case int:
		st.out = strconv.AppendInt(st.out, int64(x), 10)
	case int64:
		st.out = strconv.AppendInt(st.out, x, 10)
	case uint32:
		st.out = strconv.AppendUint(st.out, uint64(x), 10)
	case uint64:
		st.out = strconv.AppendUint(st.out, x, 10)
	case float64:
		return st.float(x, 64, r)
	case time.Time:
		return st.time(x)
	case json.RawMessage:
		return st.raw(x)
	case json.Number:
		return st.number(string(x))
	default:
		encode := encoderOf(reflect.TypeOf(v), r)
		return encode != nil && encode(st, reflect.ValueOf(v))
	}
	return true
}

// encoderOf returns the encoder for a type, or nil.
func encoderOf(t reflect.Type, r rule) jsonEncoder {
	key := encoderKey{t, r}
	known, ok := jsonEncoders.Load(key)
	if !ok {
		known, _ = jsonEncoders.LoadOrStore(key, newJSONEncoder(t, r, maxEncoderDepth))
	}
	encode, _ := known.(jsonEncoder) // nothing else is stored
	return encode
}

// maxEncoderDepth bounds how many pointers and lists an encoder looks into:
// types may contain themselves.
const maxEncoderDepth = 4

func newJSONEncoder(t reflect.Type, r rule, depth int) jsonEncoder {
	switch {
	case depth == 0:
		return nil
	case t == jsontext.TimeType:
		return encodeTime
	case t == jsontext.RawType:
		return func(st *jsonState, v reflect.Value) bool { return st.raw(v.Bytes()) }
	case t == jsontext.NumberType:
		return func(st *jsonState, v reflect.Value) bool { return st.number(v.String()) }
	case t.Implements(jsontext.MarshalerType):
		return nil
	case t.Implements(jsontext.TextMarshalerType):
		return textEncoder(t)
	}
	switch t.Kind() {
	case reflect.String:
		return func(st *jsonState, v reflect.Value) bool { return st.string(v.String(), r) }
	case reflect.Bool:
		return func(st *jsonState, v reflect.Value) bool { st.out = strconv.AppendBool(st.out, v.Bool()); return true }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(st *jsonState, v reflect.Value) bool {
			st.out = strconv.AppendInt(st.out, v.Int(), 10)
			return true
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(st *jsonState, v reflect.Value) bool {
			st.out = strconv.AppendUint(st.out, v.Uint(), 10)
			return true
		}
	case reflect.Float32, reflect.Float64:
		return func(st *jsonState, v reflect.Value) bool { return st.float(v.Float(), t.Bits(), r) }
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Interface, reflect.Map:
		return containerEncoder(t, r, depth)
	}
	return nil
}

// containerEncoder returns the encoder for a type whose values hold others.
func containerEncoder(t reflect.Type, r rule, depth int) jsonEncoder {
	switch t.Kind() {
	case reflect.Interface:
		return func(st *jsonState, v reflect.Value) bool { return st.usual(v.Interface(), r) }
	case reflect.Map:
		if t.ConvertibleTo(plainMapType) {
			return encodeMap(t)
		}
		return nil
	}
	if jsontext.IsByteSlice(t) {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		if to := newJSONEncoder(t.Elem(), r, depth-1); to != nil {
			return orNull(func(st *jsonState, v reflect.Value) bool { return to(st, v.Elem()) })
		}
		return nil
	}
	elem := newJSONEncoder(t.Elem(), r.elements(), depth-1)
	switch {
	case elem == nil:
		return nil
	case t.Kind() == reflect.Slice:
		return orNull(encodeList(elem))
	}
	return encodeList(elem)
}

// orNull returns an encoder that writes null for what is nil.
func orNull(encode jsonEncoder) jsonEncoder {
	return func(st *jsonState, v reflect.Value) bool {
		if v.IsNil() {
			st.out = append(st.out, "null"...)
			return true
		}
		return encode(st, v)
	}
}

// string appends a string, or the JSON that it holds.
func (st *jsonState) string(s string, r rule) bool {
	if !r.text || r.list {
		return st.text(s)
	}
	before := len(st.out)
	st.out = append(st.out, s...)
	if err := jsontext.Check(st.out[before:]); err != nil {
		return st.refuse(fmt.Errorf("the text %w: a string in a json field holds JSON text; "+
			"to store a JSON string, give it in quotes, as json.Marshal writes it", err))
	}
	return true
}

// text appends a string as a JSON string.
func (st *jsonState) text(s string) bool {
	if !utf8.ValidString(s) {
		return st.refuse(jsontext.NotUTF8(s))
	}
	st.out = jsontext.AppendString(st.out, s)
	return true
}

func (st *jsonState) refuse(err error) bool {
	st.err = err
	return false
}

func encodeUUID(st *jsonState, v reflect.Value) bool {
	st.out = append(jsontext.AppendUUID(append(st.out, '"'), v), '"')
	return true
}

// textEncoder encodes values that marshal themselves as text.
func textEncoder(t reflect.Type) jsonEncoder {
	if isNilable(t) {
		return nil
	}
	return func(st *jsonState, v reflect.Value) bool {
		if v.CanAddr() {
			v = v.Addr() // so that nothing is copied
		}
		m, ok := v.Interface().(encoding.TextMarshaler)
		if !ok {
			return false
		}
		text, err := m.MarshalText()
		return err == nil && st.text(string(text))
	}
}

// isNilable reports whether values of a type may be nil.
func isNilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Func, reflect.Chan:
		return true
	default:
		return false
	}
}

func encodeTime(st *jsonState, v reflect.Value) bool {
	if v.CanAddr() {
		v = v.Addr() // so that nothing is copied
	}
	switch t := v.Interface().(type) {
	case *time.Time:
		return st.time(*t)
	case time.Time:
		return st.time(t)
	}
	return false
}

// time appends a point in time. Offsets that are no whole minutes, which RFC
// 3339 cannot write, would make it another one.
func (st *jsonState) time(t time.Time) bool {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	out, err := t.AppendText(append(st.out, '"'))
	if err != nil {
		return false
	}
	out = append(out, '"')
	st.out = out
	return true
}

// raw appends JSON byte for byte.
func (st *jsonState) raw(text []byte) bool {
	if text == nil {
		st.out = append(st.out, "null"...)
		return true
	}
	if err := jsontext.Check(text); err != nil {
		return st.refuse(fmt.Errorf("not a JSON value: the json.RawMessage %w", err))
	}
	st.out = append(st.out, text...)
	return true
}
