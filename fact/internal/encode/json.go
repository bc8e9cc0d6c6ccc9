package encode

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"
)

var errNotUTF8 = errors.New("its JSON is not valid UTF-8")

// errBytes is the answer to bytes, which encoding/json would turn into base64.
var errBytes = errors.New("a []byte could be text or JSON: use a string for text, json.RawMessage for JSON")

// Value returns v as JSON, without escaping HTML characters.
func Value(v any) (json.RawMessage, error) {
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

// keyPrefix returns a key of an object with its colon.
func keyPrefix(name string) string { return string(jsontext.AppendString(nil, name)) + ":" }
