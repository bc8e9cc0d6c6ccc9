package fact

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// FactError says which fact of a call was refused, and why.
type FactError struct {
	// Index is the place of the fact in the call, from 0.
	Index int
	// Schema and ID are those of the fact. ID may be empty.
	Schema, ID string
	// Field is the name of the field at fault, or of the key that is no field. It
	// is empty when it is not about one field.
	Field string
	// Err is what was wrong.
	Err error
}

// Error says which fact and field it is about and what was wrong.
func (e *FactError) Error() string {
	where := fmt.Sprintf("fact %d (schema %q", e.Index, e.Schema)
	if e.ID != "" {
		where += fmt.Sprintf(", id %q", e.ID)
	}
	where += ")"
	what := e.Err.Error()
	if field := fmt.Sprintf("field %q", e.Field); e.Field != "" && !strings.HasPrefix(what, field) {
		where += ": " + field
	}
	return where + ": " + what
}

// Unwrap returns Err.
func (e *FactError) Unwrap() error { return e.Err }

var errNotUTF8 = errors.New("its JSON is not valid UTF-8")

// errBytes is the answer to bytes, which encoding/json would turn into base64.
var errBytes = errors.New("a []byte could be text or JSON: use a string for text, json.RawMessage for JSON")

// encodeFactData returns the fact's data as a JSON object with sorted keys.
// Errors are *FactError with Index 0.
func encodeFactData(f Fact) (json.RawMessage, error) {
	if f.Value != nil {
		return encodeFactValue(f)
	}
	var buf bytes.Buffer
	enc := newEncoder(&buf)
	buf.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(f.Data)) {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := encodeMember(enc, &buf, key, f.Data[key]); err != nil {
			return nil, &FactError{Schema: f.Schema, ID: f.ID, Field: key, Err: err}
		}
	}
	buf.WriteByte('}')
	if !utf8.Valid(buf.Bytes()) { // only a json.Marshaler can cause that
		return nil, &FactError{Schema: f.Schema, ID: f.ID, Err: errNotUTF8}
	}
	return buf.Bytes(), nil
}

func encodeMember(enc *json.Encoder, buf *bytes.Buffer, key string, value any) error {
	if !utf8.ValidString(key) {
		return errors.New("the name of the field is not valid UTF-8")
	}
	if err := enc.Encode(key); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the encoder ends each value with a newline
	buf.WriteByte(':')
	if err := encodePlain(enc, value); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1)
	return nil
}

// encodePlain encodes the value of a field, with a newline behind it.
func encodePlain(enc *json.Encoder, value any) error {
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("not a JSON value: %w", err)
	}
	return checkText(reflect.ValueOf(value), rejectBytes)
}

// encodeValue returns v as JSON, without escaping HTML characters.
func encodeValue(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	if err := newEncoder(&buf).Encode(v); err != nil {
		return nil, err
	}
	if err := checkText(reflect.ValueOf(v), allowBytes); err != nil {
		return nil, err
	}
	buf.Truncate(buf.Len() - 1)
	if !utf8.Valid(buf.Bytes()) {
		return nil, errNotUTF8
	}
	return buf.Bytes(), nil
}

func newEncoder(buf *bytes.Buffer) *json.Encoder {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return enc
}

func isByteSlice(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

var (
	jsonMarshalerType = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonNumberType    = reflect.TypeFor[json.Number]()
)

// hasOwnJSON reports whether values of type t decide on their own JSON.
func hasOwnJSON(t reflect.Type) bool {
	return t.Implements(jsonMarshalerType) || t.Implements(textMarshalerType)
}

// bytePolicy says what checkText does with a []byte.
type bytePolicy bool

const (
	allowBytes  bytePolicy = true
	rejectBytes bytePolicy = false
)

// checkText refuses strings that are not valid UTF-8, which encoding/json
// would change silently, and, where the policy says so, bytes outside of
// structs, which it would turn into base64. The value has been encoded before,
// so it has no cycles.
func checkText(v reflect.Value, policy bytePolicy) error {
	if !v.IsValid() {
		return nil
	}
	if v.Kind() != reflect.Interface && hasOwnJSON(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if !utf8.ValidString(s) {
			return fmt.Errorf("text is not valid UTF-8: %s", excerpt([]byte(s)))
		}
		if s == "" && v.Type() == jsonNumberType {
			return errors.New("an empty json.Number is not a number")
		}
	case reflect.Interface, reflect.Pointer:
		return checkText(v.Elem(), policy)
	case reflect.Slice, reflect.Array:
		return checkElements(v, policy)
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if err := checkText(iter.Key(), policy); err != nil {
				return err
			}
			if err := checkText(iter.Value(), policy); err != nil {
				return err
			}
		}
	case reflect.Struct:
		// A struct's JSON form is its author's choice, base64 included.
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if (!field.IsExported() && !field.Anonymous) || field.Tag.Get("json") == "-" {
				continue
			}
			if err := checkText(v.Field(i), allowBytes); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkElements(v reflect.Value, policy bytePolicy) error {
	if isByteSlice(v.Type()) {
		if policy == rejectBytes {
			return errBytes
		}
		return nil
	}
	switch v.Type().Elem().Kind() {
	case reflect.String, reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return nil // numbers and the like hold no text
	}
	for i := range v.Len() {
		if err := checkText(v.Index(i), policy); err != nil {
			return err
		}
	}
	return nil
}
