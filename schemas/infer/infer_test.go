package infer_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
	"github.com/factload/factload/schemas/infer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// inferred adds rows that must all be taken.
func inferred(t *testing.T, rows ...string) *infer.Builder {
	t.Helper()
	var in infer.Builder
	for i, row := range rows {
		require.NoError(t, in.Add([]byte(row)), "row %d: %s", i+1, row)
	}
	require.EqualValues(t, len(rows), in.Rows())
	return &in
}

// inferredFields infers a schema and returns the lines of its file that hold fields.
func inferredFields(t *testing.T, rows ...string) []string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, inferred(t, rows...).WriteYAML(&b, "s"))
	_, fields, found := strings.Cut(b.String(), "\nfields:\n")
	require.True(t, found)
	return strings.Split(strings.TrimSpace(fields), "\n")
}

// inferredField is inferredFields for rows of one field, called f, with these values.
func inferredField(t *testing.T, values ...string) string {
	t.Helper()
	rows := make([]string, len(values))
	for i, v := range values {
		rows[i] = `{"f":` + v + `}`
	}
	lines := inferredFields(t, rows...)
	require.Len(t, lines, 1)
	return strings.TrimPrefix(strings.TrimSpace(lines[0]), "- {name: f, ")
}

// Each file in testdata/infer has rows and the schema that comes out, and the schema is one.
func TestInferGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.Len(t, files, 10)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.Equal(t, []string{"rows.jsonl", "want.yaml"}, []string{archive.Files[0].Name, archive.Files[1].Name})
			rows := strings.Split(strings.TrimSuffix(string(archive.Files[0].Data), "\n"), "\n")
			in := inferred(t, rows...)
			var got, again bytes.Buffer
			require.NoError(t, in.WriteYAML(&got, "golden"))
			require.NoError(t, in.WriteYAML(&again, "golden"))
			require.Equal(t, got.String(), again.String())
			if *update {
				archive.Files[1].Data = got.Bytes()
				require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o600))
			}
			require.Equal(t, string(archive.Files[1].Data), got.String(), "run go test ./schemas/infer -update")

			defs, err := schemas.Parse("golden.yaml", got.Bytes())
			require.NoError(t, err)
			def, err := in.Definition("golden")
			require.NoError(t, err)
			require.Equal(t, def.Schema, defs[0].Schema)
		})
	}
}

// repeated returns n values that go through the given ones in turn.
func repeated(n int, values ...string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = values[i%len(values)]
	}
	return all
}

// numbered returns n different texts.
func numbered(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Quote("v" + strconv.Itoa(i))
	}
	return all
}

// Few values are seen only among many, and lists are no exception.
func TestInferLowCardinality(t *testing.T) {
	t.Parallel()
	const low, high = "type: low_cardinality_string}", "type: string}"
	require.Equal(t, high, inferredField(t, repeated(19, `"a"`)...))
	require.Equal(t, low, inferredField(t, repeated(20, `"a"`)...))
	require.Equal(t, low, inferredField(t, repeated(20, `"a"`, `"b"`)...))
	require.Equal(t, low, inferredField(t, repeated(20, `"a"`, `"\u0061"`, `"b"`, `"\u0062"`)...), "escapes are no other values")
	require.Equal(t, high, inferredField(t, repeated(20, `"a"`, `"b"`, `"c"`)...))
	require.Equal(t, low, inferredField(t, repeated(10_000, numbered(1000)...)...))
	require.Equal(t, high, inferredField(t, repeated(20_000, numbered(1001)...)...), "as many of each, but too many to remember")
	require.Equal(t, "type: low_cardinality_string, array: true}", inferredField(t, repeated(5, `["a","b","a","a"]`)...))
}

// A sparse field says so, with its thousands apart.
func TestInferSparse(t *testing.T) {
	t.Parallel()
	rows := append(repeated(12_344, `{"a":1}`), `{"a":2,"b":true}`)
	require.Equal(t, "- {name: b, type: bool, nullable: true}  # in 1 of 12,345 rows", strings.TrimSpace(inferredFields(t, rows...)[1]))
}

func TestInferOrderBy(t *testing.T) {
	t.Parallel()
	// <2> stands for one of two values, <3> for one of three, <i> for the number of the row.
	const at = `"at":"2026-01-02T03:04:0<2>Z"`
	for name, c := range map[string]struct{ row, want string }{
		"few values and a time":               {`"role":"v<2>","id":"i<i>",` + at, "role at"},
		"two with the fewest values":          {`"two":"v<2>","three":"v<3>","four":"v<4>"`, "two three"},
		"fewest first":                        {`"three":"v<3>","two":"v<2>"`, "two three"},
		"one value sorts nothing":             {`"same":"a",` + at, "at"},
		"first of two times":                  {`"day":"2026-01-02","b":"2026-01-02T03:04:0<2>Z","a":"2026-01-02T03:04:05Z"`, "b"},
		"a day":                               {`"id":1,"day":"2026-01-1<2>"`, "day"},
		"an id":                               {`"x":1,"run_id":"i<i>","id":"i<i>"`, "id"},
		"something with the name of an id":    {`"x":1,"runId":<i>`, "runId"},
		"a uuid":                              {`"x":1,"key":"61f0c404-5cb3-11e7-907b-a6006ad3dba<2>"`, "key"},
		"no id, only ends like one":           {`"x":1,"paid":<i>`, ""},
		"an id needs a type that ids have":    {`"x":1,"run_id":1.5<i>`, ""},
		"neither free text nor a number":      {`"list":[1],"object":{},"flag":true,"n":<i>,"text":"t<i>"`, ""},
		"times in lists are no times to use":  {`"x":1,"at":["2026-01-02T03:04:05Z"]`, ""},
		"an id that says the same everywhere": {`"run_id":"r","x":1`, ""},
		"a time that is the same everywhere":  {`"at":"2026-01-02T03:04:05Z","id":<i>`, "id"},
		"ids are no categories":               {`"user_id":"v<2>","role":"v<3>"`, "role user_id"},
	} {
		rows := make([]string, 40)
		for i := range rows {
			n := strconv.Itoa
			rows[i] = "{" + strings.NewReplacer("<2>", n(i%2), "<3>", n(i%3), "<4>", n(i%4), "<i>", n(i)).Replace(c.row) + "}"
		}
		def, err := inferred(t, rows...).Definition("s")
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(def.Schema.OrderBy, " "), name)
	}
}

// A field that a row lacks, or where it has a null, is not sorted by.
func TestInferOrderByNeedsValues(t *testing.T) {
	t.Parallel()
	in := inferred(t, `{"id":"a","at":"2026-01-02T03:04:05Z","n_id":1}`, `{"id":null,"n_id":2}`)
	def, err := in.Definition("s")
	require.NoError(t, err)
	require.Equal(t, []string{"n_id"}, def.Schema.OrderBy)
	in = inferred(t, `{"n":1}`, `{"n":null}`)
	def, err = in.Definition("s")
	require.NoError(t, err)
	require.Empty(t, def.Schema.OrderBy)
}

func TestInferFactID(t *testing.T) {
	t.Parallel()
	const proposal = "as the ID of facts, fact_id: true"
	require.Contains(t, inferredFields(t, `{"id":"a"}`, `{"id":"b"}`)[0], proposal)
	for name, rows := range map[string][]string{
		"only one row":     {`{"id":"a"}`},
		"twice":            {`{"id":"a"}`, `{"id":"b"}`, `{"id":"\u0061"}`},
		"empty":            {`{"id":"a"}`, `{"id":""}`},
		"not in every row": {`{"id":"a"}`, `{"id":"b"}`, `{}`},
		"null":             {`{"id":"a"}`, `{"id":null}`},
		"numbers":          {`{"id":1}`, `{"id":2}`},
		"mixed":            {`{"id":1}`, `{"id":"a"}`},
		"a time":           {`{"id":"2026-01-02T03:04:05Z"}`, `{"id":"2026-01-02T03:04:06Z"}`},
		"another name":     {`{"key":"a"}`, `{"key":"b"}`},
		"lists":            {`{"id":["a"]}`, `{"id":["b"]}`},
	} {
		require.NotContains(t, strings.Join(inferredFields(t, rows...), "\n"), proposal, name)
	}
}

// What no schema could take is no row, and leaves no trace.
func TestInferRefusesRows(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for line, want := range map[string]string{
		``:                                 "unexpected end of JSON input",
		`{"x":1`:                           "unexpected end of JSON input",
		"{\r":                              "unexpected end of JSON input",
		`[`:                                "unexpected end of JSON input",
		`{"x":1} {}`:                       "after top-level value",
		`{"x":01}`:                         "invalid character '1'",
		"{\"x\":\"\t\"}":                   "in string literal",
		` [{"x":1}]`:                       "it is a list, want a JSON object",
		`"x"`:                              "it is text",
		`null`:                             "it is null",
		`12`:                               "it is a number",
		`{"x":1,"y":2,"x":3}`:              `the key "x" is there twice`,
		`{"x":1,"\u0078":3}`:               `the key "x" is there twice`,
		`{"known":1,"known":1}`:            `the key "known" is there twice`,
		"{\"x\":\"\xff\"}":                 "not valid UTF-8",
		`{"\ud83dx":1}`:                    `half of a surrogate pair`,
		`{"x":NaNs}`:                       "invalid character 'N'",
		`{"x":-NaN}`:                       "invalid character 'N'",
		`{NaN:1}`:                          "invalid character 'N'",
		deep(512):                          "more than 512 levels",
		`{"x":"` + "\xed\xa0\x80" + `"}`:   "not valid UTF-8",
		"\ufeff" + `{"x":1}`:               "invalid character",
		`{"x":1,"` + "q\xff" + `":1}`:      "not valid UTF-8",
		`{"x":"\uD83D\uDE0","y":"\uD83D"}`: "in \\u hexadecimal character escape",
	} {
		in := inferred(t, `{"known":1}`)
		err := in.Add([]byte(line))
		require.ErrorIs(t, err, infer.ErrNotARow, line)
		require.ErrorContains(t, err, want, line)
		require.EqualValues(t, 1, in.Rows())
		def, err := in.Definition("s")
		require.NoError(t, err)
		require.Equal(t, []fact.Field{{Name: "known", Type: fact.Int64}}, def.Schema.Fields, line)
		require.NoError(t, in.Add([]byte(`{"x":1}`)))
		def, err = in.Definition("s")
		require.NoError(t, err)
		require.Len(t, def.Schema.Fields, 2, "a key of a refused row is still new: %s", line)
	}
	inferred(t, deep(511), `{"a":"\ud83d\ude00 \\ud800 \uffff"}`, " \t{ \"a\" : [ 1 , { } ] , \"b\":[ ] } \r")
}

func TestInferRefusesTooManyFields(t *testing.T) {
	t.Parallel()
	row := func(from, to int) []byte {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `,"k%d":1`, i)
		}
		return []byte("{" + b.String()[1:] + "}")
	}
	var in infer.Builder
	require.NoError(t, in.Add(row(0, 2600)))
	require.NoError(t, in.Add(row(2600, infer.MaxFields)))
	require.NoError(t, in.WriteYAML(&bytes.Buffer{}, "s"))
	err := in.Add(row(3999, 4002))
	require.ErrorIs(t, err, infer.ErrTooManyFields)
	require.NotErrorIs(t, err, infer.ErrNotARow)
	require.ErrorContains(t, err, `with "k4000" there are 4001`, "it stops at the first")
	require.ErrorContains(t, err, "keys that are data belong into one field")

	in = infer.Builder{}
	require.NoError(t, in.Add([]byte(`{"`+strings.Repeat(`\u0001`, 300<<10)+`":1}`)), "the longest name, and hardly shorter when it is escaped")
	require.NoError(t, in.WriteYAML(&bytes.Buffer{}, "s"))
	require.ErrorIs(t, in.Add([]byte(`{"a":1}`)), infer.ErrTooManyFields)
}

// Keys of refused rows do not count.
func TestInferForgetsRefusedKeys(t *testing.T) {
	t.Parallel()
	in := inferred(t, `{"a":1}`)
	for i := range 2 * infer.MaxFields {
		name := fmt.Sprintf("%d%s", i, strings.Repeat("x", 1000))
		require.ErrorIs(t, in.Add(fmt.Appendf(nil, `{%q:1,"a":1,"a":2}`, name)), infer.ErrNotARow)
	}
	require.NoError(t, in.Add([]byte(`{"b":1}`)))
}

// What is taken for a time and a date is what the types hold, at both ends.
func TestInferTimes(t *testing.T) {
	t.Parallel()
	for want, values := range map[string][]string{
		"datetime64": {"1900-01-01T00:00:00Z", "1899-12-31T23:59:00-00:01", "2300-01-01T00:00:00+00:01", "2299-12-31 23:59:59.999999", "2026-01-02T03:04:05+0100", "2024-02-29T23:59:59"},
		"date":       {"1970-01-01", "2149-06-06", "2024-02-29"},
		"string": {
			"1900-01-01T00:00:00+00:01", "1899-12-31T23:59:59.999Z", "2299-12-31T23:59:59-00:01", "2300-01-01T00:00:00", "2026-01-02T03:04:05.1234567890",
			"2026-01-02T03:04:05.", "2299-12-31 23:59:59.999999999", "2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05+24:00", "2026-01-02T24:00:00", "2026-01-02T3:04:05Z", "2026-01-02X03:04:05",
			"1969-12-31", "2149-06-07", "2023-02-29", "2026-1-02", "26-01-02",
		},
	} {
		for _, v := range values {
			require.Regexp(t, "^type: "+want+"[,}]", inferredField(t, strconv.Quote(v)), v)
		}
	}
}

func TestInferNothing(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for want, in := range map[string]*infer.Builder{"there is no row": inferred(t), "no row has a key": inferred(t, `{}`, `{}`)} {
		require.ErrorIs(t, in.WriteYAML(&b, "s"), infer.ErrNothingToInfer)
		_, err := in.Definition("s")
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, inferred(t, `{"a":1}`).WriteYAML(&b, ""), "name is empty")
	require.ErrorContains(t, inferred(t, `{"a":1}`).WriteYAML(&b, strings.Repeat("x", 300)), "too long")
	require.Empty(t, b.String())
}

// Names are quoted in any place, that of the schema too.
func TestInferQuotesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"true", "12", "a, b", "a: b", "# c", "] d", "\n", "it's", `"`, "x\u2028y", "~", " ", "null", "<<", "[", "- a"} {
		var b bytes.Buffer
		require.NoError(t, inferred(t, fmt.Sprintf(`{%q:1}`, name+"_id")).WriteYAML(&b, name))
		defs, err := schemas.Parse("s.yaml", b.Bytes())
		require.NoError(t, err, b.String())
		require.Equal(t, name, defs[0].Schema.Name)
		require.Equal(t, []string{name + "_id"}, defs[0].Schema.OrderBy)
	}
}

// Fields come in the order in which they were seen first.
func TestInferKeepsOrder(t *testing.T) {
	t.Parallel()
	def, err := inferred(t, `{"b":1,"a":1}`, `{"z":1,"a":1,"c":1}`, `{"0":1,"b":1}`).Definition("s")
	require.NoError(t, err)
	var names []string
	for _, f := range def.Schema.Fields {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"b", "a", "z", "c", "0"}, slices.Clip(names))
}
