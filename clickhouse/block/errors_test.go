package block

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// errorSchema is what the messages below are about.
var errorSchema = fact.Schema{
	Name: "message",
	Fields: []fact.Field{
		{Name: "prompt_tokens", Type: fact.UInt32},
		{Name: "seed", Type: fact.Int8},
		{Name: "score", Type: fact.Float32},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "labels", Type: fact.StringMap},
		{Name: "price", Type: fact.Decimal, Precision: 9, Scale: 2},
		{Name: "kind", Type: fact.Enum, Values: strings.Split("a b c d e f g h i j k l", " ")},
		{Name: "at", Type: fact.DateTime64},
		{Name: "day", Type: fact.Date},
		{Name: "ref", Type: fact.UUID},
		{Name: "extra", Type: fact.NativeJSON},
		{Name: "ok", Type: fact.Bool},
	},
}

// TestErrorMessages holds the messages to what a stranger can act on.
func TestErrorMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{`{"prompt_tokens":4294967296}`, `field "prompt_tokens": 4294967296 is out of range for uint32 (0 to 4294967295): use a wider integer type in the schema`},
		{`{"seed":-129}`, `field "seed": -129 is out of range for int8 (-128 to 127): use a wider integer type in the schema`},
		{`{"prompt_tokens":3.5}`, `field "prompt_tokens": 3.5 is not an integer, as uint32 needs: use float64 or decimal in the schema`},
		{`{"prompt_tokens":"12"}`, `field "prompt_tokens": "12" is a string, want an integer: write the number without quotes, or take it with quoted: true in the schema`},
		{`{"prompt_tokens":null}`, `field "prompt_tokens": null is not allowed in a field that is not nullable: leave the key out, or give the field nullable: true or null: default in the schema`},
		{`{"prompt_tokens":[1, 2]}`, `field "prompt_tokens": [1, 2] is an array, want an integer`},
		{`{"score":1e39}`, `field "score": 1e39 is out of range for float32: use float64 in the schema`},
		{`{"role":5}`, `field "role": 5 is a number, want a string: write the value in quotes, or use json in the schema`},
		{`{"ok":1}`, `field "ok": 1 is a number, want true or false`},
		{`{"tags":["a",7]}`, `field "tags"[1]: 7 is a number, want a string: write the value in quotes, or use json in the schema`},
		{`{"labels":{"a":"b","k\n":{"x":1}}}`, `field "labels"["k\n"]: {"x":1} is an object, want a string: write the value in quotes, or use json in the schema`},
		{`{"labels":{"a":"b","a":""}}`, `field "labels": "a" is a key twice in the map`},
		{`{"price":1.555}`, `field "price": 1.555 has more than the 2 decimal places of the field: round it, or give the field a larger scale`},
		{`{"price":10000000}`, `field "price": 10000000 is out of range for decimal(9, 2): give the field a larger precision`},
		{`{"kind":"z"}`, `field "kind": "z" is not a value of the enum: use one of "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", … (12 values)`},
		{`{"at":"yesterday"}`, `field "at": "yesterday" is not a timestamp: write it as "2006-01-02T15:04:05.999Z", with an offset, or as "2006-01-02 15:04:05.999" in UTC`},
		{`{"at":1704164645}`, `field "at": 1704164645 is too small for milliseconds since 1970: it looks like seconds, which unit: s in the schema takes`},
		{`{"at":"2300-01-01"}`, `field "at": "2300-01-01" is out of range for datetime64 (1900-01-01 to 2299-12-31)`},
		{`{"day":"2024-01-02T03:04:05Z"}`, `field "day": "2024-01-02T03:04:05Z" has a time of day, which a date cannot hold: use datetime64 in the schema`},
		{`{"ref":"nope"}`, `field "ref": "nope" is not a UUID: write it as "61f0c404-5cb3-11e7-907b-a6006ad3dba0"`},
		{`{"extra":{"a":{"b":1},"a.b":2}}`, `field "extra": "a.b" is a path twice in the object: keep one of them`},
		{`{"prompt_token":1}`, `field "prompt_token": is not in the schema "message" at offset 1: did you mean "prompt_tokens"?`},
		{`{"Role":"x"}`, `field "Role": is not in the schema "message" at offset 1: did you mean "role"?`},
		{`{"something":1}`, `field "something": is not in the schema "message" at offset 1: add it to the schema, or choose to ignore or collect unknown keys`},
		{`{"ok":true,"ok":true}`, `field "ok": the key is there twice at offset 11: keep one of them`},
		{`{"ok":tru}`, "field \"ok\": invalid JSON: want a value, found `tru}` at offset 6"},
		{`{"ok":true "seed":1}`, "invalid JSON: want ',' or '}', found `\"seed\":1}` at offset 11"},
		{`{"ok":true`, `invalid JSON: want ',' or '}', found the end of the line at offset 10`},
		{`{"role":"\ud800"}`, "field \"role\": has half of a surrogate pair: `\\ud800` at offset 9: write the character itself, or both halves; with surrogates: replace in the schema, the field takes it for U+FFFD"},
		{"{\"role\":\"ab\xff\"}", "field \"role\": has a byte that is not valid UTF-8: `\\xff` at offset 11: convert the file to UTF-8"},
		{"{\"role\":\"a\tb\"}", "field \"role\": invalid JSON: want control characters in strings to be escaped, found `\\tb\"}` at offset 10"},
		{`{} {}`, "trailing data behind the object: `{}` at offset 3: put each object on a line of its own"},
		{`[{}]`, `the row is an array, want a JSON object`},
		{"\xef\xbb\xbf{}", "invalid JSON: want a value, found `\\ufeff{}`: the line begins with a byte order mark: remove it"},
	} {
		b := newBlock(t, errorSchema, Options{})
		require.EqualError(t, b.AppendJSON([]byte(c.line)), c.want, c.line)
	}
}

func TestErrorMessagesOfGoValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data map[string]any
		want string
	}{
		{map[string]any{"prompt_tokens": -1}, `field "prompt_tokens": -1 is out of range for uint32 (0 to 4294967295): use a signed integer type in the schema`},
		{map[string]any{"prompt_tokens": "many\n"}, `field "prompt_tokens": "many\n" is a string, want an integer`},
		{map[string]any{"tags": []any{"a", 7}}, `field "tags"[1]: 7 is a number, want a string: write the value in quotes, or use json in the schema`},
		{map[string]any{"tags": []string(nil)}, `field "tags": null is not allowed in a field that is not nullable: leave the key out, or take null (which a nil slice of Go is) for an empty array with null: default in the schema`},
		{map[string]any{"labels": map[string]any{"a": 1}}, `field "labels"["a"]: 1 is a number, want a string: write the value in quotes, or use json in the schema`},
		{map[string]any{"ok": nil}, `field "ok": null is not allowed in a field that is not nullable: leave the key out, or give the field nullable: true or null: default in the schema`},
		{map[string]any{"zz": 1}, `field "zz": is not in the schema "message": add it to the schema, or choose to ignore or collect unknown keys`},
	} {
		b := newBlock(t, errorSchema, Options{})
		err := b.AppendFact("", c.data)
		require.EqualError(t, err, c.want)
		var fe *FieldError
		require.ErrorAs(t, err, &fe)
		require.Equal(t, -1, fe.Offset)
	}
}

type failing struct{}

var errSorry = errors.New("sorry")

func (failing) MarshalJSON() ([]byte, error) { return nil, errSorry }

// TestErrorsOfGoValues: what has no JSON does not get as far as a column.
func TestErrorsOfGoValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data map[string]any
		want string
	}{
		{map[string]any{"role": []byte("x")}, `field "role": a []byte could be text or JSON: use a string for text, json.RawMessage for JSON`},
		{map[string]any{"role": make(chan int)}, `field "role": not a JSON value: json: unsupported type: chan int`},
		{map[string]any{"role": failing{}}, `field "role": not a JSON value: json: error calling MarshalJSON for type block.failing: sorry`},
		{map[string]any{"score": nan}, `field "score": not a JSON value: NaN: leave the key out, or give nil to a nullable field`},
		{map[string]any{"extra": json.RawMessage(`{"a":`)}, `field "extra": not a JSON value: the json.RawMessage is not JSON: "{\"a\":"`},
		{map[string]any{"prompt_tokens": float64(1 << 60)}, `field "prompt_tokens": 1.152921504606847e+18 is too large to be an exact integer in a float: give an integer type or a json.Number`},
	} {
		err := newBlock(t, errorSchema, Options{}).AppendFact("", c.data)
		require.ErrorContains(t, err, c.want)
		require.ErrorAs(t, err, new(*fact.FactError))
	}
	require.ErrorIs(t, newBlock(t, errorSchema, Options{}).AppendFact("", map[string]any{"role": failing{}}), errSorry)
}

func TestFieldError(t *testing.T) {
	t.Parallel()
	b := newBlock(t, errorSchema, Options{})
	err := b.AppendJSON([]byte(`{"ok":true, "tags": ["a", 12.5]}`))
	var fe *FieldError
	require.ErrorAs(t, err, &fe)
	require.Equal(t, "tags", fe.Field)
	require.Equal(t, "[1]", fe.Path)
	require.Equal(t, "12.5", fe.Value)
	require.Equal(t, 26, fe.Offset)
	require.ErrorIs(t, fe, ErrType)
	require.Equal(t, "type", Reason(fmt.Errorf("row 7: %w", err)))
}

func TestReason(t *testing.T) {
	t.Parallel()
	require.Empty(t, Reason(nil))
	require.Equal(t, "other", Reason(errors.New("x")))
	seen := map[string]bool{}
	for _, r := range reasons {
		require.Equal(t, r.slug, Reason(fmt.Errorf("x: %w", r.kind)))
		require.False(t, seen[r.slug])
		seen[r.slug] = true
	}
}

// TestLongValues: whatever the input, a message stays short and printable.
func TestLongValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for _, line := range []string{
		`{"ok":"` + long + `"}`,
		`{"ok":[` + long + `]}`,
		`{"kind":"` + strings.Repeat("日", 50_000) + `"}`,
		`{"kind":"` + strings.Repeat(`\u0000`, 50_000) + `"}`,
		`{"` + long + `":1}`,
		`{"` + strings.Repeat(`\u0007`, 1000) + `":1}`,
		`{"labels":{"` + long + `":1}}`,
		`{"labels":{"` + long + `":"","` + long + `":""}}`,
		`{"extra":{"` + long + `":1,"` + long + `":1}}`,
		`{"prompt_tokens":` + strings.Repeat("9", 100_000) + `}`,
		`{"prompt_tokens":"` + strings.Repeat("\x1b", 100) + `"}`,
		`{} ` + long,
		long,
		strings.Repeat("\xff", 1000),
		`{"ok":` + strings.Repeat("\x00", 1000),
	} {
		b := newBlock(t, errorSchema, Options{})
		err := b.AppendJSON([]byte(line))
		require.Error(t, err)
		message := err.Error()
		require.Less(t, len(message), 500, message)
		require.True(t, utf8.ValidString(message), "%q", message)
		require.NotContains(t, message, "\x1b")
		require.NotContains(t, message, "\x00")
		require.NotContains(t, message, "\n")
		var fe *FieldError
		require.ErrorAs(t, err, &fe)
		require.Less(t, len(fe.Field+fe.Path+fe.Value), 200)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "",
		"plain é日":                             "plain é日",
		"a\n\t\x00\u200b\x7f":                  `a\n\t\x00\u200b\x7f`,
		"\xff\xfe":                             `\xff\xfe`,
		"\ufffd":                               "\ufffd",
		strings.Repeat("x", 80):                strings.Repeat("x", 80),
		strings.Repeat("x", 81):                strings.Repeat("x", 80) + "…",
		strings.Repeat("日", 40):                strings.Repeat("日", 27) + "…",
		strings.Repeat("x", 79) + "日" + "tail": strings.Repeat("x", 79) + "日…",
	} {
		require.Equal(t, want, excerpt(in))
		require.Equal(t, want, excerptBytes([]byte(in)))
	}
}
