package input

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/factload/factload/fact"
)

// Form says how the rows of an input are to be found.
type Form struct {
	// RowsAt is the path to the rows in JSON. Without it they are the values at the
	// top, or the elements of arrays there.
	RowsAt fact.Path
	// Cell returns how the cells of a column of CSV become JSON, and whether there is
	// such a column in the schema. Nil means that CSV cannot be read.
	Cell func(key string) (kind Cell, known bool)
	// MaxLine bounds a row of CSV, in bytes.
	MaxLine int
	// Evals means that the input is a log of openai/evals, which becomes envelopes.
	Evals bool
}

// shape is how an input has its rows.
type shape uint8

const (
	undecided shape = iota
	lines           // one row a line
	jsonValues
	commaSeparated
	tabSeparated
	evalsLog
)

// comma is what stands between the cells of a table.
func (s shape) comma() rune {
	if s == tabSeparated {
		return '\t'
	}
	return ','
}

// headBytes is how much of an input is looked at, at most, to tell its shape.
const headBytes = 64 << 10

// rowsOf makes lines of rows of what r has. It returns r itself where rows are lines,
// which is told from as little as is there of the input.
func rowsOf(r *bufio.Reader, name string, form Form) (rows *bufio.Reader, what shape, err error) {
	var head []byte
	if form.Evals {
		what = evalsLog
		head, _ = r.Peek(sniffBytes) // who reads on finds out what is wrong
	}
	for want := 1; what == undecided; want = len(head) + 1 {
		_, err := r.Peek(want)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, undecided, err
		}
		head, _ = r.Peek(r.Buffered())
		whole := err != nil || len(head) >= headBytes
		if what, err = shapeOf(head, whole, name, form); err != nil {
			return nil, undecided, err
		}
	}
	if what == lines {
		return r, lines, nil
	}
	if err := CheckText(head); err != nil {
		return nil, undecided, err
	}
	skipped := 0
	if bytes.HasPrefix(head, BOM) {
		skipped, _ = r.Discard(len(BOM))
	}
	if what == evalsLog {
		rows := newEvalsRows(r, form.MaxLine)
		rows.behind = int64(skipped)
		return bufio.NewReaderSize(rows, headBytes), what, nil
	}
	if what == jsonValues {
		rows := newJSONRows(r, form.RowsAt)
		rows.offset = int64(skipped)
		return bufio.NewReaderSize(rows, headBytes), what, nil
	}
	kindOf := func(key string) Cell { kind, _ := form.Cell(key); return kind }
	table, err := newCSVRows(r, what.comma(), form.MaxLine, kindOf)
	if err != nil {
		return nil, undecided, err
	}
	table.skipped = int64(skipped)
	return bufio.NewReaderSize(table, headBytes), what, nil
}

// shapeOf tells the shape from the beginning of an input. It is undecided when that is
// not enough, unless it is whole: all of the input, or as much as is looked at.
func shapeOf(head []byte, whole bool, name string, form Form) (shape, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, BOM), " \t\r\n\x1e")
	if len(text) == 0 {
		return decided(whole, lines), nil
	}
	switch {
	case form.RowsAt != nil:
		return jsonValues, nil
	case text[0] == '[':
		return shapeOfArray(text, whole)
	case text[0] == '{':
		return shapeOfObjects(text, whole), nil
	}
	line, _, ended := bytes.Cut(text, newline)
	if !ended && !whole {
		return undecided, nil
	}
	return shapeOfTable(line, name, form), nil
}

func decided(whole bool, what shape) shape {
	if whole {
		return what
	}
	return undecided
}

// shapeOfArray tells whether an array is one of rows. One of anything else is an error:
// its lines, if it has several, would be loaded in part.
func shapeOfArray(text []byte, whole bool) (shape, error) {
	switch rest := bytes.TrimLeft(text[1:], " \t\r\n"); {
	case len(rest) == 0 && !whole:
		return undecided, nil
	case len(rest) == 0 || rest[0] == '{' || rest[0] == ']':
		return jsonValues, nil
	}
	return undecided, fmt.Errorf("%w: it begins with [ and is not an array of JSON objects", ErrNotRows)
}

// shapeOfObjects tells rows that go over several lines from one a line. A first line that
// is wrong in itself costs that line only.
func shapeOfObjects(text []byte, whole bool) shape {
	line, _, ended := bytes.Cut(text, newline)
	if !ended {
		return decided(whole, lines)
	}
	if json.Valid(line) {
		return lines
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var first json.RawMessage
	switch err := d.Decode(&first); {
	case err == nil && bytes.IndexByte(first, '\n') >= 0:
		return jsonValues
	case errors.Is(err, io.ErrUnexpectedEOF):
		return decided(whole, jsonValues)
	}
	return lines
}

// shapeOfTable tells tables with a header: files named so, and others of which at least
// half of the names in the first line are columns of the schema.
func shapeOfTable(line []byte, name string, form Form) shape {
	if form.Cell == nil {
		return lines
	}
	switch ending := filepath.Ext(withoutCompression(strings.ToLower(name))); ending {
	case ".csv":
		return commaSeparated
	case ".tsv", ".tab":
		return tabSeparated
	}
	for _, what := range []shape{commaSeparated, tabSeparated} {
		r := csv.NewReader(bytes.NewReader(line))
		r.Comma = what.comma()
		header, err := r.Read()
		known := 0
		for _, key := range header {
			if _, ok := form.Cell(key); ok {
				known++
			}
		}
		if err == nil && known > 0 && 2*known >= len(header) && len(header) > 1 {
			return what
		}
	}
	return lines
}
