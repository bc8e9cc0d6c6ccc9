package infer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/schemas/infer"
)

// inferredLines are the fields of rows, without their indentation.
func inferredLines(t *testing.T, rows ...string) string {
	t.Helper()
	lines := inferredFields(t, rows...)
	for i := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(lines[i]), "- ")
	}
	return strings.Join(lines, "\n")
}

// Values in objects become fields with short names of their own.
func TestInferNested(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rows, want string }{
		{
			"short names", `{"id":1,"response":{"body":{"id":2,"usage":{"in":3,"out":4}}}}`,
			"{name: id, type: int64}\n{name: body_id, from: response.body.id, type: int64}\n" +
				"{name: in, from: response.body.usage.in, type: int64}\n{name: out, from: response.body.usage.out, type: int64}",
		},
		{
			"taken names, those nearer to the row first", `{"a":{"b":{"x":1}},"c":{"x":2},"x":3,"b":{"x":4}}`,
			"{name: a_b_x, from: a.b.x, type: int64}\n{name: c_x, from: c.x, type: int64}\n{name: x, type: int64}\n{name: b_x, from: b.x, type: int64}",
		},
		{
			"null and missing on the way", `{"n":1,"a":{"b":{"c":1}}}` + "\n" + `{"n":2,"a":null}` + "\n" + `{"n":3}`,
			"{name: n, type: int64}\n{name: c, from: a.b.c, type: int64, nullable: true}  # in 1 of 3 rows",
		},
		{"not always an object", `{"a":{"b":1}}` + "\n" + `{"a":"text"}`, "{name: a, type: json}  # holds text and objects"},
		{"text first", `{"a":"text"}` + "\n" + `{"a":{"b":1}}`, "{name: a, type: json}  # holds text and objects"},
		{"lists of objects", `{"a":{"b":[{"c":1}]}}`, "{name: b, from: a.b, type: json}  # lists of objects"},
		{"empty objects", `{"a":{}}`, "{name: a, type: json}"},
		{"keys twice", `{"a":{"b":1,"b":2}}`, "{name: a, type: json}"},
		{"a key with half of a pair", `{"a":{"\ud83d":1}}`, "{name: a, type: json, surrogates: replace}  # half of a surrogate pair, as in text that was cut, which becomes U+FFFD"},
		{"keys with dots and signs", `{"a":{"gen_ai.usage":{"$in-put":1}}}`, `{name: in_put, from: a."gen_ai.usage".$in-put, type: int64}`},
		{
			"deeper than four", `{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}`,
			"{name: e, from: a.b.c.d.e, type: json}",
		},
	} {
		require.Equal(t, c.want, inferredLines(t, strings.Split(c.rows, "\n")...), c.name)
	}
}

func TestInferDepth(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]string{-1: "{name: a, type: json}", 1: "{name: b, from: a.b, type: json}", 2: "{name: c, from: a.b.c, type: int64}"} {
		in := infer.Builder{Depth: depth}
		require.NoError(t, in.Add([]byte(`{"a":{"b":{"c":1}}}`)))
		var b strings.Builder
		require.NoError(t, in.WriteYAML(&b, "s"))
		require.Contains(t, b.String(), "- "+want+"\n")
	}
}

// Objects whose keys are data stay as they are.
func TestInferLeavesMapsAsJSON(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range 50 {
		rows = append(rows, fmt.Sprintf(`{"votes":{"user%d":1,"user%d":2},"usage":{"in":%d}}`, i, i+100, i))
	}
	require.Equal(t, "{name: votes, type: json}\n{name: in, from: usage.in, type: int64}", inferredLines(t, rows...))
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, `,"k%d":1`, i)
	}
	require.Equal(t, "{name: a, type: json}", inferredLines(t, `{"a":{`+many.String()[1:]+`}}`))
}

// Keys that a table cannot have as columns, or not together, get other names.
func TestInferRenames(t *testing.T) {
	t.Parallel()
	for rows, want := range map[string]string{
		`{"":1,"true":2,"not":3,"_block_number":4,"a\u0000b":5}`: "{name: unnamed, from: '\"\"', type: int64}\n{name: true_2, from: \"true\", type: int64}\n" +
			"{name: not_2, from: not, type: int64}\n{name: block_number, from: _block_number, type: int64}\n{name: a_b, from: '\"a\\u0000b\"', type: int64}",
		`{"x":1,"x.y":[1]}`:                 "{name: x, type: int64}\n{name: x_y, from: '\"x.y\"', type: int64, array: true}",
		`{"message":"m","message.level":1}`: "{name: message, type: string}\n{name: message_level, from: '\"message.level\"', type: int64}",
	} {
		require.Equal(t, want, inferredLines(t, rows), rows)
	}
}

// What values are in files is proposed by the words of the schema, with the reason.
func TestInferWords(t *testing.T) {
	t.Parallel()
	const time, quoted = "  # its name and size say that it is a time; int64 keeps the number", "  # numbers in quotes; string keeps them as text"
	for _, c := range []struct{ name, rows, want string }{
		{"seconds", `{"created":1760000001}` + "\n" + `{"created":1760003602.25}`, "{name: created, type: datetime64, unit: s}" + time},
		{"microseconds of seconds", `{"ts":1760000001.123456}`, "{name: ts, type: datetime64, precision: 6, unit: s}" + time},
		{"milliseconds", `{"start_time_ms":1760000001255}`, "{name: start_time_ms, type: datetime64, unit: ms}" + time},
		{"nanoseconds in quotes", `{"startTimeUnixNano":"1760000001255000000"}`, "{name: startTimeUnixNano, type: datetime64, unit: ns}" + time},
		{"all nanoseconds", `{"t":1760000001255000001}`, "{name: t, type: datetime64, precision: 9, unit: ns}" + time},
		{"in another unit", `{"created":1760000001}` + "\n" + `{"created":1760000001255}`, "{name: created, type: int64}"},
		{"one that is none", `{"created":1760000001}` + "\n" + `{"created":0}`, "{name: created, type: int64}"},
		{"not called a time", `{"seed":1760000001}`, "{name: seed, type: int64}"},
		{"quoted", `{"spend":"0.00012","tokens":"120"}`, "{name: spend, type: float64, quoted: true}" + quoted + "\n{name: tokens, type: int64, quoted: true}" + quoted},
		{"text that is more than its number", `{"zip":"01234","version":"1.10","e":"1e3"}`, "{name: zip, type: string}\n{name: version, type: string}\n{name: e, type: string}"},
		{"digits of an ID", `{"user_id":"120"}`, "{name: user_id, type: string}"},
		{
			"NaN", `{"a":NaN,"b":[1,Infinity],"c":{"d":[{"e":-Infinity}]}}` + "\n" + `{"a":1,"b":[],"c":{"d":[]}}`,
			"{name: a, type: float64, nullable: true, nan: null}  # NaN or infinity, which become null\n" +
				"{name: b, type: json, nan: null}  # lists with NaN, which arrays cannot hold; NaN or infinity, which become null\n" +
				"{name: d, from: c.d, type: json, nan: null}  # lists of objects; NaN or infinity, which become null",
		},
		{"nothing but NaN", `{"a":NaN}`, "{name: a, type: float64, nullable: true, nan: null}  # NaN or infinity, which become null"},
		{"NaN in quotes", `{"a":"NaN"}` + "\n" + `{"a":"1.5"}`, "{name: a, type: float64, quoted: true, nullable: true, nan: null}  # numbers in quotes; string keeps them as text; NaN or infinity, which become null"},
		{"the word", `{"a":"NaN"}`, "{name: a, type: string}"},
		{
			"half of a pair", `{"a":"cut \ud83d","b":["\udc00"]}`,
			"{name: a, type: string, surrogates: replace}  # half of a surrogate pair, as in text that was cut, which becomes U+FFFD\n" +
				"{name: b, type: string, array: true, surrogates: replace}  # half of a surrogate pair, as in text that was cut, which becomes U+FFFD",
		},
		{"scores", `{"final_score":1,"passRate":0,"total":3}`, "{name: final_score, type: float64}  # whole numbers so far; a score may have fractions\n" +
			"{name: passRate, type: float64}  # whole numbers so far; a score may have fractions\n{name: total, type: int64}"},
		{"json that is missing", `{"a":[{"b":1}],"n":1}` + "\n" + `{"n":2}`, "{name: a, type: json}  # lists of objects; in 1 of 2 rows\n{name: n, type: int64}"},
	} {
		require.Equal(t, c.want, inferredLines(t, strings.Split(c.rows, "\n")...), c.name)
	}
}

func TestInferUnrelated(t *testing.T) {
	t.Parallel()
	var in infer.Builder
	for file, rows := range map[string][]string{"a": {`{"id":1,"x":2,"y":3}`}} {
		in.Source(file)
		for _, row := range rows {
			require.NoError(t, in.Add([]byte(row)))
		}
	}
	in.Source("b")
	require.NoError(t, in.Add([]byte(`{"id":1,"x":2,"z":3}`)))
	_, _, found := in.Unrelated()
	require.False(t, found)
	in.Source("c")
	require.NoError(t, in.Add([]byte(`{"prompt":"p","completion":"c","w":1,"v":2}`)))
	a, b, found := in.Unrelated()
	require.True(t, found)
	require.Equal(t, []string{"a", "c"}, []string{a, b})
	var out strings.Builder
	require.NoError(t, in.WriteYAML(&out, "s"))
	require.Contains(t, out.String(), "# The rows of a and c have hardly a key in common:\n# they may belong into tables of their own.\n")
}

// TestFirstOfList looks into lists of one object of an answer, and into no others.
func TestFirstOfList(t *testing.T) {
	t.Parallel()
	from := func(rows ...string) map[string]string {
		var in infer.Builder
		for _, row := range rows {
			require.NoError(t, in.Add([]byte(row)))
		}
		def, err := in.Definition("s")
		require.NoError(t, err)
		got := make(map[string]string)
		for _, f := range def.Schema.Fields {
			got[f.Name] = f.From + " " + f.Type.String()
		}
		return got
	}
	const one = `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`
	want := map[string]string{"message_content": "choices.0.message.content string", "finish_reason": "choices.0.finish_reason string"}
	require.Equal(t, want, from(one, `{"choices":[]}`, `{"choices":null}`, `{}`))
	left := map[string]string{"choices": " json"}
	for _, other := range []string{`{"choices":[{},{}]}`, `{"choices":[1]}`, `{"choices":{"a":1}}`, `{"choices":"x"}`} {
		require.Equal(t, left, from(one, other), other)
		require.Equal(t, left, from(other, one), other)
	}
	require.Equal(t, map[string]string{"messages": " json"}, from(`{"messages":[{"role":"user"}]}`))
	for _, key := range []string{"choices", "created"} {
		require.Equal(t, map[string]string{key: " json"}, from(`{"`+key+`":{"a":1}}`, `{"`+key+`":[]}`), "an empty list among objects")
	}
}
