package block

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	valid := oneField(fact.Field{Type: fact.String})
	for _, c := range []struct {
		name    string
		schema  fact.Schema
		options Options
		want    string
	}{
		{"invalid schema", fact.Schema{Name: "a"}, Options{}, "has no fields"},
		{"unknown type", oneField(fact.Field{Type: 99}), Options{}, "unknown type"},
		{"bad default", oneField(fact.Field{Type: fact.UInt8, Default: 300}), Options{}, `default: field "x": 300 is out of range for uint8 (0 to 255)`},
		{"negative depth", valid, Options{MaxDepth: -1}, "max depth -1 is not between 1 and 10000"},
		{"too much depth", valid, Options{MaxDepth: 10_001}, "max depth 10001"},
		{"unknown policy", valid, Options{UnknownKeys: 7}, "policy 7 does not exist"},
		{"collect without policy", valid, Options{CollectInto: "x"}, `into "x" is given`},
		{"collect into no field", valid, Options{UnknownKeys: CollectUnknown}, `collected into ""`},
		{"collect into text", valid, Options{UnknownKeys: CollectUnknown, CollectInto: "x"}, "must be a json or native_json field"},
		{"collect into an array", oneField(fact.Field{Type: fact.JSON, Array: true}), Options{UnknownKeys: CollectUnknown, CollectInto: "x"}, "must be a json"},
	} {
		_, err := Compile(c.schema, c.options)
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "s", OrderBy: []string{"a"}, Fields: []fact.Field{
		{Name: "a", Type: fact.String, Default: "d"},
		{Name: "b", Type: fact.Enum, Values: []string{"x", "y"}},
	}}
	l := mustCompile(t, s, Options{})
	require.Equal(t, []ColumnInfo{{"a", "String"}, {"b", "Enum8('x' = 1, 'y' = 2)"}}, l.Columns())
	require.Equal(t, s, l.Schema())
	// Neither side's changes reach the layout.
	s.Fields[0].Name, s.Fields[1].Values[0], s.OrderBy[0] = "changed", "changed", "changed"
	l.Schema().Fields[0].Name, l.Columns()[0].Name = "changed", "changed"
	require.Equal(t, "a", l.Columns()[0].Name)
	require.Equal(t, "x", l.Schema().Fields[1].Values[0])
	b := l.NewBlock()
	require.Same(t, l, b.Layout())
	require.NoError(t, b.AppendJSON([]byte(`{"a":"v","b":"x"}`)))
}

var collectSchema = fact.Schema{Name: "c", Fields: []fact.Field{
	{Name: "s", Type: fact.String},
	{Name: "rest", Type: fact.JSON},
}}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	nullable := collectSchema
	nullable.Fields = []fact.Field{collectSchema.Fields[0], {Name: "rest", Type: fact.JSON, Nullable: true}}
	native := collectSchema
	native.Fields = []fact.Field{collectSchema.Fields[0], {Name: "rest", Type: fact.NativeJSON}}
	ignore := Options{UnknownKeys: IgnoreUnknown}
	collect := Options{UnknownKeys: CollectUnknown, CollectInto: "rest"}
	for _, c := range []struct {
		schema  fact.Schema
		options Options
		line    string
		want    string
		kind    error
	}{
		{collectSchema, ignore, `{"s":"a","z":{"k":[1,{}]},"\ud83d\ude00":null,"y":-1.5e3}`, `"a" "{}"`, nil},
		{collectSchema, ignore, `{"z":1,"s":"a","z":2}`, "", ErrDuplicateKey},
		{collectSchema, ignore, `{"z":1,"\u007a":2}`, "", ErrDuplicateKey},
		{collectSchema, ignore, `{"z":01}`, "", ErrSyntax},
		{collectSchema, ignore, `{"z":"\ud800"}`, "", ErrUTF8},
		{collectSchema, ignore, `{"z":` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + "}", "", ErrDepth},
		{collectSchema, collect, `{"s":"a"}`, `"a" "{}"`, nil},
		{collectSchema, collect, `{"z": {"k" : 1} ,"s":"a","\u0061\n":"\u00e9", "b":null}`, `"a" "{\"z\":{\"k\" : 1},\"\\u0061\\n\":\"\\u00e9\",\"b\":null}"`, nil},
		{collectSchema, collect, `{"rest":{"k":1},"s":"a"}`, `"a" "{\"k\":1}"`, nil},
		{collectSchema, collect, `{"rest":{"k":1},"z":1}`, "", ErrUnknownKey},
		{collectSchema, collect, `{"z":1,"z":1}`, "", ErrDuplicateKey},
		{collectSchema, collect, `{"z":}`, "", ErrSyntax},
		{nullable, collect, `{"s":"a"}`, `"a" NULL`, nil},
		{nullable, collect, `{"z":1}`, `"" "{\"z\":1}"`, nil},
		{native, collect, `{"z":1,"y":{"x":2}}`, `"" {"z":1,"y":{"x":2}}`, nil},
		{native, collect, `{"z.y":1,"z":{"y":2}}`, "", ErrDuplicateKey},
		{native, collect, `{"s":"a"}`, `"a" {}`, nil},
	} {
		b := newBlock(t, c.schema, c.options)
		for range 2 { // the second row finds nothing left of the first
			err := b.AppendJSON([]byte(c.line))
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind, c.line)
				require.Zero(t, b.Rows())
				continue
			}
			require.NoError(t, err, c.line)
		}
		if c.kind == nil {
			require.Equal(t, []string{c.want, c.want}, allValues(t, b), c.line)
		}
	}
}

func TestUnknownKeysOfGoValues(t *testing.T) {
	t.Parallel()
	data := map[string]any{"s": "a", "z": []int{1}, "é<": map[string]any{"k": "<"}, "b": nil}
	b := newBlock(t, collectSchema, Options{})
	require.ErrorIs(t, b.AppendFact("", data), ErrUnknownKey)
	b = newBlock(t, collectSchema, Options{UnknownKeys: IgnoreUnknown})
	require.NoError(t, b.AppendFact("", data))
	require.Equal(t, []string{`"a" "{}"`}, allValues(t, b))
	b = newBlock(t, collectSchema, Options{UnknownKeys: CollectUnknown, CollectInto: "rest"})
	require.NoError(t, b.AppendFact("", data))
	require.Equal(t, []string{`"a" "{\"b\":null,\"z\":[1],\"é<\":{\"k\":\"<\"}}"`}, allValues(t, b))
	for _, bad := range []any{make(chan int), []byte("x"), "\xff", json.RawMessage(`1,"x":2`), json.RawMessage(`"\ud800"`)} {
		require.Error(t, b.AppendFact("", map[string]any{"z": bad}), bad)
	}
	require.ErrorContains(t, b.AppendFact("", map[string]any{"\xff": 1}), "the name of the field is not valid UTF-8")
	require.ErrorIs(t, b.AppendFact("", map[string]any{"z": 1, "rest": 1}), ErrUnknownKey)
	require.Equal(t, 1, b.Rows())
}

func TestRequired(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "s", OrderBy: []string{"a", "b"}, Fields: []fact.Field{
		{Name: "a", Type: fact.String},
		{Name: "b", Type: fact.UInt8, Default: 3},
		{Name: "c", Type: fact.String},
	}}
	b := newBlock(t, s, Options{})
	require.NoError(t, b.AppendJSON([]byte(`{"a":""}`)))
	require.NoError(t, b.AppendFact("ignored, since no field carries it", map[string]any{"a": ""}))
	require.Equal(t, []string{`"" 3 ""`, `"" 3 ""`}, allValues(t, b))
	for _, err := range []error{b.AppendJSON([]byte(`{"b":1,"c":""}`)), b.AppendFact("", map[string]any{"c": "x"})} {
		require.ErrorIs(t, err, ErrMissing)
		require.ErrorContains(t, err, `field "a": is missing: it is in order_by and has no default`)
	}
	require.ErrorIs(t, b.AppendJSON([]byte(`{"a":null}`)), ErrNull)
}

func TestFactID(t *testing.T) {
	t.Parallel()
	const id, text = "61f0c4045cb311e7907ba6006ad3dba0", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
	for _, c := range []struct {
		typ  fact.FieldType
		id   string
		data string // JSON of the field, "" for none
		want string
		kind error
	}{
		{fact.String, "a", "", `"a"`, nil},
		{fact.String, "", `"a"`, `"a"`, nil},
		{fact.String, "a", `"a"`, `"a"`, nil},
		{fact.String, "a", `"b"`, "", ErrID},
		{fact.String, "a", `null`, "", ErrNull},
		{fact.String, "a", `1`, "", ErrType},
		{fact.String, "", "", "", ErrMissing},
		{fact.String, "", `""`, "", ErrMissing},
		{fact.String, "a", `""`, "", ErrMissing},
		{fact.String, "\xff", "", "", ErrUTF8},
		{fact.UUID, id, "", text, nil},
		{fact.UUID, text, "", text, nil},
		{fact.UUID, id, `"` + text + `"`, text, nil},
		{fact.UUID, "", `"` + id + `"`, text, nil},
		{fact.UUID, text[:35] + "1", `"` + text + `"`, "", ErrID},
		{fact.UUID, "x", `"` + text + `"`, "", ErrID},
		{fact.UUID, "x", "", "", ErrFormat},
		{fact.UUID, "", "", "", ErrMissing},
		{fact.UUID, "", `""`, "", ErrFormat},
	} {
		s := fact.Schema{Name: "s", Fields: []fact.Field{{Name: "n", Type: fact.UInt8}, {Name: "x", Type: c.typ, FactID: true}}}
		data, line := map[string]any{}, []byte("{}")
		if c.data != "" {
			data["x"], line = json.RawMessage(c.data), row(c.data)
		}
		b := newBlock(t, s, Options{})
		errs := []error{b.AppendFact(c.id, data), b.AppendJSONFact(c.id, line)}
		want := 2
		if c.id == "" {
			errs, want = append(errs, b.AppendJSON(line)), 3
		}
		for _, err := range errs {
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind, "%+v", c)
				var fe *FieldError
				require.ErrorAs(t, err, &fe)
				require.Equal(t, "x", fe.Field)
				want = 0
				continue
			}
			require.NoError(t, err, "%+v", c)
		}
		require.Equal(t, want, b.Rows())
		for _, v := range values(t, b, 1) {
			require.Equal(t, c.want, v)
		}
	}
}

func TestMaxDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 2, 3, 63, 64, 65, 128, 1000, MaxMaxDepth} {
		s := fact.Schema{Name: "s", Fields: []fact.Field{
			{Name: "j", Type: fact.JSON},
			{Name: "n", Type: fact.NativeJSON},
			{Name: "a", Type: fact.String, Array: true},
			{Name: "m", Type: fact.StringMap},
		}}
		b := newBlock(t, s, Options{MaxDepth: depth, UnknownKeys: IgnoreUnknown})
		nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
		mixed := func(n int) string { // objects and arrays by turns
			return strings.Repeat(`{"k":[`, n/2) + strings.Repeat(`{`, n%2) + strings.Repeat(`}`, n%2) + strings.Repeat(`]}`, n/2)
		}
		for _, key := range []string{"j", "unknown"} {
			require.NoError(t, b.AppendJSON([]byte(`{"`+key+`":1}`)))
			if depth > 1 {
				require.NoError(t, b.AppendJSON([]byte(`{"`+key+`":`+nested(depth-1)+`}`)), depth)
				require.NoError(t, b.AppendJSON([]byte(`{"`+key+`":`+mixed(depth-1)+`}`)), depth)
			}
			require.ErrorIs(t, b.AppendJSON([]byte(`{"`+key+`":`+nested(depth)+`}`)), ErrDepth)
			require.ErrorIs(t, b.AppendJSON([]byte(`{"`+key+`":`+mixed(depth)+`}`)), ErrDepth)
			require.ErrorIs(t, b.AppendJSON([]byte(`{"`+key+`":`+strings.Repeat("[", 100_000))), ErrDepth)
		}
		line := []byte(`{"a":["x"],"m":{"k":"v"},"n":{}}`)
		if depth == 1 {
			require.ErrorIs(t, b.AppendJSON(line), ErrDepth)
		} else {
			require.NoError(t, b.AppendJSON(line))
		}
	}
}
