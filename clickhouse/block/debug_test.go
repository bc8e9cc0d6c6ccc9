package block

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// debugPrinter prints what a column sends, piece by piece: where it is, its bytes
// and what they mean. It reads the bytes as a server does, and knows nothing of how
// the column holds its rows.
type debugPrinter struct {
	strings.Builder
	wire []byte
	pos  int
}

// debug prints all columns of a block as they are sent.
func debug(b *Block) string {
	var out strings.Builder
	for i, info := range b.Layout().Columns() {
		var buf proto.Buffer
		b.EncodeColumn(i, &buf)
		p := debugPrinter{wire: buf.Buf}
		fmt.Fprintf(&out, "%s %s: %d rows, %d bytes\n", info.Name, info.Type, b.Rows(), len(p.wire))
		p.state(b.columns[i])
		p.column(b.columns[i], b.Rows())
		if p.pos < len(p.wire) {
			p.piece(len(p.wire)-p.pos, "left over")
		}
		out.WriteString(p.String())
	}
	return out.String()
}

// piece prints the next n bytes with their meaning.
func (p *debugPrinter) piece(n int, format string, args ...any) {
	const shown = 16
	text := p.wire[p.pos : p.pos+n]
	hex := fmt.Sprintf("% x", text[:min(n, shown)])
	if n > shown {
		hex += " …"
	}
	_, _ = fmt.Fprintf(p, "  %04x  %-49s  %s\n", p.pos, hex, fmt.Sprintf(format, args...))
	p.pos += n
}

func (p *debugPrinter) word() uint64 { return binary.LittleEndian.Uint64(p.wire[p.pos:]) }

// text prints a string with its length.
func (p *debugPrinter) text(what string, i int) {
	n, size := binary.Uvarint(p.wire[p.pos:])
	text := p.wire[p.pos+size : p.pos+size+int(n)]
	p.piece(size+int(n), "%s %d: %q", what, i, text)
}

func (p *debugPrinter) texts(what string, n int) {
	for i := range n {
		p.text(what, i)
	}
}

// ends prints the offsets of rows and returns the last one.
func (p *debugPrinter) ends(rows int) (elements int) {
	for i := range rows {
		elements = int(p.word())
		p.piece(8, "row %d ends at %d", i, elements)
	}
	return elements
}

func (p *debugPrinter) state(c column) {
	if a, ok := c.(*arrayColumn); ok {
		p.state(a.elem)
		return
	}
	if _, ok := c.(proto.StateEncoder); ok && len(p.wire) > 0 {
		p.piece(8, "state: version %d", p.word())
	}
}

// column prints a column of so many rows.
func (p *debugPrinter) column(c column, rows int) {
	switch c := c.(type) {
	case *arrayColumn:
		p.column(c.elem, p.ends(rows))
	case *mapColumn:
		entries := p.ends(rows)
		p.texts("key", entries)
		p.texts("value", entries)
	case *nullableColumn:
		p.piece(rows, "NULL where 1")
		p.column(c.elem, rows)
	case *lowCardinalityColumn:
		p.lowCardinality(rows)
	case *stringColumn, *jsonColumn, *nativeJSONColumn:
		p.texts("row", rows)
	default:
		size := 0
		if rows > 0 {
			size = (len(p.wire) - p.pos) / rows
		}
		for i := range rows {
			p.piece(size, "row %d", i)
		}
	}
}

func (p *debugPrinter) lowCardinality(rows int) {
	if rows == 0 {
		return
	}
	width := 1 << (p.word() & 0xff)
	p.piece(8, "flags %#x, numbers of %d bytes", p.word()&^0xff, width)
	entries := int(p.word())
	p.piece(8, "%d entries", entries)
	p.texts("entry", entries)
	p.piece(8, "%d rows", p.word())
	for i := range rows {
		p.piece(width, "row %d", i)
	}
}

// TestWire shows the bytes of each kind of column, which a reader can check
// against the drawings in the columns' comments.
func TestWire(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field fact.Field
		rows  []string
	}{
		"string":          {fact.Field{Type: fact.String}, []string{`"a"`, `""`, `"é\n"`, `"` + strings.Repeat("x", 200) + `"`}},
		"low_cardinality": {fact.Field{Type: fact.LowCardinalityString}, []string{`"user"`, `"assistant"`, `"user"`}},
		"low_cardinality_nullable": {
			fact.Field{Type: fact.LowCardinalityString, Nullable: true}, []string{`"a"`, `null`, `""`},
		},
		"low_cardinality_array": {fact.Field{Type: fact.LowCardinalityString, Array: true}, []string{`["a","b"]`, `[]`, `["a"]`}},
		"bool":                  {fact.Field{Type: fact.Bool}, []string{`true`, `false`}},
		"uint16":                {fact.Field{Type: fact.UInt16}, []string{`1`, `258`}},
		"float64_nullable":      {fact.Field{Type: fact.Float64, Nullable: true}, []string{`1.5`, `null`, `-2`}},
		"datetime64":            {fact.Field{Type: fact.DateTime64}, []string{`"1970-01-01T00:00:01Z"`, `"1969-12-31T23:59:59.999Z"`}},
		"date":                  {fact.Field{Type: fact.Date}, []string{`"1970-01-02"`, `"2149-06-06"`}},
		"uuid":                  {fact.Field{Type: fact.UUID}, []string{`"00112233-4455-6677-8899-aabbccddeeff"`}},
		"decimal":               {fact.Field{Type: fact.Decimal, Precision: 38, Scale: 2}, []string{`12.5`, `-0.01`}},
		"enum":                  {fact.Field{Type: fact.Enum, Values: []string{"low", "high"}}, []string{`"high"`, `"low"`}},
		"string_map":            {fact.Field{Type: fact.StringMap}, []string{`{"b":"1","a":"2"}`, `{}`, `{"a":""}`}},
		"json":                  {fact.Field{Type: fact.JSON}, []string{`{"a" : 1}`, `[ ]`}},
		"native_json":           {fact.Field{Type: fact.NativeJSON}, []string{`{"a":1}`, `{}`}},
		"json_array":            {fact.Field{Type: fact.JSON, Array: true}, []string{`[{},1]`, `[]`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBlock(t, oneField(c.field), Options{})
			for _, value := range c.rows {
				require.NoError(t, b.AppendJSON(row(value)))
			}
			got := debug(b)
			require.NotContains(t, got, "left over")
			golden := filepath.Join("testdata", "wire", name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run with -update to write it")
			require.Equal(t, string(want), got)
		})
	}
}
