package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// explain adds to an error of a row what only the line can tell: where in it
// the fault is, and whether it looks like something else than a row.
func (d *decoder) explain(line, row []byte, shift int, err error) error {
	fault, ok := err.(*block.FieldError) //nolint:errorlint // as block documents it
	if !ok {
		return err
	}
	if d.single == nil {
		if fault.Offset >= 0 {
			// The row is a part of the line, so both end their capacity together.
			fault.Offset += cap(line) - cap(row)
		}
		return err
	}
	if len(d.columns) > 0 {
		fault.Offset = max(-1, fault.Offset-shift)
		if errors.Is(err, block.ErrDuplicateKey) {
			fault.Hint = "the row has a key that the load gives a value itself"
			return err
		}
	}
	switch {
	case fault.Field == "" && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("[")):
		fault.Hint = "each row is one JSON object"
	case errors.Is(err, block.ErrUnknownKey) && fault.Field == "file" && bytes.HasPrefix(line, []byte(`{"file":`)) && bytes.Contains(line, []byte(`,"raw`)):
		fault.Hint = "this looks like a file of rejects: jq -r .raw FILE takes the rows out of it, to be fixed and loaded"
	case errors.Is(err, block.ErrUnknownKey) && (fault.Field == "schema" || fault.Field == "data"):
		fault.Hint = "if the line is an envelope that names its schema itself, load without naming one"
	}
	return err
}

// singleName returns the schema of bare rows, or "".
func (d *decoder) singleName() string {
	if d.single == nil {
		return ""
	}
	return d.single.table.name
}

// broken returns the reject that an overlong or cut line becomes.
func (d *decoder) broken(c *chunk, p *piece) reject {
	x := reject{offset: p.offset, line: p.line, schema: d.singleName(), raw: p.data}
	if c.placed {
		x.offset, x.line = c.at.Offset, c.at.Line
		x.raw, _ = input.Row(p.data)
	}
	if p.kind == overlongLine || p.length > int64(d.maxLine) {
		x.err = input.TooLong(p.length, d.maxLine)
	} else {
		x.err = fmt.Errorf("%w: the input ends in the middle of it, without a line end: the file may be cut", ErrCutLine)
	}
	if p.kind == overlongLine || p.length > maxRawBytes {
		x.raw, x.cut = x.raw[:min(len(x.raw), maxRawBytes)], true
	}
	return x
}

// maxRawBytes is how much of a line that is too long, or cut, goes to the
// rejects file.
const maxRawBytes = 64 << 10

// alias returns b as a string without copying it. The string is valid as long
// as b is not changed.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // the block copies what it keeps
}
