package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"github.com/factload/factload/clickhouse/block"
)

// decoder turns the lines of chunks into blocks of rows. It belongs to one
// worker; its blocks are filled by one chunk at a time and keep their memory
// for the next.
type decoder struct {
	tables   map[string]*table
	single   *rowBlock // for bare rows
	envelope *envelope // for everything else
	maxLine  int
	// keepRejects is how many rejects of a chunk are kept, and maxRejects how
	// many there may be.
	keepRejects int
	maxRejects  int64

	blocks map[string]*rowBlock
	used   []*rowBlock // those that have rows of this chunk
}

// rowBlock is a block together with where in the chunk each row begins.
type rowBlock struct {
	table  *table
	block  *block.Block
	starts []int32
}

func newDecoder(cfg *Config, tables map[string]*table) *decoder {
	d := &decoder{
		tables:      tables,
		maxLine:     cfg.MaxLineBytes,
		keepRejects: firstRejects,
		maxRejects:  cfg.MaxRejects.chunkLimit(),
		blocks:      make(map[string]*rowBlock),
	}
	if cfg.Rejects != "" {
		d.keepRejects = int(^uint(0) >> 1)
	}
	if cfg.Format == Rows {
		d.single = d.blockOf(tables[cfg.Schema])
	} else {
		d.envelope = newEnvelope(cfg.Format)
	}
	return d
}

func (d *decoder) blockOf(t *table) *rowBlock {
	b := d.blocks[t.name]
	if b == nil {
		b = &rowBlock{table: t, block: t.layout.NewBlock()}
		d.blocks[t.name] = b
	}
	return b
}

// decode decodes a chunk. The rows are in d.used until the next call.
func (d *decoder) decode(c *chunk) *result {
	for _, b := range d.used {
		b.block.Reset()
		b.starts = b.starts[:0]
	}
	d.used = d.used[:0]
	res := &result{chunk: c}
	if c.kind == wholeLines {
		d.lines(c, res)
	} else {
		res.reject(d.broken(c), d.keepRejects)
	}
	for _, b := range d.used {
		res.count(b.table.name).Rows = int64(b.block.Rows())
	}
	return res
}

// lines decodes the lines of a chunk.
func (d *decoder) lines(c *chunk, res *result) {
	data, pos, number := c.data, 0, c.line
	if c.offset == 0 && bytes.HasPrefix(data, bom) {
		pos = len(bom)
	}
	for ; pos < len(data); number++ {
		end, next := len(data), len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		}
		line := data[pos:end]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if schema, err := d.line(line, pos); err != nil {
			x := reject{offset: pos, line: number, schema: schema, err: err, raw: line}
			if errors.Is(err, ErrLineTooLong) {
				x.raw, x.cut = line[:min(len(line), maxRawBytes)], true
			}
			res.reject(x, d.keepRejects)
			if _, rejected := res.rows(); rejected > d.maxRejects {
				res.hopeless = true
				return
			}
		}
		pos = next
	}
}

// line decodes one line. Blank ones are nothing. The schema goes into the
// reject when there is an error.
func (d *decoder) line(line []byte, pos int) (schema string, err error) {
	if len(line) == 0 || line[0] <= ' ' && isBlank(line) {
		return "", nil
	}
	if len(line) > d.maxLine {
		return d.singleName(), tooLong(int64(len(line)), d.maxLine)
	}
	b, id, row := d.single, "", line
	if b == nil {
		if b, err = d.open(line); err != nil {
			return string(d.envelope.schema), err
		}
		id, row = alias(d.envelope.id), d.envelope.data
	}
	if err = b.block.AppendJSONFact(id, row); err != nil {
		return b.table.name, d.explain(line, row, err)
	}
	if len(b.starts) == 0 {
		d.used = append(d.used, b)
	}
	b.starts = append(b.starts, int32(pos)) //nolint:gosec // a chunk has less than 2 GiB
	return "", nil
}

// open takes an envelope apart and returns the block for its row.
func (d *decoder) open(line []byte) (*rowBlock, error) {
	e := d.envelope
	if err := e.parse(line); err != nil {
		return nil, err
	}
	if b := d.blocks[string(e.schema)]; b != nil {
		return b, nil
	}
	t := d.tables[string(e.schema)]
	if t == nil {
		return nil, unknownSchema(string(e.schema), d.tables)
	}
	return d.blockOf(t), nil
}

// explain adds to an error of a row what only the line can tell: where in it
// the fault is, and whether it looks like something else than a row.
func (d *decoder) explain(line, row []byte, err error) error {
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
	switch {
	case fault.Field == "" && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("[")):
		fault.Hint = "each row is one JSON object on one line; for a file that is one array, jq -c '.[]' FILE makes such lines"
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
func (d *decoder) broken(c *chunk) reject {
	x := reject{line: c.line, schema: d.singleName(), raw: c.data}
	if c.kind == overlongLine || c.length > int64(d.maxLine) {
		x.err = tooLong(c.length, d.maxLine)
	} else {
		x.err = fmt.Errorf("%w: the input ends in the middle of it, without a line end: the file may be cut", ErrCutLine)
	}
	if c.kind == overlongLine || c.length > maxRawBytes {
		x.raw, x.cut = c.data[:min(len(c.data), maxRawBytes)], true
	}
	return x
}

// maxRawBytes is how much of a line that is too long, or cut, goes to the
// rejects file.
const maxRawBytes = 64 << 10

func tooLong(n int64, limit int) error {
	return fmt.Errorf("%w: it has %d bytes, and the limit is %d", ErrLineTooLong, n, limit)
}

// alias returns b as a string without copying it. The string is valid as long
// as b is not changed.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // the block copies what it keeps
}
