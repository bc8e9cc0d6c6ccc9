package input

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// Cell says how the text of a cell becomes JSON.
type Cell uint8

// The kinds of cells. Whatever the kind, an empty cell is as if the row did not have the
// key.
const (
	// CellText is a text, whatever it looks like.
	CellText Cell = iota
	// CellNumber is a number if it is written like one in JSON, and a text otherwise,
	// which a field of numbers then rejects.
	CellNumber
	// CellTime is a number if it consists of digits, and a text otherwise.
	CellTime
	// CellBool is true or false, in any case, as Python and spreadsheets write them.
	CellBool
	// CellJSON is JSON as it stands.
	CellJSON
	// CellGuessed is a number if it is written like one in JSON, true or false in any case,
	// and a text otherwise. It is for who does not know the fields yet.
	CellGuessed
)

// AppendCell appends the text of a cell as JSON on one line. The text is valid UTF-8. What
// is no JSON in a cell of JSON is an error.
func AppendCell(b []byte, kind Cell, text string) ([]byte, error) {
	switch kind {
	case CellJSON:
		if !json.Valid([]byte(text)) {
			return b, errors.New("it is not JSON")
		}
		return append(b, strings.ReplaceAll(text, "\n", "\r")...), nil
	case CellBool, CellNumber, CellTime, CellGuessed:
		if kind == CellBool || kind == CellGuessed {
			if lower := strings.ToLower(text); lower == "true" || lower == "false" {
				return append(b, lower...), nil
			}
		}
		if kind != CellBool && isNumber(text) && (kind != CellTime || strings.Trim(text, "0123456789") == "") {
			return append(b, text...), nil
		}
	}
	w := jx.Writer{Buf: b}
	w.Str(text)
	return w.Buf, nil
}

// isNumber reports whether the text is a number of JSON.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid([]byte(text))
}

// csvRows turns a table with a header into placed lines: CSV as RFC 4180 has it, or TSV
// with the same quotes. Of the input it holds one row.
type csvRows struct {
	lineMaker
	r       *csv.Reader
	most    *mostBytes
	skipped int64 // bytes before the header
	header  []string
	keys    [][]byte // the keys of the header as JSON, with a colon
	kinds   []Cell
	line    []byte
}

// newCSVRows reads the header. A row may have most bytes.
func newCSVRows(src io.Reader, comma rune, most int, kindOf func(key string) Cell) (*csvRows, error) {
	limited := &mostBytes{r: src, most: int64(most) + csvBuffer, left: int64(most) + csvBuffer}
	c := &csvRows{r: csv.NewReader(bufio.NewReaderSize(limited, csvBuffer)), most: limited}
	c.next = c.nextLine
	c.r.Comma, c.r.ReuseRecord, c.r.FieldsPerRecord = comma, true, 0
	header, err := c.r.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: the header: %w", ErrNotRows, err)
	}
	if len(header) == 1 && strings.ContainsAny(header[0], ";|\t,") {
		return nil, fmt.Errorf("%w: the header is one name, %q: cells are taken apart at commas, and in .tsv at tabs: write the file so", ErrNotRows, header[0])
	}
	seen := make(map[string]bool)
	for _, key := range header {
		if !utf8.ValidString(key) || seen[key] {
			return nil, fmt.Errorf("%w: the header has the name %q twice, or it is not valid UTF-8", ErrNotRows, key)
		}
		seen[key] = true
		var w jx.Writer
		w.Str(key)
		c.header = append(c.header, key)
		c.keys = append(c.keys, append(w.Buf, ':'))
		c.kinds = append(c.kinds, kindOf(key))
	}
	return c, nil
}

const csvBuffer = 64 << 10

// nextLine makes the line of the next row.
func (c *csvRows) nextLine() ([]byte, error) {
	at := Place{Offset: c.skipped + c.r.InputOffset()}
	c.most.left = c.most.most
	record, err := c.r.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		at.Line, err = int64(bad.StartLine), bad.Err
	case err != nil:
		return nil, err
	default:
		line, _ := c.r.FieldPos(0)
		at.Line = int64(line)
		err = c.row(at, record)
	}
	if err != nil {
		c.line = at.appendFault(c.line[:0], err.Error())
	}
	return c.line, nil
}

// row makes the line of a row.
func (c *csvRows) row(at Place, record []string) error {
	c.line = append(at.append(c.line[:0]), '{')
	for i, text := range record {
		if text == "" {
			continue
		}
		if c.line[len(c.line)-1] != '{' {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, c.keys[i]...)
		err := errors.New("it is not valid UTF-8")
		if utf8.ValidString(text) {
			c.line, err = AppendCell(c.line, c.kinds[i], text)
		}
		if err != nil {
			return fmt.Errorf("the cell of %q: %w", c.header[i], err)
		}
	}
	c.line = append(c.line, '}')
	return nil
}

// mostBytes is a reader that fails when more is read than left.
type mostBytes struct {
	r          io.Reader
	most, left int64
}

func (m *mostBytes) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: a row has more than %d bytes: a quote may be missing", ErrLineTooLong, m.most-csvBuffer)
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}
