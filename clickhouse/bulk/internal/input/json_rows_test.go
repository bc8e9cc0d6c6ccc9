package input

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// readRows returns what jsonRows makes of a text, and its error unless that is io.EOF.
func readRows(text string, path string, wrap func(io.Reader) io.Reader) (string, error) {
	var at fact.Path
	if path != "" {
		var err error
		if at, err = fact.ParseRowsPath(path); err != nil {
			return "", err
		}
	}
	r := io.Reader(strings.NewReader(text))
	if wrap != nil {
		r = wrap(r)
	}
	got, err := io.ReadAll(newJSONRows(r, at))
	return string(got), err
}

func TestJSONRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, want, err string }{
		"nothing":             {"", "", "", ""},
		"empty array":         {" [ ]\n", "", "", ""},
		"array, a row a line": {"[\n{\"a\":1},\n{\"a\":2}\n]\n", "", "2 2\t{\"a\":1}\n11 3\t{\"a\":2}\n", ""},
		"array, pretty":       {"[\n  {\n    \"a\": 1\n  }, {}]", "", "4 2\t{\r    \"a\": 1\r  }\n22 4\t{}\n", ""},
		"arrays":              {"[{}][{}]{}", "", "1 1\t{}\n5 1\t{}\n8 1\t{}\n", ""},
		"objects, pretty":     {"{\n\"a\":{\"b\":[1]}}\n{\n}", "", "0 1\t{\r\"a\":{\"b\":[1]}}\n17 3\t{\r}\n", ""},
		"objects, record sep": {"\x1e{}\n\x1e{}\n", "", "1 1\t{}\n5 2\t{}\n", ""},
		"brackets in texts":   {`[{"a":"]}\"],"},{"b":"\\"}]`, "", "1 1\t" + `{"a":"]}\"],"}` + "\n16 1\t" + `{"b":"\\"}` + "\n", ""},
		"other values":        {`[1, "x]" ,null,[{}]]`, "", "1 1\t1\n4 1\t\"x]\"\n10 1\tnull\n15 1\t[{}]\n", ""},
		"line end in a text":  {"[{\"a\":\"x\ny\"}]", "", "1 1\t{\"a\":\"x\ry\"}\n", ""},
		"below a key":         {`{"v":1,"samples":[{"id":1},{"id":2}],"w":[{"samples":[{}]}]}`, "samples", "18 1\t{\"id\":1}\n27 1\t{\"id\":2}\n", ""},
		"below keys":          {`{"a":[{"b":{"c":[{}]}},{"b":{"c":[{"x":1}],"d":2}}]}`, "a.1.b.c", "34 1\t{\"x\":1}\n", ""},
		"below each":          {`{"a":[{"b":[{}]},{"b":[{"x":1},{}]},{},[],{"b":3}]}`, "a.*.b", "12 1\t{}\n23 1\t{\"x\":1}\n31 1\t{}\n47 1\t3\n", ""},
		"each of the top":     {`[{"b":[{}]},{"b":{}}] {"b":{}}`, "*.b", "7 1\t{}\n17 1\t{}\n", ""},
		"one of the top":      {`[{"b":[{}]},{"b":{}}]`, "1.b", "17 1\t{}\n", ""},
		"each of lists":       {`{"a":[[{}],[{},{}],{"x":1}]}`, "a.*", "7 1\t{}\n12 1\t{}\n15 1\t{}\n19 1\t{\"x\":1}\n", ""},
		"a key *":             {`{"*":[{}],"a":[{}]}`, `"*"`, "6 1\t{}\n", ""},
		"one row below":       {`{"a":{"b":{"x":1}}} {"a":null} {"a":{"b":[{}]}}`, "a.b", "10 1\t{\"x\":1}\n42 1\t{}\n", ""},
		"escaped key":         {`{"\u0061":[{}]}`, "a", "11 1\t{}\n", ""},
		"no such key":         {`{"v":1,"w":[{}]}`, "samples", "", "no rows at the path of the rows; the keys at the top are: v, w"},
		"cut in a row":        {"[{\"a\":1},{\"a\"", "", "1 1\t{\"a\":1}\n9 1\t{\"a\"", "the JSON ends in the middle, on line 1: the file is cut"},
		"cut behind a row":    {"[{},", "", "1 1\t{}\n", "the file is cut"},
		"cut, on its own":     {"{}{\"a\"", "", "0 1\t{}\n2 1\t{\"a\"", ""},
		"number on its own":   {"{} 12", "", "0 1\t{}\n3 1\t12\n", ""},
		"no comma":            {"[{}{}]", "", "1 1\t{}\n", "'{' on line 1, at byte 3, is not what should be there"},
		"comma at the end":    {"[{},\n]", "", "1 1\t{}\n", "']' on line 2, at byte 5"},
		"two commas":          {"[{},,{}]", "", "1 1\t{}\n", "',' on line 1"},
		"comma at the top":    {"{},{}", "", "0 1\t{}\n", "',' on line 1"},
		"bracket too many":    {"[{}]]", "", "1 1\t{}\n", "']' on line 1"},
	} {
		for way, wrap := range map[string]func(io.Reader) io.Reader{"at once": nil, "a byte": iotest.OneByteReader, "eof": iotest.DataErrReader} {
			got, err := readRows(c.text, c.path, wrap)
			require.Equal(t, c.want, got, "%s, %s", name, way)
			if c.err == "" {
				require.NoError(t, err, "%s, %s", name, way)
			} else {
				require.ErrorContains(t, err, c.err, "%s, %s", name, way)
			}
		}
	}
	_, err := readRows("[{}", "", func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(io.ErrClosedPipe)) })
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// steps reads so many bytes at a time.
type steps struct {
	text []byte
	n    int
}

func (s *steps) Read(p []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.text[:min(s.n, len(s.text))])
	s.text = s.text[n:]
	return n, nil
}

func TestShapes(t *testing.T) {
	t.Parallel()
	form := Form{Cell: func(key string) (Cell, bool) { return CellText, key == "id" || key == "model" }, MaxLine: 1000}
	for name, c := range map[string]struct {
		text string
		want shape
		err  string
	}{
		"lines":             {"{\"a\":1}\n{", lines, ""},
		"one line":          {"{\"a\":1}", lines, ""},
		"blank":             {"\n \n", lines, ""},
		"two on a line":     {"{\"a\":1} {\"a\":2}\n", lines, ""},
		"broken first line": {"{\"a\":1,\n{\"a\":2}\n", lines, ""},
		"text cut by line":  {"{\"a\":\"x\n{\"a\":2}\n", lines, ""},
		"pretty":            {"\xEF\xBB\xBF{\n\"a\":1}\n", jsonValues, ""},
		"pretty, cut":       {"{\n\"a\":1", jsonValues, ""},
		"array":             {" [ {", jsonValues, ""},
		"empty array":       {"[\n]", jsonValues, ""},
		"array of numbers":  {"[1,\n2]", 0, "it begins with [ and is not an array of JSON objects"},
		"log line":          {"[2026-01-01] x\n{\"a\":1}\n", 0, "it begins with [ and"},
		"csv by columns":    {"id,model,x\n", commaSeparated, ""},
		"tsv by columns":    {"id\tx\n", tabSeparated, ""},
		"other text":        {"a,b,id\n", lines, ""},
		"sse":               {"data: {}\n", lines, ""},
	} {
		got, err := shapeOf([]byte(c.text), true, "f", form)
		if c.err != "" {
			require.ErrorIs(t, err, ErrNotRows, name)
			require.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
		for n := range len(c.text) { // what is decided early stays so
			early, err := shapeOf([]byte(c.text[:n]), false, "f", form)
			require.NoError(t, err, name)
			require.Contains(t, []shape{undecided, got}, early, "%s: %q", name, c.text[:n])
		}
	}
	got, err := shapeOf([]byte("a;b\n"), true, "X.CSV.gz", form)
	require.NoError(t, err)
	require.Equal(t, commaSeparated, got)
}

func TestCSVRows(t *testing.T) {
	t.Parallel()
	kinds := map[string]Cell{"n": CellNumber, "at": CellTime, "ok": CellBool, "j": CellJSON, "g": CellGuessed}
	text := "s,n,at,ok,j,g\n" +
		"a,1,2026-01-01,True,{},1.5\n" +
		"\"x,\"\"y\n\",01,123,no,\"[1,\n2]\",01\n" +
		",,,,,\n" +
		"a,b\n" +
		"\"x\"y,1,2,3,4,5\n" +
		"\xff,1,,,,\n" +
		"q,,,,\"1,\"\"n\"\":2\",\n" +
		"z,-1e5,,false,,true"
	want := strings.Join([]string{
		`14 2	{"s":"a","n":1,"at":"2026-01-01","ok":true,"j":{},"g":1.5}`,
		`41 3	{"s":"x,\"y\n","n":"01","at":123,"ok":"no","j":[1,` + "\r" + `2],"g":"01"}`,
		`72 6	{}`,
		`78 7!wrong number of fields`,
		`82 8!extraneous or missing " in quoted-field`,
		`97 9!the cell of "s": it is not valid UTF-8`,
		`105 10!the cell of "j": it is not JSON`,
		`123 11	{"s":"z","n":-1e5,"ok":false,"g":true}`,
	}, "\n") + "\n"
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
		r, err := newCSVRows(wrap(strings.NewReader(text)), ',', 1000, func(key string) Cell { return kinds[key] })
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	for text, want := range map[string]string{"a,a\n": `the header has the name "a" twice`, "a,\"b": "the header"} {
		_, err := newCSVRows(strings.NewReader(text), ',', 1000, func(string) Cell { return CellText })
		require.ErrorContains(t, err, want)
	}
	r, err := newCSVRows(strings.NewReader("a\n\""+strings.Repeat("x\n", 1<<20)), ',', 1000, func(string) Cell { return CellText })
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.ErrorIs(t, err, ErrLineTooLong, "no more than a row is held")
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"a":1} {"a":"}{"}{}`: `["{\"a\":1}" "{\"a\":\"}{\"}" "{}"]`,
		`{} x`:                 `[]`, `{}{`: `[]`, ` {} `: `["{}"]`, `1`: `[]`,
	} {
		require.Equal(t, want, fmt.Sprintf("%q", Objects([]byte(line))), line)
	}
}

// BenchmarkJSONRows reads an array of rows with some 400 bytes of text.
func BenchmarkJSONRows(b *testing.B) {
	var text bytes.Buffer
	text.WriteByte('[')
	for i := range 20_000 {
		if i > 0 {
			text.WriteString(",\n")
		}
		fmt.Fprintf(&text, `{"id":%d,"role":"assistant","model":"a-model","content":%q,"tokens":12,"score":0.25,"created_at":"2026-01-01T00:00:00Z"}`, i, strings.Repeat("some text\n", 25))
	}
	text.WriteByte(']')
	buf := make([]byte, 2<<20)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r := newJSONRows(bytes.NewReader(text.Bytes()), nil)
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
	}
}
