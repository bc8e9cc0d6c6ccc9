package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
)

// Line is a line of an input.
type Line struct {
	// File is the name of the input, and - for standard input.
	File string
	// Number counts the lines of the input from 1.
	Number int64
	// Text is the line without its end. It is valid until the next one.
	Text []byte
	// Cells means that the line is a row of CSV or TSV: its values are numbers, true or
	// false where the texts of the cells look like that.
	Cells bool
}

// Lines reads the lines of inputs that are files, directories, patterns or -, as
// [Config.Inputs] has them, one input after the other. Compressed ones are decompressed,
// and what is no text is refused, as Load does. Empty lines are left out.
// Of several objects on a line each comes by itself, as a line with the same number.
//
// A line of more than maxBytes comes without its text and with an error of kind
// [ErrLineTooLong], and a row of CSV that is wrong in itself, such as one with too many
// cells, with one of kind [ErrBadRow]; whoever goes on gets the lines behind it. Any other error
// comes last: it is an [*InputError], or says what keeps the inputs from being
// found.
//
// The end of ctx ends the lines, also while an input keeps them waiting, with an
// [*InputError] that wraps the cause. A Read of stdin that waits then is left
// alone, and what it reads later is lost.
func Lines(ctx context.Context, inputs []string, stdin io.Reader, maxBytes int) iter.Seq2[Line, error] {
	return RowsAt(ctx, inputs, stdin, maxBytes, "")
}

// RowsAt is [Lines] of inputs whose rows are where [Config.RowsAt] says.
func RowsAt(ctx context.Context, inputs []string, stdin io.Reader, maxBytes int, rowsAt string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		form, err := linesForm(maxBytes, rowsAt)
		var files []*input.File
		if err == nil {
			files, err = input.Expand(inputs, "")
		}
		if err != nil {
			yield(Line{}, asInputError(err))
			return
		}
		for _, in := range files {
			more, err := linesOf(ctx, in, stdin, form, yield)
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(Line{}, &InputError{File: in.Name, Err: input.Bare(err)})
				return
			}
			if !more {
				return
			}
		}
	}
}

// linesForm is how lines are found by who does not know a schema yet.
func linesForm(maxBytes int, rowsAt string) (form input.Form, err error) {
	form = input.Form{MaxLine: maxBytes, Cell: func(string) (input.Cell, bool) { return input.CellGuessed, false }}
	if rowsAt == "" {
		return form, nil
	}
	if form.RowsAt, err = fact.ParseRowsPath(rowsAt); err != nil {
		err = fmt.Errorf("%w: the path of the rows %q: %w", ErrConfig, rowsAt, err)
	}
	return form, err
}

// linesOf reads the lines of one input. It returns false when nobody wants more.
func linesOf(ctx context.Context, in *input.File, stdin io.Reader, form input.Form, yield func(Line, error) bool) (more bool, err error) {
	var read atomic.Int64
	source, err := input.Open(ctx, in, stdin, &read, form)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	lines := input.NewLineReader(source, form.MaxLine)
	if err := lines.CheckText(); err != nil {
		return false, err
	}
	for number := int64(1); ; number++ {
		text, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		line := Line{File: in.Name, Number: number, Cells: source.Table}
		if errors.Is(err, ErrLineTooLong) {
			if !yield(line, &InputError{File: in.Name, Err: fmt.Errorf("line %d: %w", number, err)}) {
				return false, nil
			}
			continue
		}
		if err != nil {
			return false, err
		}
		if source.Placed {
			line.Number = input.PlaceOf(text).Line
			if text, err = placedRow(text); err != nil {
				if !yield(line, &InputError{File: in.Name, Err: fmt.Errorf("line %d: %w", line.Number, err)}) {
					return false, nil
				}
				continue
			}
		} else if number == 1 {
			text = bytes.TrimPrefix(text, input.BOM)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		rows := input.Objects(text)
		if len(rows) < 2 {
			rows = [][]byte{text}
		}
		for _, row := range rows {
			if line.Text = row; !yield(line, nil) {
				return false, nil
			}
		}
	}
}

// placedRow returns the row of a placed line.
func placedRow(line []byte) ([]byte, error) {
	row, fault := input.Row(line)
	if fault != "" {
		return nil, fmt.Errorf("%w: %s", ErrBadRow, fault)
	}
	return row, nil
}
