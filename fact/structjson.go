package fact

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// jsonState is what encoding a struct needs. It is used again for others.
type jsonState struct {
	out  []byte
	keys []string // of a map that is being sorted

	std     bytes.Buffer // what enc writes
	enc     *json.Encoder
	compact bytes.Buffer
}

// jsonEncoder appends the JSON of a value, exactly as encoding/json has it. It
// returns false, with anything appended, for a value that it leaves to
// encoding/json, which knows better or says what is wrong.
type jsonEncoder func(st *jsonState, v reflect.Value) bool

var jsonStates = sync.Pool{New: func() any {
	st := &jsonState{}
	st.enc = newEncoder(&st.std)
	return st
}}

// maxKeptJSON is the most that a jsonState may have held to be kept for later.
const maxKeptJSON = 1 << 20

// encodeFactValue returns the fact's struct as encodeFactData returns a map with
// the same values. It allocates no more than the result, as long as all values
// are of types that have an encoder here.
func encodeFactValue(f Fact) (json.RawMessage, error) {
	s, v, err := f.openValue()
	if err != nil {
		return nil, &FactError{Schema: f.Schema, ID: f.ID, Err: err}
	}
	st, ok := jsonStates.Get().(*jsonState)
	if !ok {
		return nil, errors.New("fact: the pool of encoders holds something else") // cannot happen
	}
	data, field, err := st.object(s, v)
	if len(st.out)+st.std.Cap()+st.compact.Cap() <= maxKeptJSON {
		jsonStates.Put(st)
	}
	if err != nil {
		return nil, &FactError{Schema: f.Schema, ID: f.ID, Field: field, Err: err}
	}
	return data, nil
}

// object returns the JSON of a struct, or the name of the field at fault.
func (st *jsonState) object(s *Struct, v reflect.Value) (data json.RawMessage, field string, err error) {
	st.out = append(st.out[:0], '{')
	for _, f := range s.sorted {
		value, ok := f.Value(v)
		if !ok {
			continue
		}
		if len(st.out) > 1 {
			st.out = append(st.out, ',')
		}
		st.out = append(st.out, f.prefix...)
		before := len(st.out)
		if f.encode != nil && f.encode(st, value) {
			continue
		}
		st.out = st.out[:before]
		if err := st.other(f.Interface(value)); err != nil {
			return nil, f.Field.Name, err
		}
	}
	st.out = append(st.out, '}')
	if !utf8.Valid(st.out) { // only a json.Marshaler can cause that
		return nil, "", errNotUTF8
	}
	return bytes.Clone(st.out), "", nil
}

// other appends the JSON of a value as encoding/json writes it.
func (st *jsonState) other(value any) error {
	st.std.Reset()
	if err := encodePlain(st.enc, value); err != nil {
		return err
	}
	text := st.std.Bytes()
	st.out = append(st.out, text[:len(text)-1]...) // the encoder ends each value with a newline
	return nil
}

// compileJSON chooses the encoder of the field, or none.
func (f *StructField) compileJSON() {
	f.prefix = string(appendText(nil, f.Field.Name)) + ":"
	t := f.ValueType()
	if f.plainUUID() {
		f.encode = encodeUUID
		if isList(t) {
			f.encode = encodeList(encodeUUID)
		}
		return
	}
	f.encode = jsonEncoderOf(t)
}

// jsonEncoderOf returns the encoder for a type, or nil.
func jsonEncoderOf(t reflect.Type) jsonEncoder {
	switch {
	case t == timeType:
		return encodeTime
	case t == rawJSONType:
		return encodeRaw
	case t == jsonNumberType:
		return encodeNumber
	case hasOwnJSON(t):
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(st *jsonState, v reflect.Value) bool { return st.text(v.String()) }
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
		return encodeFloat
	case reflect.Slice, reflect.Array:
		if elem := jsonEncoderOf(t.Elem()); elem != nil && !isNilable(t.Elem()) && !isByteSlice(t) {
			return encodeList(elem)
		}
	case reflect.Map:
		if t.ConvertibleTo(plainMapType) {
			return encodeMap(t)
		}
	}
	return nil
}

// isNilable reports whether values of a type may be nil, which is null inside of
// a list.
func isNilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface:
		return true
	default:
		return false
	}
}

// text appends a string. It returns false if that is not valid UTF-8.
func (st *jsonState) text(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	st.out = appendText(st.out, s)
	return true
}

func encodeUUID(st *jsonState, v reflect.Value) bool {
	st.out = append(appendUUID(append(st.out, '"'), v), '"')
	return true
}

func encodeTime(st *jsonState, v reflect.Value) bool {
	t, ok := v.Addr().Interface().(*time.Time) // so that nothing is copied
	if !ok {
		return false
	}
	st.out = append(st.out, '"')
	out, err := t.AppendText(st.out)
	if err != nil {
		return false
	}
	st.out = out
	st.out = append(st.out, '"')
	return true
}

func encodeRaw(st *jsonState, v reflect.Value) bool {
	st.compact.Reset()
	err := json.Compact(&st.compact, v.Bytes())
	st.out = append(st.out, st.compact.Bytes()...)
	return err == nil
}

// encodeNumber writes a json.Number that is just digits, a sign and a point. It
// leaves the others to encoding/json.
func encodeNumber(st *jsonState, v reflect.Value) bool {
	n := v.String()
	digits := strings.TrimPrefix(n, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !isDigits(whole) || (len(whole) > 1 && whole[0] == '0') || (point && !isDigits(fraction)) {
		return false
	}
	st.out = append(st.out, n...)
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// encodeFloat writes a number in the form of encoding/json, which is that of
// ES6: with an exponent only when it is very large or very small.
func encodeFloat(st *jsonState, v reflect.Value) bool {
	f, bits := v.Float(), v.Type().Bits()
	abs := math.Abs(f)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || (!small && !large) {
		st.out = strconv.AppendFloat(st.out, f, 'f', -1, bits)
		return true
	}
	st.out = strconv.AppendFloat(st.out, f, 'e', -1, bits)
	if n := len(st.out); n >= 4 && st.out[n-4] == 'e' && st.out[n-3] == '-' && st.out[n-2] == '0' {
		st.out[n-2] = st.out[n-1] // e-09 is written e-9
		st.out = st.out[:n-1]
	}
	return true
}

func encodeList(elem jsonEncoder) jsonEncoder {
	return func(st *jsonState, v reflect.Value) bool {
		st.out = append(st.out, '[')
		for i := range v.Len() {
			if i > 0 {
				st.out = append(st.out, ',')
			}
			if !elem(st, v.Index(i)) {
				return false
			}
		}
		st.out = append(st.out, ']')
		return true
	}
}

// encodeMap encodes maps of text to text, in the order of their keys.
func encodeMap(t reflect.Type) jsonEncoder {
	return func(st *jsonState, v reflect.Value) bool {
		if t != plainMapType {
			v = v.Convert(plainMapType)
		}
		m, ok := plainMap(v)
		if !ok {
			return false
		}
		st.keys = st.keys[:0]
		for key := range m {
			st.keys = append(st.keys, key)
		}
		slices.Sort(st.keys)
		sep := byte('{')
		for _, key := range st.keys {
			st.out = append(st.out, sep)
			if !st.text(key) {
				return false
			}
			st.out = append(st.out, ':')
			if !st.text(m[key]) {
				return false
			}
			sep = ','
		}
		clear(st.keys)
		if len(m) == 0 {
			st.out = append(st.out, '{')
		}
		st.out = append(st.out, '}')
		return true
	}
}

func plainMap(v reflect.Value) (m map[string]string, ok bool) {
	m, ok = v.Interface().(map[string]string) // a map is a pointer: nothing is copied
	return m, ok
}
