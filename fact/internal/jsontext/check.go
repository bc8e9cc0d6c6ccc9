package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Check says why text is not one JSON value that can be stored as it is.
func Check(text []byte) error {
	switch {
	case !json.Valid(text):
		return fmt.Errorf("is not JSON: %s", Excerpt(text))
	case !utf8.Valid(text):
		return fmt.Errorf("is not valid UTF-8: %s", Excerpt(text))
	case hasLoneSurrogate(text):
		return fmt.Errorf("has half of a surrogate pair: %s", Excerpt(text))
	}
	return nil
}

// CheckObject says why b is not exactly one JSON object whose text a Go string
// can hold.
func CheckObject(b []byte) error {
	trimmed := bytes.TrimLeft(b, " \t\r\n")
	switch {
	case len(trimmed) == 0 || trimmed[0] != '{':
		return fmt.Errorf("data is not a JSON object: %s", Excerpt(b))
	case !json.Valid(b):
		return fmt.Errorf("data is not valid JSON: %s", Excerpt(b))
	case !utf8.Valid(b):
		return fmt.Errorf("data is not valid UTF-8: %s", Excerpt(b))
	case hasLoneSurrogate(b):
		return errors.New(`data has half of a surrogate pair (\ud800 to \udfff): escape both halves or neither`)
	}
	return nil
}

// DecodeObject decodes exactly one JSON object.
func DecodeObject(b []byte) (map[string]any, error) {
	if err := CheckObject(b); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	data := make(map[string]any)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("key %v is not text", key)
		}
		if _, twice := data[name]; twice {
			return nil, fmt.Errorf("field %q occurs twice", name)
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		data[name] = value
	}
	return data, nil
}

// NotUTF8 is the answer to text that is not valid UTF-8, which encoding/json would
// change.
func NotUTF8(s string) error {
	return fmt.Errorf("text is not valid UTF-8: %s", Excerpt([]byte(s)))
}

// Excerpt quotes the beginning of b for an error message.
func Excerpt(b []byte) string {
	const limit = 64
	if len(b) <= limit {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%q... (%d bytes)", b[:limit], len(b))
}

// IsDigits reports whether s is one digit or more and nothing else.
func IsDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// CheckMetadata refuses metadata of an event that is not valid UTF-8.
func CheckMetadata(metadata map[string]string) error {
	for k, v := range metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("metadata is not valid UTF-8: %q: %q", k, v)
		}
	}
	return nil
}
