package ddl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/fact"
)

// ErrLiteral is wrapped by the errors of [Literal].
var ErrLiteral = errors.New("no literal")

// Literal returns v as a SQL literal for the column of f. It is how a default
// gets into the table, so v is what a fact could hold in the field: any Go
// integer for the integer types, json.Number, text or time.Time for times, a
// slice for arrays, a map for a StringMap, and so on. NULL and values out of
// range are errors; nothing is rounded, cut or replaced.
func Literal(f fact.Field, v any) (string, error) {
	text, err := literal(f, v)
	if err != nil {
		return "", fmt.Errorf("field %q: %w: %w", f.Name, ErrLiteral, err)
	}
	return text, nil
}

func literal(f fact.Field, v any) (string, error) {
	if v == nil {
		return "", errors.New("null is not a value: leave the default out")
	}
	if !f.Array {
		return scalar(f, v)
	}
	rv := reflect.ValueOf(v)
	if kind := rv.Kind(); kind != reflect.Slice && kind != reflect.Array {
		return "", fmt.Errorf("%T is not a list", v)
	}
	parts := make([]string, rv.Len())
	for i := range parts {
		elem := rv.Index(i).Interface()
		if elem == nil {
			return "", fmt.Errorf("element %d is null", i)
		}
		text, err := scalar(f, elem)
		if err != nil {
			return "", fmt.Errorf("element %d: %w", i, err)
		}
		parts[i] = text
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

func scalar(f fact.Field, v any) (string, error) {
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
		return timeLiteral(v)
	case fact.Date:
		return dateLiteral(v)
	case fact.UUID:
		return uuidLiteral(v)
	case fact.Decimal:
		return decimalLiteral(f, v)
	case fact.Enum:
		return enumLiteral(f, v)
	case fact.JSON:
		return jsonLiteral(v, false)
	case fact.NativeJSON:
		return jsonLiteral(v, true)
	case fact.StringMap:
		return mapLiteral(v)
	}
	return "", fmt.Errorf("unknown field type %d", int(f.Type))
}

// text returns v when it is of a string type other than json.Number.
func text(v any) (string, error) {
	rv := reflect.ValueOf(v)
	if _, number := v.(json.Number); number || rv.Kind() != reflect.String {
		return "", fmt.Errorf("%T is not text", v)
	}
	s := rv.String()
	if strings.ToValidUTF8(s, "") != s {
		return "", fmt.Errorf("%q %w", shorten(s), errNotUTF8)
	}
	return s, nil
}

func textLiteral(v any) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	return QuoteString(s), nil
}

func boolLiteral(v any) (string, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Bool {
		return "", fmt.Errorf("%T is not a bool", v)
	}
	return strconv.FormatBool(rv.Bool()), nil
}

func uuidLiteral(v any) (string, error) {
	if b, ok := bytes16(v); ok {
		return QuoteString(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
	}
	s, err := text(v)
	if err != nil {
		return "", err
	}
	if len(s) != 36 {
		return "", fmt.Errorf("%q is not a UUID such as 01234567-89ab-cdef-0123-456789abcdef", shorten(s))
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return "", fmt.Errorf("%q is not a UUID such as 01234567-89ab-cdef-0123-456789abcdef", s)
		}
	}
	return QuoteString(strings.ToLower(s)), nil
}

// bytes16 returns v when it is an array of 16 bytes, as UUID types are.
func bytes16(v any) ([]byte, bool) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Array || rv.Len() != 16 || rv.Type().Elem().Kind() != reflect.Uint8 {
		return nil, false
	}
	b := make([]byte, 16)
	reflect.Copy(reflect.ValueOf(b), rv)
	return b, true
}

func enumLiteral(f fact.Field, v any) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	if !slices.Contains(f.Values, s) {
		return "", fmt.Errorf("%q is not one of its values", shorten(s))
	}
	return QuoteString(s), nil
}

// jsonLiteral writes the JSON text of v. A json.RawMessage is taken byte for
// byte. A Go string is a JSON string, not JSON text.
func jsonLiteral(v any, object bool) (string, error) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		if _, isBytes := v.([]byte); isBytes {
			return "", errors.New("[]byte is ambiguous: give json.RawMessage for JSON text")
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return "", fmt.Errorf("json: %w", err)
		}
		raw = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	if !json.Valid(raw) || checkText(string(raw)) != nil {
		return "", fmt.Errorf("%q is not valid JSON", shorten(string(raw)))
	}
	if object && bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return "", fmt.Errorf("%s is not a JSON object", shorten(string(raw)))
	}
	return QuoteString(string(raw)), nil
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
		elem := rv.MapIndex(k).Interface()
		value, err := textLiteral(elem)
		if err != nil {
			return "", fmt.Errorf("value of key %s: %w", shorten(key), err)
		}
		pairs[key] = value
	}
	parts := make([]string, 0, 2*len(pairs))
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		parts = append(parts, key, pairs[key])
	}
	return "map(" + strings.Join(parts, ", ") + ")", nil
}
