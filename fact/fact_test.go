package fact_test

import (
	"encoding/json"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestFactAsJSON(t *testing.T) {
	t.Parallel()
	f := fact.Fact{Schema: "message", Data: map[string]any{"role": "user"}}
	text, err := json.Marshal(f)
	require.NoError(t, err)
	require.Equal(t, `{"schema":"message","data":{"role":"user"}}`, string(text))
	require.Equal(t, "message", f.EventType())
}

// masked has a text form of its own.
type masked string

func (masked) MarshalText() ([]byte, error) { return []byte("***"), nil }

func TestFactDataIsEncodedExactly(t *testing.T) {
	t.Parallel()
	type point struct {
		X float64 `json:"x"`
		B []byte  `json:"b"`
	}
	at := time.Date(2031, 5, 6, 7, 8, 9, 120_000_000, time.FixedZone("", 3600))
	text := "t"
	data := map[string]any{
		"z":       nil,
		"a":       `<b>"\` + "\u2028 é 🙂\n",
		"bool":    true,
		"int":     int64(math.MinInt64),
		"uint":    uint64(math.MaxUint64),
		"float":   0.1,
		"float32": float32(0.1),
		"zero":    math.Copysign(0, -1),
		"large":   1e300,
		"number":  json.Number("123456789012345678901234567890.50"),
		"raw":     json.RawMessage(`{"b":1.0, "a":"<>"}`),
		"time":    at,
		"pointer": &text,
		"list":    []any{1, "x", nil, []string{"y"}},
		"strings": []string{"a", "b"},
		"ip":      net.IPv4(127, 0, 0, 1), // bytes with a text form
		"secret":  masked("\xff"),
		"map":     map[string]any{"b": 1, "a": 2},
		"struct":  point{1.5, []byte{1}},
	}
	const want = `{"a":"<b>\"\\\u2028 é 🙂\n","bool":true,"float":0.1,"float32":0.1,"int":-9223372036854775808,` +
		`"ip":"127.0.0.1",` +
		`"large":1e+300,"list":[1,"x",null,["y"]],"map":{"a":2,"b":1},"number":123456789012345678901234567890.50,` +
		`"pointer":"t","raw":{"b":1.0, "a":"<>"},"secret":"***","strings":["a","b"],"struct":{"x":1.5,"b":"AQ=="},` +
		`"time":"2031-05-06T07:08:09.12+01:00","uint":18446744073709551615,"z":null,"zero":-0}`
	for range 3 { // maps are walked in another order each time
		e, err := fact.NewEvent("s", fact.Fact{Schema: "message", Data: data})
		require.NoError(t, err)
		require.Equal(t, want, string(e.Data))
	}
}

func TestFactDataRefused(t *testing.T) {
	t.Parallel()
	type named []byte
	cyclic := map[string]any{}
	cyclic["again"], cyclic["and again"] = cyclic, []any{cyclic, cyclic}
	tests := map[string]struct {
		value any
		want  string
	}{
		"NaN":               {math.NaN(), "NaN"},
		"infinity":          {[]any{math.Inf(-1)}, "-Inf"},
		"channel":           {make(chan int), "chan int"},
		"function":          {func() {}, "func()"},
		"complex":           {complex(1, 2), "complex128"},
		"bytes":             {[]byte("x"), "could be text or JSON"},
		"named bytes":       {named("x"), "could be text or JSON"},
		"bytes in a list":   {[]any{1, []byte("x")}, "could be text or JSON"},
		"list of bytes":     {[][]byte{[]byte("x")}, "could be text or JSON"},
		"bytes in a map":    {map[string][]byte{"k": []byte("x")}, "could be text or JSON"},
		"bad UTF-8":         {"a\xff", "not valid UTF-8"},
		"bad UTF-8 in list": {[]string{"a\xff"}, "not valid UTF-8"},
		"bad UTF-8 in map":  {map[string]any{"a\xff": 1}, "not valid UTF-8"},
		"bad UTF-8 raw":     {json.RawMessage("\"\xff\""), "not valid UTF-8"},
		"bad raw JSON":      {json.RawMessage("{"), "not a JSON value"},
		"bad number":        {json.Number("1x"), "not a JSON value"},
		"no number":         {json.Number(""), "empty json.Number"},
		"cycle":             {cyclic, "cycle"},
		"year 10000":        {time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year outside of range"},
		"long text":         {strings.Repeat("long", 50) + "\xff", `"... (201 bytes)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fact.NewEvent("s", fact.Fact{Schema: "message", ID: "m1", Data: map[string]any{"ok": 1, "value": test.value}})
			require.ErrorContains(t, err, test.want)
			var refused *fact.FactError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "message", refused.Schema)
			require.Equal(t, "m1", refused.ID)
			if name != "bad UTF-8 raw" { // only seen in the whole
				require.Equal(t, "value", refused.Field)
				require.ErrorContains(t, err, `fact 0 (schema "message", id "m1"): field "value": `)
			}
		})
	}
	_, err := fact.NewEvent("s", fact.Fact{Schema: "message", Data: map[string]any{"a\xff": 1}})
	require.ErrorContains(t, err, "not valid UTF-8")
}

func TestFactFromEvent(t *testing.T) {
	t.Parallel()
	f, err := fact.FactFromEvent(fact.Event{
		ID: "m1", Type: "message", Stream: "chat", Sequence: 3,
		Data: json.RawMessage(` {"n":9007199254740993,"f":1.50,"t":"\ud83d\ude42","l":[1e400,{"x":null}],"b":true} `),
	})
	require.NoError(t, err)
	require.Equal(t, fact.Fact{Schema: "message", ID: "m1", Data: map[string]any{
		"n": json.Number("9007199254740993"),
		"f": json.Number("1.50"),
		"t": "🙂",
		"l": []any{json.Number("1e400"), map[string]any{"x": nil}},
		"b": true,
	}}, f)

	f, err = fact.FactFromEvent(fact.Event{Type: "message", Data: json.RawMessage(`{}`)})
	require.NoError(t, err)
	require.Equal(t, fact.Fact{Schema: "message", Data: map[string]any{}}, f)
}

func TestFactFromEventRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ data, want string }{
		"empty":                {``, "not a JSON object"},
		"null":                 {`null`, "not a JSON object"},
		"list":                 {`[1]`, "not a JSON object"},
		"cut":                  {`{"a":`, "not valid JSON"},
		"more":                 {`{} {}`, "not valid JSON"},
		"bad UTF-8":            {"{\"a\":\"\xff\"}", "not valid UTF-8"},
		"twice":                {`{"a":1,"b":2,"a":1}`, `field "a" occurs twice`},
		"twice, escaped":       {`{"a":1,"\u0061":1}`, `field "a" occurs twice`},
		"high surrogate":       {`{"a":"x\ud83d"}`, "surrogate"},
		"high, then text":      {`{"a":"\uD83Dude42"}`, "surrogate"},
		"high, high":           {`{"a":"\ud83d\ud83d\ude42"}`, "surrogate"},
		"low surrogate":        {`{"a":"\ude42"}`, "surrogate"},
		"surrogate in a key":   {`{"\udfff":1}`, "surrogate"},
		"high, then an escape": {`{"a":"\ud83d\n"}`, "surrogate"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fact.FactFromEvent(fact.Event{ID: "m1", Type: "message", Data: json.RawMessage(test.data)})
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `event "m1" of type "message"`)
		})
	}
	_, err := fact.FactFromEvent(fact.Event{ID: "m1", Data: json.RawMessage(`{}`)})
	require.ErrorContains(t, err, "no type")
	_, err = fact.FactFromEvent(fact.Event{Type: "t", Data: json.RawMessage(`{"a":"\\ud83d \\\\u \/"}`)})
	require.NoError(t, err, "an escaped backslash is not an escape")
}

func TestFactSurvivesTheLog(t *testing.T) {
	t.Parallel()
	data := map[string]any{
		"text": "a\"<b>\u2028\\ud800", "n": json.Number("18446744073709551615"), "none": nil,
		"list": []any{"x", json.Number("1.0")}, "map": map[string]any{"k": false},
	}
	store := fact.NewMemoryStore()
	e, err := fact.NewEvent("s", fact.Fact{Schema: "message", ID: "m1", Data: data})
	require.NoError(t, err)
	require.NoError(t, store.Append(t.Context(), "s", []fact.Event{e}))
	events, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	back, err := fact.FactFromEvent(events[0])
	require.NoError(t, err)
	require.Equal(t, fact.Fact{Schema: "message", ID: "m1", Data: data}, back)
}
