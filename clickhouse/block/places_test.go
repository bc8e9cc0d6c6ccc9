package block

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// batchSchema takes fields from deep inside.
var batchSchema = fact.Schema{Name: "batch", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", From: "custom_id"},
	{Name: "status", Type: fact.UInt16, From: "response.status_code"},
	{Name: "model", Type: fact.LowCardinalityString, Nullable: true, From: "response.body.model"},
	{Name: "input", Type: fact.UInt32, From: `response.body.usage."prompt.tokens"`},
	{Name: "output", Type: fact.UInt32, Nullable: true, From: `response.body.usage.completion_tokens`},
	{Name: "answer", Nullable: true, From: "response.body.choices.0.message.content"},
	{Name: "third", Type: fact.JSON, Nullable: true, From: "response.body.choices.2"},
	{Name: "error", Default: "none", From: "error.code"},
	{Name: "tags", Array: true},
	{Name: "rest", Type: fact.JSON},
}}

const batchLine = `{"custom_id":"q1","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"content":"Hi."}}],"usage":{"prompt.tokens":22,"completion_tokens":2}}},"error":null,"tags":["a"]}`

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, line, want string }{
		{"all", batchLine, `"q1" 200 "m" 22 2 "Hi." NULL "none" ["a"] "{}"`},
		{"another order", `{"response":{"body":{"usage":{"completion_tokens":2,"prompt.tokens":22},"choices":[]},"status_code":7},"custom_id":"a"}`, `"a" 7 NULL 22 2 NULL NULL "none" [] "{}"`},
		{"null on the way", `{"custom_id":"a","response":null,"error":{"code":"x"}}`, `"a" 0 NULL 0 NULL NULL NULL "x" [] "{}"`},
		{"missing on the way", `{"custom_id":"a","response":{"body":{"usage":null}},"error":{}}`, `"a" 0 NULL 0 NULL NULL NULL "none" [] "{}"`},
		{"white space and escapes", ` { "custom_id" : "a" , "\u0072esponse" : { "body" : { "us\u0061ge" : { "prompt.tokens" : 3 } , "choices" : [ { "message" : { "content" : null } } , null , [ 1 ] ] } } } `, ``},
		{"the third element", `{"custom_id":"a","response":{"body":{"choices":[null,0,{"b":1}]}}}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBlock(t, batchSchema, Options{UnknownKeys: IgnoreUnknown})
			// The second time, predictions are of use.
			for range 3 {
				require.NoError(t, b.AppendJSON([]byte(c.line)))
			}
			var got []string
			for i := range batchSchema.Fields {
				all := values(t, b, i)
				require.Equal(t, []string{all[0], all[0], all[0]}, all)
				got = append(got, all[0])
			}
			if c.want != "" {
				require.Equal(t, c.want, strings.Join(got, " "))
			}
			stored, extra, ok := refPlaces([]byte(c.line), batchSchema)
			require.True(t, ok)
			require.Equal(t, strings.Contains(c.line, "choices\" : [ {") || strings.Contains(c.line, "[null,0"), extra != "")
			for i, want := range stored {
				require.Equal(t, want, got[i])
			}
		})
	}
}

func TestPlacesRefuse(t *testing.T) {
	t.Parallel()
	b := newBlock(t, batchSchema, Options{})
	for line, want := range map[string]string{
		`{"id":"a"}`: `field "id": is not in the schema "batch" at offset 1: the schema takes field "id" from custom_id`,
		`{}`:         `field "id": is missing: it is in order_by and has no default; it is taken from custom_id`,
		`{"custom_id":"a","response":{"body":{"usage":{"prompt_tokens":1}}}}`:                          `field "response.body.usage.prompt_tokens": is not in the schema "batch" at offset 46: did you mean "prompt.tokens"?`,
		`{"custom_id":"a","response":{"body":{"usage":{"prompt.tokens":1,"prompt.tokens":1}}}}`:        `field "response.body.usage.\"prompt.tokens\"": the key is there twice`,
		`{"custom_id":"a","response":{"body":{"usage":{"prompt.tokens":1.5}}}}`:                        `field "input": 1.5 is not an integer`,
		`{"custom_id":"a","response":{"body":null},"response":null}`:                                   `field "response": the key is there twice`,
		`{"custom_id":"a","response":"timeout"}`:                                                       `field "response": "timeout" is a string, want an object: the schema takes fields from inside, such as response.status_code: take the value as json, if it is not always an object`,
		`{"custom_id":"a","response":[]}`:                                                              `[] is an array, want an object`,
		`{"custom_id":"a","response":{"body":{"choices":{}}}}`:                                         `field "response.body.choices": {} is an object, want an array: the schema takes fields from inside, such as response.body.choices.0`,
		`{"custom_id":"a","response":{"body":{"choices":[null,1]}}}`:                                   `field "response.body.choices.1": is not in the schema "batch" at offset 53: take the array as json, or choose to ignore or collect unknown keys`,
		`{"custom_id":"a","response":{"body":{"choices":[null}}}`:                                      "want ',' or ']'",
		`{"custom_id":"a","response":{"body":{"choices":[]}`:                                           "want ',' or '}'",
		`{"custom_id":"a","response":{"body":{"model":"m",}}}`:                                         "want a key in double quotes",
		`{"custom_id":"a","response":nul}`:                                                             "want a value",
		`{"custom_id":"a","response":{"body":{"choices":[{"message":{"content":"a","content":""}}]}}}`: `field "response.body.choices.0.message.content": the key is there twice`,
	} {
		require.ErrorContains(t, b.AppendJSON([]byte(line)), want, line)
	}
	require.Zero(t, b.Rows())
	shallow := newBlock(t, batchSchema, Options{MaxDepth: 4, UnknownKeys: IgnoreUnknown})
	require.NoError(t, shallow.AppendJSON([]byte(`{"custom_id":"a","response":{"body":{"usage":{},"other":[]}}}`)))
	require.ErrorIs(t, shallow.AppendJSON([]byte(batchLine)), ErrDepth)
}

func TestPlacesCollect(t *testing.T) {
	t.Parallel()
	b := newBlock(t, batchSchema, Options{UnknownKeys: CollectUnknown, CollectInto: "rest"})
	require.NoError(t, b.AppendJSON([]byte(
		`{"a.b":1,"custom_id":"a","response":{"x":{"y":[]},"body":{"choices":[{"index":0,"message":{"content":"c"}},{"index":1}],"usage":{}},"z":"z"},"error":{"<m>":null}}`)))
	require.NoError(t, b.AppendJSON([]byte(batchLine)))
	require.Equal(t, []string{
		strconv.Quote(`{"a.b":1,"response":{"x":{"y":[]},"body":{"choices":{"0":{"index":0},"1":{"index":1}}},"z":"z"},"error":{"<m>":null}}`), `"{}"`,
	}, values(t, b, 9))
	require.ErrorIs(t, b.AppendJSON([]byte(`{"custom_id":"a","error":{"m":1,"m":2}}`)), ErrDuplicateKey)
	require.NoError(t, b.AppendJSON([]byte(`{"custom_id":"a","m":1,"error":{"m":2},"response":{"m":3}}`)))
}

// refPlaces says once more what becomes of a row whose values are taken from
// within: the values of the fields, and what no field takes, as an object.
func refPlaces(line []byte, s fact.Schema) (stored map[int]string, extra string, ok bool) {
	line = bytes.Trim(line, " \t\r\n")
	if !refText(line, DefaultMaxDepth) || line[0] != '{' {
		return nil, "", false
	}
	var fields []refField
	for i, f := range s.Fields {
		path, err := f.Path()
		if err != nil {
			return nil, "", false
		}
		fields = append(fields, refField{i, path})
	}
	stored = make(map[int]string)
	extra, ok = refWithin(line, fields, s, stored)
	for i, f := range s.Fields {
		if _, there := stored[i]; !there && f.Default == nil && len(s.OrderBy) > 0 && s.OrderBy[0] == f.Name {
			return nil, "", false
		}
	}
	return stored, extra, ok
}

type refField struct {
	i    int
	path fact.Path
}

func refWithin(raw []byte, fields []refField, s fact.Schema, stored map[int]string) (extra string, ok bool) {
	if string(raw) == "null" {
		return "", true
	}
	var pairs []refPair
	if !fields[0].path[0].InArray {
		if pairs, ok = refObject(raw); !ok {
			return "", false
		}
	} else {
		var elements []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
			return "", false
		}
		for i, e := range elements {
			pairs = append(pairs, refPair{strconv.Itoa(i), e})
		}
	}
	for _, p := range pairs {
		var below []refField
		for _, f := range fields {
			if step := f.path[0]; step.Key == p.key && !step.InArray || step.InArray && strconv.Itoa(step.Index) == p.key {
				below = append(below, refField{f.i, f.path[1:]})
			}
		}
		rest := string(p.raw)
		switch {
		case len(below) == 0:
		case len(below[0].path) > 0:
			if rest, ok = refWithin(p.raw, below, s, stored); !ok {
				return "", false
			}
		default:
			if stored[below[0].i], ok = refValue(s.Fields[below[0].i], p.raw); !ok {
				return "", false
			}
			rest = ""
		}
		if rest != "" {
			key, _ := json.Marshal(p.key)
			extra += fmt.Sprintf(",%s:%s", key, rest)
		}
	}
	if extra != "" {
		extra = "{" + extra[1:] + "}"
	}
	return extra, true
}

// FuzzPlaces compares rows with values from within with the reference, whatever
// becomes of unknown keys.
func FuzzPlaces(f *testing.F) {
	f.Add([]byte(batchLine))
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add([]byte(randomBatch(r)))
	}
	var blocks []*Block
	for _, o := range []Options{{}, {UnknownKeys: IgnoreUnknown}, {UnknownKeys: CollectUnknown, CollectInto: "rest"}} {
		blocks = append(blocks, newBlock(f, batchSchema, o))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		stored, extra, ok := refPlaces(line, batchSchema)
		for n, b := range blocks {
			b.Reset()
			want := ok
			switch _, own := stored[9]; {
			case n == 0:
				want = ok && extra == ""
			case n == 2:
				want = ok && (extra == "" || !own)
			}
			err := b.AppendJSON(line)
			require.Equal(t, want, err == nil, "%v", err)
			if err != nil {
				continue
			}
			for i, v := range stored {
				require.Equal(t, v, values(t, b, i)[0], batchSchema.Fields[i].Name)
			}
			if n == 2 && extra != "" {
				got, err := strconv.Unquote(values(t, b, 9)[0])
				require.NoError(t, err)
				require.JSONEq(t, extra, got)
			}
		}
	})
}

// TestSoakRandomPlaces is FuzzPlaces for rows that mostly go with the schema.
func TestSoakRandomPlaces(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	b, taken := newBlock(t, batchSchema, Options{UnknownKeys: CollectUnknown, CollectInto: "rest"}), 0
	rows := soak.Scale(2_000, 20_000)
	for range rows {
		line := randomBatch(r)
		stored, extra, ok := refPlaces([]byte(line), batchSchema)
		b.Reset()
		err := b.AppendJSON([]byte(line))
		require.Equal(t, ok, err == nil, "%s: %v", line, err)
		if !ok {
			continue
		}
		taken++
		for i, v := range stored {
			require.Equal(t, v, values(t, b, i)[0], line)
		}
		if extra != "" {
			got, err := strconv.Unquote(values(t, b, 9)[0])
			require.NoError(t, err)
			require.JSONEq(t, extra, got, line)
		}
	}
	require.Greater(t, taken, rows/4)
}

// randomBatch returns a row that batchSchema takes, or nearly.
func randomBatch(r *rand.Rand) string {
	maybe := func(value string) string {
		switch r.IntN(12) {
		case 0:
			return "null"
		case 1:
			return []string{`"x"`, "1", "[]", "{}", "true"}[r.IntN(5)]
		}
		return value
	}
	object := func(pairs ...string) string {
		r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		if r.IntN(8) == 0 {
			pairs = append(pairs, fmt.Sprintf(`"more%d":%s`, r.IntN(3), maybe(`{"a":[1]}`)))
		}
		if r.IntN(3) == 0 {
			pairs = pairs[r.IntN(len(pairs)):]
		}
		return "{" + strings.Join(pairs, []string{",", " , "}[r.IntN(2)]) + "}"
	}
	usage := object(`"prompt.tokens":`+maybe("1"), `"completion_tokens":`+maybe("2"))
	choices := []string{`{"message":{"content":"a"}}`, `{"message":{}}`, `[1]`, `null`}[r.IntN(4)]
	for range r.IntN(4) {
		choices += "," + maybe("3")
	}
	body := object(`"model":`+maybe(`"m"`), `"usage":`+maybe(usage), `"choices":`+maybe("["+choices+"]"))
	response := object(`"status_code":`+maybe("200"), `"body":`+maybe(body))
	row := object(`"response":`+maybe(response), `"error":`+maybe(`{"code":"e"}`), `"tags":`+maybe(`["t"]`))
	if r.IntN(20) > 0 {
		row = strings.Replace(row, "{", `{"custom_id":"c",`, 1)
	}
	return strings.Replace(row, ",}", "}", 1)
}

// A struct has its values where its tags say, as a line of a file has them.
func TestPlacesOfStructs(t *testing.T) {
	t.Parallel()
	type batch struct {
		ID     string  `fact:"id,from=custom_id"`
		Status uint16  `fact:"status,from=response.status_code"`
		Input  uint32  `fact:"input,from=response.body.usage.\"prompt.tokens\""`
		Error  *string `fact:"error,from=error.code"`
	}
	b := newBlock(t, batchSchema, Options{})
	code := "e"
	require.NoError(t, b.Append(&fact.Fact{Value: batch{ID: "a", Status: 200, Input: 3, Error: &code}}))
	require.NoError(t, b.Append(&fact.Fact{Value: &batch{ID: "a"}}))
	require.NoError(t, b.AppendFact("", map[string]any{"custom_id": "a", "response": map[string]any{"status_code": 7}}))
	require.NoError(t, b.AppendJSON([]byte(`{"custom_id":"a","response":{"status_code":200,"body":{"usage":{"prompt.tokens":3}}},"error":{"code":"e"}}`)))
	require.Equal(t, []string{"200", "0", "7", "200"}, values(t, b, 1))
	require.Equal(t, []string{"3", "0", "0", "3"}, values(t, b, 3))
	require.Equal(t, []string{`"e"`, `"none"`, `"none"`, `"e"`}, values(t, b, 7))
}
