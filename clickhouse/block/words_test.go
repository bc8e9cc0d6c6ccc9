package block

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// wordCases are values that a field takes by a word of the schema. Without the
// word it refuses them, and says that it is the word to use.
var wordCases = []struct {
	name  string
	field fact.Field
	hint  string // what the refusal without the words names
	want  map[string]string
	wrong map[string]string // part of the error
}{
	{
		"seconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Seconds},
		"unit: s",
		map[string]string{
			`1704164645`: "2024-01-02T03:04:05.000Z", `1704164645.678`: "2024-01-02T03:04:05.678Z", `"1704164645"`: "2024-01-02T03:04:05.000Z",
			`"1704164645.6789999"`: "2024-01-02T03:04:05.678Z", `[1704164645, 678999999]`: "2024-01-02T03:04:05.678Z", `[ 1 , 0 ]`: "1970-01-01T00:00:01.000Z",
			`-1`: "1969-12-31T23:59:59.000Z", `-0.0001`: "1969-12-31T23:59:59.999Z", `1.7e9`: "2023-11-14T22:13:20.000Z", `[-1,500000000]`: "1969-12-31T23:59:59.500Z",
		},
		map[string]string{
			`1704164645678`: "it looks like milliseconds, which unit: ms", `[1,1000000000]`: "not a list of seconds and nanoseconds", `[1]`: "not a list of seconds",
			`"1e3x"`: "is not a timestamp", `true`: "want a timestamp", `1e99`: "out of range", `[1,2,3]`: "not a list", `null`: "null is not allowed", `{}`: "is an object",
		},
	},
	{
		"milliseconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Milliseconds},
		"unit: ms",
		map[string]string{`"1704164645678"`: "2024-01-02T03:04:05.678Z", `1704164645678.9`: "2024-01-02T03:04:05.678Z"},
		map[string]string{`1704164645678000000`: "unit: ns", `[1,2]`: "is an array"},
	},
	{
		"small milliseconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Milliseconds},
		"",
		map[string]string{`5`: "1970-01-01T00:00:00.005Z", `"2024-01-02"`: "2024-01-02T00:00:00.000Z"},
		nil,
	},
	{
		"microseconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Microseconds},
		"unit: us",
		map[string]string{`1704164645678901`: "2024-01-02T03:04:05.678Z", `-1704164645678901`: "1915-12-31T20:55:54.321Z"},
		nil,
	},
	{
		"nanoseconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Nanoseconds},
		"unit: ns",
		map[string]string{`"1704164645678901234"`: "2024-01-02T03:04:05.678Z", `1704164645678901234`: "2024-01-02T03:04:05.678Z"},
		nil,
	},
	{
		"day",
		fact.Field{Type: fact.Date, Unit: fact.Seconds},
		"unit: s",
		map[string]string{`1704153600`: "2024-01-02", `[1704153600,0]`: "2024-01-02", `"1704153600.0"`: "2024-01-02"},
		map[string]string{`1704153601`: "has a time of day", `[1704153600,1]`: "has a time of day", `-86400`: "out of range"},
	},
	{
		"list of seconds",
		fact.Field{Type: fact.DateTime64, Unit: fact.Seconds, Array: true},
		"unit: s",
		map[string]string{`[1,[2,500000000]]`: "[1970-01-01T00:00:01.000Z 1970-01-01T00:00:02.500Z]"},
		nil,
	},
	{
		"quoted integer",
		fact.Field{Type: fact.UInt16, Quoted: true},
		"quoted: true",
		map[string]string{`"12"`: "12", `12`: "12", `"3.0"`: "3", `"1e3"`: "1000"},
		map[string]string{`"65536"`: "out of range for uint16", `"3.5"`: "is not an integer", `""`: "not an integer in quotes", `" 1"`: "not an integer in quotes", `"-1"`: "signed integer"},
	},
	{
		"quoted wide integer",
		fact.Field{Type: fact.Int64, Quoted: true},
		"quoted: true",
		map[string]string{`"1e3"`: "1000", `"-3.0"`: "-3"},
		nil,
	},
	{
		"quoted float",
		fact.Field{Type: fact.Float64, Quoted: true},
		"quoted: true",
		map[string]string{`"0.00012"`: "0.00012", `"-1e3"`: "-1000"},
		map[string]string{`"NaN"`: "nan: null", `"1,5"`: "not a number in quotes", `"1e999"`: "out of range"},
	},
	{
		"NaN",
		fact.Field{Type: fact.Float64, Nullable: true, NaNIsNull: true},
		"nan: null",
		map[string]string{`NaN`: "NULL", `Infinity`: "NULL", `-Infinity`: "NULL"},
		map[string]string{`nan`: "want a value", `-inf`: "want a digit", `NaNx`: "want ',' or '}'", `"NaN"`: "is a string"},
	},
	{
		"NaN in quotes",
		fact.Field{Type: fact.Int32, Nullable: true, NaNIsNull: true, Quoted: true},
		"",
		map[string]string{`"NaN"`: "NULL", `"-Infinity"`: "NULL", `NaN`: "NULL", `"1"`: "1", `null`: "NULL"},
		nil,
	},
	{
		"NaN for the default",
		fact.Field{Type: fact.Float32, NaNIsNull: true, NullIsDefault: true, Default: 0.5},
		"nan: null",
		map[string]string{`NaN`: "0.5", `-Infinity`: "0.5"},
		nil,
	},
	{
		"NaN in json",
		fact.Field{Type: fact.JSON, NaNIsNull: true},
		"nan: null",
		map[string]string{`{"a":[NaN,-Infinity , 1],"NaN":"NaN"}`: `"{\"a\":[null,null , 1],\"NaN\":\"NaN\"}"`, `[Infinity]`: `"[null]"`},
		map[string]string{`NaN`: "is not allowed in a field that is not nullable", `{"a":NaNN}`: "want ',' or '}'", `{NaN:1}`: "want a key", `null`: "null is not allowed"},
	},
	{
		"NaN in native json",
		fact.Field{Type: fact.NativeJSON, NaNIsNull: true},
		"nan: null",
		map[string]string{`{"a":[NaN,1],"b":-Infinity}`: `{"a":[null,1],"b":null}`, `{"a":["x",-Infinity]}`: `{"a":["x",null]}`},
		map[string]string{`{"a":[NaN]}`: "stands in an array without text", `{"a":[{},-Infinity]}`: "stands in an array without text"},
	},
	{
		"half a pair",
		fact.Field{Type: fact.String, ReplaceSurrogates: true},
		"surrogates: replace",
		map[string]string{`"a\ud83d"`: `"a�"`, `"\ud83d\ud83d\ude00\udc00x"`: `"�😀�x"`, `"\uD83Dé"`: `"�é"`},
		map[string]string{`"\ud83"`: "want an escape", `"\x"`: "want an escape"},
	},
	{
		"half a pair in a dictionary",
		fact.Field{Type: fact.LowCardinalityString, Array: true, ReplaceSurrogates: true},
		"surrogates: replace",
		map[string]string{`["\udc00","b"]`: `["�" "b"]`},
		nil,
	},
	{
		"half a pair in json",
		fact.Field{Type: fact.JSON, ReplaceSurrogates: true},
		"surrogates: replace",
		map[string]string{`{"k\ud83d":["é\udc00\n","\ud83d\ude00"]}`: `"{\"k\\ufffd\":[\"é\\ufffd\\n\",\"\\ud83d\\ude00\"]}"`},
		map[string]string{`{"a":NaN}`: "nan: null"},
	},
	{
		"half a pair in native json",
		fact.Field{Type: fact.NativeJSON, ReplaceSurrogates: true},
		"surrogates: replace",
		map[string]string{`{"a\ud83d":"\udc00"}`: `{"a\ufffd":"\ufffd"}`},
		map[string]string{`{"\ud83d":1,"\udc00":2}`: "is a path twice"},
	},
	{
		"half a pair in a map",
		fact.Field{Type: fact.StringMap, ReplaceSurrogates: true},
		"surrogates: replace",
		map[string]string{`{"a":"x\udc00"}`: `{"a":"x�"}`},
		map[string]string{`{"\ud83d":"","\udc00":""}`: "is a key twice"},
	},
	{
		"null for zero",
		fact.Field{Type: fact.UInt8, NullIsDefault: true},
		"null: default",
		map[string]string{`null`: "0", `1`: "1"},
		map[string]string{`nul`: "want a value"},
	},
	{
		"null for the default",
		fact.Field{Type: fact.String, NullIsDefault: true, Default: "none"},
		"null: default",
		map[string]string{`null`: `"none"`, `""`: `""`},
		nil,
	},
	{
		"null for an empty list",
		fact.Field{Type: fact.String, Array: true, NullIsDefault: true},
		"null: default",
		map[string]string{`null`: "[]"},
		map[string]string{`[null]`: "null is not allowed"},
	},
	{
		"null for an empty map",
		fact.Field{Type: fact.StringMap, NullIsDefault: true},
		"null: default",
		map[string]string{`null`: "{}"},
		nil,
	},
	{
		"null for an empty object",
		fact.Field{Type: fact.NativeJSON, NullIsDefault: true},
		"null: default",
		map[string]string{`null`: `{}`},
		nil,
	},
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range wordCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			with := newBlock(t, oneField(c.field), Options{})
			bare := fact.Field{Type: c.field.Type, Array: c.field.Array, Nullable: c.field.Nullable, Default: c.field.Default, Precision: c.field.Precision}
			without := newBlock(t, oneField(bare), Options{})
			for text, want := range c.want {
				require.NoError(t, with.AppendJSON(row(text)), text)
				require.Equal(t, want, lastValue(t, with), text)
				// Whoever is refused learns of the word.
				if err := without.AppendJSON(row(text)); err != nil && c.hint != "" {
					require.ErrorContains(t, err, c.hint, text)
				}
			}
			for text, want := range c.wrong {
				require.ErrorContains(t, with.AppendJSON(row(text)), want, text)
			}
			require.Equal(t, len(c.want), with.Rows())
		})
	}
}

// The words of one field do not count for what follows it.
func TestWordsEndWithTheirField(t *testing.T) {
	t.Parallel()
	b := newBlock(t, fact.Schema{Name: "s", Fields: []fact.Field{
		{Name: "a", Type: fact.JSON, NaNIsNull: true, ReplaceSurrogates: true, NullIsDefault: true}, {Name: "b", Type: fact.Float64, Nullable: true}, {Name: "c"},
	}}, Options{UnknownKeys: IgnoreUnknown})
	require.NoError(t, b.AppendJSON([]byte(`{"a":[NaN,"\ud83d"],"b":null,"c":"c"}`)))
	for _, line := range []string{
		`{"a":[NaN],"b":NaN}`, `{"a":null,"b":NaN}`, `{"a":["\ud83d"],"c":"\ud83d"}`, `{"a":[NaN],"other":NaN}`, `{"a":[NaN],"\ud83d":1}`, `{"a":[NaN],"other":"\ud83d"}`, `{"a":[NaN]}NaN`,
	} {
		require.Error(t, b.AppendJSON([]byte(line)), line)
	}
	require.Equal(t, 1, b.Rows())
}

// What is collected is taken by the words of the field that it goes to.
func TestWordsOfCollectedKeys(t *testing.T) {
	t.Parallel()
	b := newBlock(t, fact.Schema{Name: "s", Fields: []fact.Field{{Name: "rest", Type: fact.JSON, NaNIsNull: true, ReplaceSurrogates: true}}},
		Options{UnknownKeys: CollectUnknown, CollectInto: "rest"})
	require.NoError(t, b.AppendJSON([]byte(`{"a":NaN,"b":{"c":"\ud83d"}}`)))
	require.Equal(t, `"{\"a\":null,\"b\":{\"c\":\"\\ufffd\"}}"`, lastValue(t, b))
}

func TestTimePrecision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		precision int
		value     string
		want      int64
	}{
		{0, `"2024-01-02T03:04:05.678901234Z"`, 1704164645_678},
		{3, `"2024-01-02T03:04:05.678901234Z"`, 1704164645_678},
		{6, `"2024-01-02T03:04:05.678901234Z"`, 1704164645_678901},
		{9, `"2024-01-02T03:04:05.678901234Z"`, 1704164645_678901234},
		{6, `"1969-12-31T23:59:59.9999999Z"`, -1},
		{6, `"2299-12-31T23:59:59.999999Z"`, 10413791999_999999},
		{9, `"1900-01-01"`, -2208988800_000000000},
		{9, `"2262-04-11T23:47:15.999999999Z"`, 9223372035_999999999},
		{9, `1704164645678`, 1704164645_678000000},
		{9, `-1704164645678`, -1704164645_678000000},
	} {
		b := newBlock(t, oneField(fact.Field{Type: fact.DateTime64, Precision: c.precision}), Options{})
		require.NoError(t, b.AppendJSON(row(c.value)))
		require.Equal(t, fmt.Sprintf("DateTime64(%d, 'UTC')", max(c.precision, 3)), b.Layout().Columns()[0].Type)
		require.Equal(t, c.want, b.columns[0].(*dateTimeColumn).data[0], "%d %s", c.precision, c.value) //nolint:forcetypeassert // a test
	}
	b := newBlock(t, oneField(fact.Field{Type: fact.DateTime64, Precision: 9}), Options{})
	require.ErrorContains(t, b.AppendJSON(row(`"2262-04-11T23:47:16Z"`)), "1900-01-01 to 2262-04-11): with precision: 6")
	require.ErrorIs(t, b.AppendJSON(row(`"1899-12-31"`)), ErrRange)
}

// FuzzWords compares the words with other ways to the same rows.
func FuzzWords(f *testing.F) {
	for _, c := range wordCases {
		for text := range c.want {
			f.Add(text)
		}
		for text := range c.wrong {
			f.Add(text)
		}
	}
	compile := func(field fact.Field) *Block { return newBlock(f, oneField(field), Options{}) }
	plain, nan := compile(fact.Field{Type: fact.JSON, Nullable: true}), compile(fact.Field{Type: fact.JSON, Nullable: true, NaNIsNull: true})
	replace := compile(fact.Field{Type: fact.JSON, Nullable: true, ReplaceSurrogates: true})
	number, quoted := compile(fact.Field{Type: fact.Float64}), compile(fact.Field{Type: fact.Float64, Quoted: true})
	integer, quotedInteger := compile(fact.Field{Type: fact.UInt32}), compile(fact.Field{Type: fact.UInt32, Quoted: true})
	text, replacedText := compile(fact.Field{}), compile(fact.Field{ReplaceSurrogates: true})
	try := func(t *testing.T, b *Block, value string) (got string, ok bool) {
		b.Reset()
		if err := b.AppendJSON(row(value)); err != nil {
			require.Zero(t, b.Rows())
			return "", false
		}
		return lastValue(t, b), true
	}
	f.Fuzz(func(t *testing.T, value string) {
		// What is taken without a word is taken with it, as the same.
		for _, pair := range [][2]*Block{{plain, nan}, {plain, replace}, {number, quoted}, {integer, quotedInteger}, {text, replacedText}} {
			if want, ok := try(t, pair[0], value); ok {
				got, ok := try(t, pair[1], value)
				require.True(t, ok, value)
				require.Equal(t, want, got)
			}
		}
		// What a word has changed is JSON that everybody takes.
		for _, b := range []*Block{nan, replace} {
			if got, ok := try(t, b, value); ok && got != "NULL" {
				var stored string
				require.NoError(t, json.Unmarshal([]byte(got), &stored), got)
				require.True(t, refText([]byte(stored), DefaultMaxDepth), stored)
			}
		}
		// In quotes, a number is the same number.
		for _, pair := range [][2]*Block{{number, quoted}, {integer, quotedInteger}} {
			var inner string
			if json.Unmarshal([]byte(value), &inner) != nil || len(value) == 0 || value[0] != '"' || !json.Valid([]byte(inner)) || !isJSONNumber([]byte(inner)) {
				continue
			}
			want, wantOK := try(t, pair[0], inner)
			got, ok := try(t, pair[1], value)
			require.Equal(t, wantOK, ok, value)
			require.Equal(t, want, got)
		}
	})
}
