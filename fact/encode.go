package fact

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"
)

var errNotUTF8 = errors.New("its JSON is not valid UTF-8")

// errBytes is the answer to bytes, which encoding/json would turn into base64.
var errBytes = errors.New("a []byte could be text or JSON: use a string for text, json.RawMessage for JSON")

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
	if !utf8.Valid(buf.Bytes()) { // only a json.Marshaler can cause that
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
