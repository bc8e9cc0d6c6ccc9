// Package literal writes the values of defaults as SQL literals, by the rules by which
// facts become rows.
package literal

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// Of returns v as a SQL literal for the column of f. The error says what is
// wrong with v, and does not name the field.
func Of(f fact.Field, v any) (string, error) {
	if !f.Array {
		return scalar(f, v)
	}
	v, err := plain(v)
	if err != nil {
		return "", err
	}
	rv := reflect.ValueOf(v)
	if kind := rv.Kind(); kind != reflect.Slice && kind != reflect.Array {
		return "", fmt.Errorf("%T is not a list", v)
	}
	parts := make([]string, rv.Len())
	for i := range parts {
		text, err := scalar(f, rv.Index(i).Interface())
		if err != nil {
			return "", fmt.Errorf("element %d: %w", i, err)
		}
		parts[i] = text
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

func scalar(f fact.Field, v any) (string, error) {
	if f.Type == fact.JSON || f.Type == fact.NativeJSON {
		return jsonLiteral(v, f.Type == fact.NativeJSON)
	}
	v, err := plain(v)
	if err != nil {
		return "", err
	}
	switch f.Type {
	case fact.String, fact.LowCardinalityString:
		return textLiteral(v)
	case fact.Bool:
		return boolLiteral(v)
	case fact.Int8, fact.Int16, fact.Int32, fact.Int64, fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64:
		return integerLiteral(f.Type, v)
	case fact.Float32:
		return floatLiteral(v, 32)
	case fact.Float64:
		return floatLiteral(v, 64)
	case fact.DateTime64:
		return timeLiteral(f, v)
	case fact.Date:
		return dateLiteral(v)
	case fact.UUID:
		return uuidLiteral(v)
	case fact.Decimal:
		return decimalLiteral(f, v)
	case fact.Enum:
		return enumLiteral(f, v)
	case fact.StringMap:
		return mapLiteral(v)
	default:
		return "", fmt.Errorf("unknown field type %d", int(f.Type))
	}
}

// plain follows pointers, and turns a value that says itself how it looks in
// JSON into that. Null is an error.
func plain(v any) (any, error) {
	switch x := v.(type) {
	case time.Time, json.Number:
		return v, nil
	case json.RawMessage:
		return decode(x)
	case json.Marshaler, encoding.TextMarshaler:
		raw, err := json.Marshal(x)
		if err != nil {
			return nil, fmt.Errorf("json: %w", err)
		}
		return decode(raw)
	}
	switch rv := reflect.ValueOf(v); {
	case !rv.IsValid(), rv.Kind() == reflect.Pointer && rv.IsNil():
		return nil, errors.New("null is not a value: leave the default out")
	case rv.Kind() == reflect.Pointer:
		return plain(rv.Elem().Interface())
	}
	return v, nil
}

// decode returns the value of a JSON text, numbers as json.Number.
func decode(raw []byte) (any, error) {
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%q is not valid JSON", sqltext.Shorten(string(raw)))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return plain(v)
}

// text returns v when it is of a string type other than json.Number.
func text(v any) (string, error) {
	rv := reflect.ValueOf(v)
	if _, number := v.(json.Number); number || rv.Kind() != reflect.String {
		return "", fmt.Errorf("%T is not text", v)
	}
	s := rv.String()
	if strings.ToValidUTF8(s, "") != s {
		return "", fmt.Errorf("%q %w", sqltext.Shorten(s), sqltext.ErrNotUTF8)
	}
	return s, nil
}

func textLiteral(v any) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	return sqltext.QuoteString(s), nil
}

func boolLiteral(v any) (string, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Bool {
		return "", fmt.Errorf("%T is not a bool", v)
	}
	return strconv.FormatBool(rv.Bool()), nil
}

func uuidLiteral(v any) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	if len(s) != 36 {
		return "", fmt.Errorf("%q is not a UUID such as 01234567-89ab-cdef-0123-456789abcdef", sqltext.Shorten(s))
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !sqltext.IsHex(s[i]) {
			return "", fmt.Errorf("%q is not a UUID such as 01234567-89ab-cdef-0123-456789abcdef", s)
		}
	}
	return sqltext.QuoteString(strings.ToLower(s)), nil
}

func enumLiteral(f fact.Field, v any) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	if !slices.Contains(f.Values, s) {
		return "", fmt.Errorf("%q is not one of its values", sqltext.Shorten(s))
	}
	return sqltext.QuoteString(s), nil
}

func mapLiteral(v any) (string, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Map || rv.Type().Key().Kind() != reflect.String {
		return "", fmt.Errorf("%T is not a map with text keys", v)
	}
	pairs := make(map[string]string, rv.Len())
	for _, k := range rv.MapKeys() {
		key, err := textLiteral(k.String())
		if err != nil {
			return "", fmt.Errorf("key %w", err)
		}
		elem, err := plain(rv.MapIndex(k).Interface())
		if err != nil {
			return "", fmt.Errorf("value of key %s: %w", sqltext.Shorten(key), err)
		}
		value, err := textLiteral(elem)
		if err != nil {
			return "", fmt.Errorf("value of key %s: %w", sqltext.Shorten(key), err)
		}
		pairs[key] = value
	}
	parts := make([]string, 0, 2*len(pairs))
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		parts = append(parts, key, pairs[key])
	}
	return "map(" + strings.Join(parts, ", ") + ")", nil
}
