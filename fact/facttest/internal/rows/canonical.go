// Package rows has the values that the rules about materializers store, and compares
// rows in whatever form their values are.
package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// Side says where a value comes from. It matters for JSON only: what is read is text.
type Side bool

// The two sides.
const (
	Given Side = false
	Read  Side = true
)

// Texts returns a text for each row that is the same for equal rows, in
// whatever form the values are.
func Texts(t require.TestingT, schema fact.Schema, rows []map[string]any, from Side) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for _, f := range schema.Fields {
			text, err := canonical(f, row[f.Name], from)
			require.NoError(t, err, "row %d of %q, field %q: %v (%T)", i, schema.Name, f.Name, row[f.Name], row[f.Name])
			fmt.Fprintf(&b, "%s=%s\n", f.Name, text)
		}
		texts[i] = b.String()
	}
	return texts
}

// canonical returns the one text of a value of the field.
func canonical(f fact.Field, value any, from Side) (string, error) {
	if from == Given {
		value = held(f, value)
	}
	v, err := plain(value)
	if err != nil {
		return "", err
	}
	if v == nil {
		return "NULL", nil
	}
	if !f.Array {
		return Value(f, v, from)
	}
	list, ok := v.([]any)
	if !ok {
		return "", fmt.Errorf("%T is not a list", v)
	}
	texts := make([]string, len(list))
	for i, element := range list {
		if texts[i], err = Value(f, element, from); err != nil {
			return "", fmt.Errorf("element %d: %w", i, err)
		}
	}
	return "[" + strings.Join(texts, ", ") + "]", nil
}

// Plain returns what a field holds when it is given the value, as encoding/json decodes
// it, with exact numbers.
func Plain(f fact.Field, value any) (any, error) { return plain(held(f, value)) }

// held returns the JSON that a string in a JSON field holds, alone or in a list, and
// other values as they are.
func held(f fact.Field, value any) any {
	if f.Type != fact.JSON {
		return value
	}
	switch x := value.(type) {
	case string:
		if !f.Array {
			return json.RawMessage(x)
		}
	case []any:
		list := slices.Clone(x)
		for i := range list {
			if text, ok := list[i].(string); ok && f.Array {
				list[i] = json.RawMessage(text)
			}
		}
		return list
	}
	return value
}

// plain returns a value as encoding/json decodes it, with exact numbers.
func plain(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

func parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// Value is canonical for a value that is decoded and not a list.
func Value(f fact.Field, v any, from Side) (string, error) {
	switch f.Type {
	case fact.JSON, fact.NativeJSON, fact.StringMap:
		if text, ok := v.(string); ok && from == Read {
			var err error
			if v, err = parse([]byte(text)); err != nil {
				return "", err
			}
		}
		return canonicalJSON(v), nil
	case fact.Bool:
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
		return "", fmt.Errorf("%T is not a bool", v)
	}
	text, ok := v.(string)
	if number, isNumber := v.(json.Number); isNumber {
		text, ok = number.String(), true
	}
	if !ok {
		return "", fmt.Errorf("%T is neither text nor a number", v)
	}
	switch f.Type {
	case fact.String, fact.LowCardinalityString, fact.Enum:
		return strconv.Quote(text), nil
	case fact.UUID:
		return strings.ToLower(strings.ReplaceAll(text, "-", "")), nil
	case fact.DateTime64:
		return canonicalTime(text)
	case fact.Date:
		return text, nil
	case fact.Float32:
		x, err := strconv.ParseFloat(text, 32)
		return strconv.FormatFloat(x, 'g', -1, 32), err
	case fact.Float64:
		x, err := strconv.ParseFloat(text, 64)
		return strconv.FormatFloat(x, 'g', -1, 64), err
	default: // integers and decimals
		x, ok := new(big.Rat).SetString(text)
		if !ok {
			return "", fmt.Errorf("%q is not a number", text)
		}
		return x.RatString(), nil
	}
}

// canonicalTime returns milliseconds since 1970.
func canonicalTime(text string) (string, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return strconv.FormatInt(at.UnixMilli(), 10), nil
		}
	}
	return "", fmt.Errorf("%q is not a time", text)
}

// canonicalJSON returns JSON with sorted keys and with numbers in their lowest
// terms.
func canonicalJSON(v any) string {
	switch v := v.(type) {
	case json.Number:
		if x, ok := new(big.Rat).SetString(v.String()); ok {
			return x.RatString()
		}
		return v.String()
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = canonicalJSON(v[i])
		}
		return "[" + strings.Join(texts, ",") + "]"
	case map[string]any:
		texts := make([]string, 0, len(v))
		for key, value := range v {
			texts = append(texts, strconv.Quote(key)+":"+canonicalJSON(value))
		}
		sort.Strings(texts)
		return "{" + strings.Join(texts, ",") + "}"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v) // true, false, nil
	}
}
