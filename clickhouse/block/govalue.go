package block

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// intValue returns the value of the less usual signed integer types.
func intValue(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int8:
		return int64(x), true
	case int16:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	}
	return 0, false
}

// uintValue returns the value of the less usual unsigned integer types.
func uintValue(v any) (uint64, bool) {
	switch x := v.(type) {
	case uint:
		return uint64(x), true
	case uint8:
		return uint64(x), true
	case uint16:
		return uint64(x), true
	case uint32:
		return uint64(x), true
	case uint64:
		return x, true
	}
	return 0, false
}

// appendInteger appends an integer of any type to a column of numbers, or what
// else v may be as appendOther does.
func appendInteger[C interface {
	column
	intAdder
}](c C, s *scanner, v any) error {
	if n, ok := intValue(v); ok {
		return c.addInt(n)
	}
	if n, ok := uintValue(v); ok {
		return c.addUint(n)
	}
	return appendOther(c, s, v)
}

// appendOther appends a value that the column has no short way for. It is
// stored as its JSON would be: what a service records and what a replay of its
// log stores are the same.
func appendOther(c column, s *scanner, v any) error {
	if basic, ok := basicValue(v); ok {
		return c.appendValue(s, basic)
	}
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	return appendRaw(c, s, raw)
}

// appendRaw appends the one JSON value that is in raw.
func appendRaw(c column, s *scanner, raw []byte) error {
	s.reset(raw)
	s.space()
	err := c.appendJSON(s)
	if err == nil {
		s.space()
		if s.pos == len(s.data) {
			return nil
		}
		err = s.syntax("one JSON value")
	}
	f := asFault(err)
	if f.value == "" && !f.bare {
		f.value = rawAt(raw, max(f.at, 0))
	}
	f.at = noOffset
	return f
}

// basicValue returns the value of a pointer, or of a named type, as a plain Go
// type that columns know. Types that say themselves how they look in JSON are
// left alone.
func basicValue(v any) (any, bool) {
	if v == nil || isMarshaler(v) {
		return nil, false
	}
	rv := reflect.ValueOf(v)
	switch kind := rv.Kind(); kind {
	case reflect.Pointer:
		if rv.IsNil() {
			return nil, true
		}
		return rv.Elem().Interface(), true
	default:
		basic, ok := basicTypes[kind]
		if !ok || rv.Type() == basic {
			return nil, false
		}
		return rv.Convert(basic).Interface(), true
	}
}

var basicTypes = map[reflect.Kind]reflect.Type{
	reflect.Bool:    reflect.TypeFor[bool](),
	reflect.String:  reflect.TypeFor[string](),
	reflect.Int:     reflect.TypeFor[int](),
	reflect.Int8:    reflect.TypeFor[int8](),
	reflect.Int16:   reflect.TypeFor[int16](),
	reflect.Int32:   reflect.TypeFor[int32](),
	reflect.Int64:   reflect.TypeFor[int64](),
	reflect.Uint:    reflect.TypeFor[uint](),
	reflect.Uint8:   reflect.TypeFor[uint8](),
	reflect.Uint16:  reflect.TypeFor[uint16](),
	reflect.Uint32:  reflect.TypeFor[uint32](),
	reflect.Uint64:  reflect.TypeFor[uint64](),
	reflect.Float32: reflect.TypeFor[float32](),
	reflect.Float64: reflect.TypeFor[float64](),
}

// isMarshaler reports whether v says itself how it looks in JSON.
func isMarshaler(v any) bool {
	switch v.(type) {
	case json.Number, json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

// isBytes reports whether v is a slice of bytes, which JSON has as base64.
func isBytes(v any) bool {
	t := reflect.TypeOf(v)
	return t != nil && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !isMarshaler(v)
}

// marshal returns the JSON of v, without HTML escaping. Bytes are refused:
// nobody means to store base64.
func marshal(v any) ([]byte, error) {
	switch x := v.(type) {
	case json.RawMessage:
		return x, nil
	case json.Number:
		return []byte(x), checkGoNumber(x)
	}
	if isBytes(v) {
		return nil, newFault(ErrType, "is a slice of bytes, which JSON has as base64",
			"give a string, or a json.RawMessage for JSON")
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		f := newFault(ErrType, "has no JSON: "+cutText(err.Error()), "")
		f.cause = err
		return nil, f
	}
	if !validText(reflect.ValueOf(v)) {
		return nil, badGoText()
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// checkGoNumber refuses a json.Number that could be taken for another JSON value.
func checkGoNumber(n json.Number) error {
	if len(n) > 0 && isNumber(n[0]) {
		return nil
	}
	f := newFault(ErrSyntax, "is not a number", "")
	f.value = cutQuote(string(n))
	return f
}

// validText reports whether all strings in v are valid UTF-8. The JSON encoder
// would replace what is not. It has been through v before, so there are no
// cycles. What marshals itself is judged by its result.
func validText(v reflect.Value) bool {
	if !v.IsValid() || (v.CanInterface() && isMarshaler(v.Interface())) {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return validText(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !validText(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if !validText(entry.Key()) || !validText(entry.Value()) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !validText(v.Field(i)) {
				return false
			}
		}
	}
	return true
}

// describe shows a Go value in an error. Only values of simple types are
// shown; of others the type is named.
func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return cutQuote(x)
	case json.Number:
		return cutText(string(x))
	case json.RawMessage:
		return cutBytes(x)
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(x), 'g', -1, 32)
	case time.Time:
		return x.Format(time.RFC3339Nano)
	}
	if n, ok := intValue(v); ok {
		return strconv.FormatInt(n, 10)
	}
	if n, ok := uintValue(v); ok {
		return strconv.FormatUint(n, 10)
	}
	if basic, ok := basicValue(v); ok {
		return describe(basic)
	}
	return cutText(fmt.Sprintf("the %T", v))
}
