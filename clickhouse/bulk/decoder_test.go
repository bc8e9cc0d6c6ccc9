package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
)

// notes has a fact ID, for envelopes.
func notes() Target {
	return Target{Schema: fact.Schema{
		Name: "notes",
		Fields: []fact.Field{
			{Name: "note_id", Type: fact.String, FactID: true},
			{Name: "text", Type: fact.String},
		},
		OrderBy: []string{"note_id"},
	}}
}

// decodeText decodes text as one chunk.
func decodeText(t *testing.T, format Format, text string) (*decoder, *result) {
	t.Helper()
	cfg := Config{
		Targets: map[string]Target{"items": items(), "notes": notes()}, Format: format, MaxLineBytes: 200, Rejects: "rejects",
	}
	if format == Rows {
		cfg.Schema = "items"
	}
	cfg = cfg.withDefaults()
	tables, err := newTables(cfg.Targets, cfg.Schema, cfg.Decode)
	require.NoError(t, err)
	d := newDecoder(&cfg, tables)
	return d, decodeOne(t, d, &piece{line: 1, data: []byte(text), length: int64(len(text))})
}

// decodeOne decodes a chunk of one piece.
func decodeOne(t testing.TB, d *decoder, pieces ...*piece) *result {
	t.Helper()
	res := &result{chunk: &chunk{file: &input.File{Name: "f"}, offset: pieces[0].offset}}
	d.begin()
	for _, p := range pieces {
		require.NoError(t, d.decode(t.Context(), p, res))
	}
	d.end(res)
	return res
}

func TestDecodeLines(t *testing.T) {
	t.Parallel()
	long := `{"id":4,"text":"` + strings.Repeat("x", 200) + `"}`
	text := "\xEF\xBB\xBF{\"id\":1}\r\n\n \t\r\n{\"id\":2}\n{\"id\":-1}\n" + long + "\n{\"id\":3}"
	d, res := decodeText(t, Rows, text)
	require.Equal(t, 3, d.used[0].block.Rows())
	rows, rejected := res.rows()
	require.EqualValues(t, 3, rows)
	require.EqualValues(t, 2, rejected)
	require.Equal(t, map[string]int64{"range": 1, "line_too_long": 1}, res.reasons)
	require.Empty(t, d.used[0].starts)

	first := res.rowError(&res.rejects[0])
	require.EqualValues(t, 5, first.Line)
	require.EqualValues(t, 27, first.Offset)
	require.Equal(t, "items", first.Schema)
	require.Equal(t, "id", first.Field)
	require.Equal(t, "-1", first.Value)
	require.ErrorIs(t, first, block.ErrRange)
	require.True(t, strings.HasPrefix(first.Error(), `f:5: items: field "id": -1 `), first.Error())
	require.Contains(t, res.lines.String(), `"raw":"{\"id\":-1}"`)

	second := res.rowError(&res.rejects[1])
	require.EqualValues(t, 6, second.Line)
	require.ErrorIs(t, second, ErrLineTooLong)
	require.ErrorContains(t, second, "it has 218 bytes, and the limit is 200")
	require.True(t, res.rejects[1].cut)
}

func TestDecodeBrokenChunks(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	res := decodeOne(t, d, &piece{kind: cutLine, line: 7, offset: 50, length: 3, data: []byte(`{"i`)})
	require.Equal(t, map[string]int64{"cut_line": 1}, res.reasons)
	require.Contains(t, res.lines.String(), `"raw":"{\"i","reason":"cut_line"`)
	require.False(t, res.rejects[0].cut)
	require.EqualValues(t, 7, res.rowError(&res.rejects[0]).Line)
	require.EqualValues(t, 50, res.rowError(&res.rejects[0]).Offset)

	res = decodeOne(t, d, &piece{kind: overlongLine, length: 1 << 30, data: []byte(`{"i`)})
	require.Equal(t, map[string]int64{"line_too_long": 1}, res.reasons)
	require.True(t, res.rejects[0].cut)
	require.ErrorContains(t, res.rejects[0].err, "it has 1073741824 bytes")
}

func TestDecodeStopsWhenItIsHopeless(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	d.maxRejects = 2
	res := decodeOne(t, d, &piece{data: []byte(strings.Repeat("x\n", 5))})
	require.True(t, res.hopeless)
	require.Len(t, res.rejects, 3)
	res = decodeOne(t, d, &piece{data: []byte(strings.Repeat("x\n", 2))})
	require.False(t, res.hopeless)
}

func TestDecodeKeepsFewRejectsWithoutFile(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	d.spool = nil
	res := decodeOne(t, d, &piece{data: []byte(strings.Repeat("x\n", 50))})
	require.Nil(t, res.lines)
	require.Len(t, res.rejects, firstRejects)
	require.Equal(t, map[string]int64{"syntax": 50}, res.reasons)
}

func TestDecodeEnvelopes(t *testing.T) {
	t.Parallel()
	event, err := json.Marshal(fact.Event{
		ID: "e1", Stream: "s", Type: "items", Data: json.RawMessage(`{"id":7}`), Metadata: map[string]string{"a": "b"},
		Sequence: 3, OccurredAt: time.Unix(1, 0),
	})
	require.NoError(t, err)
	envelope, err := json.Marshal(fact.Fact{Schema: "notes", ID: "n1", Data: map[string]any{"text": "x"}})
	require.NoError(t, err)
	anyFormat, facts, events := []Format{Auto, Facts, Events}, []Format{Auto, Facts}, []Format{Auto, Events}
	for name, c := range map[string]struct {
		line    string
		formats []Format // that accept it
		schema  string
		reason  string // for the others of Auto, Facts and Events, and for all when there are none
	}{
		"marshalled fact":  {string(envelope), facts, "notes", "unknown_key"},
		"marshalled event": {string(event), events, "items", "unknown_key"},
		"spaces":           {` { "data" : {"id":1} , "schema" : "items" } `, facts, "items", "unknown_key"},
		"escapes":          {`{"sch\u0065ma":"it\u0065ms","data":{"id":1}}`, facts, "items", "unknown_key"},
		"id in the row":    {`{"schema":"notes","data":{"note_id":"x"}}`, facts, "notes", "unknown_key"},
		"both equal":       {`{"schema":"notes","id":"x","data":{"note_id":"x"}}`, facts, "notes", "unknown_key"},
		"least event":      {`{"type":"items","data":{"id":1}}`, events, "items", "unknown_key"},
		"both differ":      {`{"schema":"notes","id":"y","data":{"note_id":"x"}}`, nil, "notes", "id"},
		"no id":            {`{"schema":"notes","data":{}}`, nil, "notes", "missing"},
		"bare row":         {`{"id":"1"}`, nil, "", "missing"},
		"no data":          {`{"schema":"items"}`, nil, "items", "missing"},
		"data is text":     {`{"schema":"items","data":"{}"}`, nil, "items", "type"},
		"schema is number": {`{"schema":1,"data":{}}`, nil, "", "type"},
		"unknown key":      {`{"schema":"items","data":{},"more":1}`, nil, "items", "unknown_key"},
		"both kinds":       {`{"schema":"items","type":"items","data":{"id":1}}`, nil, "items", "unknown_key"},
		"twice":            {`{"schema":"items","schema":"items","data":{"id":1}}`, nil, "items", "duplicate_key"},
		"trailing":         {`{"schema":"items","data":{"id":1}} x`, nil, "items", "trailing"},
		"syntax":           {`{"schema":"items","data":{"id":1}`, nil, "items", "syntax"},
		"syntax in data":   {`{"schema":"items","data":{"id":01}}`, nil, "items", "syntax"},
		"array":            {`[1]`, nil, "", "type"},
		"utf-8":            {"{\"schema\":\"items\",\"data\":{\"id\":1,\"text\":\"\xff\"}}", nil, "", "utf8"},
		"not a target":     {`{"schema":"things","data":{}}`, nil, "things", "unknown_schema"},
		"bad row":          {`{"schema":"items","data":{"id":"x"}}`, nil, "items", "type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range anyFormat {
				d, res := decodeText(t, format, c.line)
				rows, rejected := res.rows()
				if accepts(c.formats, format) {
					require.EqualValues(t, 1, rows, "%s: %v", format, res.rejects)
					require.Equal(t, c.schema, d.used[0].table.name)
					continue
				}
				require.EqualValues(t, 1, rejected, format)
				if c.formats == nil && format != Events {
					require.Equal(t, c.schema, res.rejects[0].schema)
				}
				if c.formats != nil || format != Events {
					require.Contains(t, res.reasons, c.reason, format)
				}
			}
		})
	}
}

func accepts(formats []Format, f Format) bool {
	for _, x := range formats {
		if x == f {
			return true
		}
	}
	return false
}

func TestDecodeFillsTheFactID(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Auto, `{"id":"abc","schema":"notes","data":{"text":"x"}}`+"\n")
	want := d.tables["notes"].layout.NewBlock()
	require.NoError(t, want.AppendJSON([]byte(`{"note_id":"abc","text":"x"}`)))
	require.Equal(t, digestOf(want), digestOf(d.used[0].block))
}

func digestOf(b *block.Block) string {
	var w bytesHash
	b.WriteDigest(&w)
	return w.String()
}

type bytesHash struct{ bytes.Buffer }

func (h *bytesHash) Sum(b []byte) []byte { return append(b, h.Bytes()...) }
func (h *bytesHash) Size() int           { return h.Len() }
func (h *bytesHash) BlockSize() int      { return 1 }

func TestDecodeTellsOffsetsInTheLine(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Rows, Auto} {
		line := `{"id":x}`
		want := 6
		if format == Auto {
			line = `{"schema":"items","data":` + line + `}`
			want += len(`{"schema":"items","data":`)
		}
		_, res := decodeText(t, format, line+"\n"+line)
		for i := range res.rejects {
			if format == Auto {
				continue // the envelope itself is no JSON
			}
			var fault *block.FieldError
			require.ErrorAs(t, res.rejects[i].err, &fault)
			require.Equal(t, want, fault.Offset)
		}
	}
	_, res := decodeText(t, Auto, `{"schema":"items","data":{"id":-1}}`)
	var fault *block.FieldError
	require.ErrorAs(t, res.rejects[0].err, &fault)
	require.Equal(t, strings.Index(`{"schema":"items","data":{"id":-1}}`, "-1"), fault.Offset)
}

func TestDecodeHintsAtOtherFormats(t *testing.T) {
	t.Parallel()
	_, res := decodeText(t, Rows, "[{\"id\":1}]\n"+`{"schema":"items","data":{"id":1}}`+"\n"+`{"idd":1}`+"\n{\r\n")
	require.Len(t, res.rejects, 4)
	require.ErrorContains(t, res.rejects[0].err, "each row is one JSON object")
	require.ErrorContains(t, res.rejects[1].err, "load without naming one")
	require.NotContains(t, res.rejects[2].err.Error(), "envelope")
}

// TestDecodeDoesNotAllocatePerLine looks at chunks of two sizes.
func TestDecodeDoesNotAllocatePerLine(t *testing.T) {
	for _, format := range []Format{Rows, Auto} {
		line := `{"id":1,"text":"abc"}` + "\n"
		if format == Auto {
			line = `{"schema":"notes","id":"abc","data":{"text":"x"}}` + "\n"
		}
		d, _ := decodeText(t, format, "")
		allocs := func(n int) float64 {
			p := &piece{data: bytes.Repeat([]byte(line), n)}
			decodeOne(t, d, p)
			return testing.AllocsPerRun(5, func() { decodeOne(t, d, p) })
		}
		require.Less(t, math.Abs(allocs(1000)-allocs(2000)), 10.0, format)
	}
}

// TestDecodeKeepsLinesForPickyTables decodes chunks of several pieces, for
// tables that may refuse rows.
func TestDecodeKeepsLinesForPickyTables(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Auto, "")
	d.prepare = func(_ context.Context, b *table) error {
		b.picky = b.name == "notes"
		return nil
	}
	item := `{"schema":"items","data":{"id":1}}` + "\n"
	note := func(id string) string { return `{"schema":"notes","id":"` + id + `","data":{}}` + "\n" }
	texts := []string{item + item, "bad\n" + item + note("a"), item, note("b") + "\n" + note("c")}
	for range 2 { // the second time the tables have been prepared
		var pieces []*piece
		offset, line := int64(1000), int64(100)
		for _, text := range texts {
			pieces = append(pieces, &piece{data: []byte(text), length: int64(len(text)), offset: offset, line: line})
			offset += int64(len(text))
			line += int64(strings.Count(text, "\n"))
		}
		res := decodeOne(t, d, pieces...)
		require.EqualValues(t, 1, res.rejected)
		notes := d.blocks["notes"]
		require.Len(t, notes.starts, 3)
		require.Empty(t, d.blocks["items"].starts)
		for i, want := range []struct {
			id   string
			line int64
		}{{"a", 104}, {"b", 106}, {"c", 108}} {
			raw, line := d.lines.at(int64(notes.starts[i]), 0, 100)
			require.Equal(t, strings.TrimSuffix(note(want.id), "\n"), string(raw))
			require.Equal(t, want.line, line)
		}
	}
}

func TestDecodeReturnsErrorsOfTables(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	broken := errors.New("broken")
	d.prepare = func(context.Context, *table) error { return broken }
	d.begin()
	res := &result{chunk: &chunk{}}
	require.ErrorIs(t, d.decode(t.Context(), &piece{data: []byte("{\"id\":1}\n")}, res), broken)
	require.Zero(t, res.rejected)
}
