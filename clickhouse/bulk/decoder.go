package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
)

// decoder turns the lines of chunks into blocks of rows. It belongs to one
// worker; its blocks are filled by one batch at a time and keep their memory
// for the next.
type decoder struct {
	tables   map[string]*table
	single   *rowBlock // for bare rows
	envelope *envelope // for everything else
	maxLine  int
	// maxRejects is how many rejects a chunk may have.
	maxRejects int64
	// spool takes the lines for the rejects file. It is nil when there is none.
	spool *rejects.Spool
	// prepare makes sure that a table is there, and tells whether it may refuse
	// rows. It is nil for a dry run.
	prepare func(context.Context, *table) error

	blocks  map[string]*rowBlock
	used    []*rowBlock // those that have rows of this batch
	start   int64       // where in the batch the chunk begins, in bytes
	lines   lineBuffer
	columns []byte // that the input gives its rows, as members of a JSON object
	joined  []byte // a row with the columns that its input gives it
	// room is about how much memory all blocks may keep together: as much as a
	// chunk usually takes.
	room int
}

// rowBlock is a block for the rows of one table.
type rowBlock struct {
	table *table
	block *block.Block
	// starts tells for each row where in the batch its line begins. It is kept
	// only for tables that may refuse rows.
	starts []int32
	// counted is how many rows are of chunks before the one that is being decoded.
	counted int
	picky   bool // the table may refuse rows
	ready   bool // the table has been prepared
	// held is about how much memory the block keeps for its rows, with a quarter
	// that is left free when it grows, and filled how much the last chunk has used
	// of it.
	held, filled int
}

// needs returns how much memory a block keeps that is filled so far.
func (b *rowBlock) needs() int { return b.filled + b.filled/4 }

func newDecoder(cfg *Config, tables map[string]*table) *decoder {
	d := &decoder{
		tables:     tables,
		maxLine:    cfg.MaxLineBytes,
		maxRejects: cfg.MaxRejects.chunkLimit(),
		room:       cfg.ChunkBytes / 4 * 3,
		blocks:     make(map[string]*rowBlock),
	}
	if cfg.Rejects != "" {
		d.spool = newSpool(cfg)
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

// begin forgets the batch before.
func (d *decoder) begin() {
	for _, b := range d.used {
		b.block.Reset()
		b.starts, b.counted = b.starts[:0], 0
	}
	d.start = 0
	if d.single == nil {
		d.shrink(0, func(b *rowBlock) int { return b.held - 2*b.filled })
	}
	for _, b := range d.used {
		b.filled = 0
	}
	d.used = d.used[:0]
	d.lines.reset()
}

// shrink gives memory of blocks back when they keep more than there is room for
// besides more bytes that will be needed. idle tells how much of a block's is
// not in use, and those go first that have most; where it is not positive,
// the block stays.
func (d *decoder) shrink(more int, idle func(*rowBlock) int) {
	total := more
	for _, b := range d.blocks {
		total += b.held
	}
	freed := 0
	defer func() {
		if freed >= collectFreed {
			runtime.GC()
		}
	}()
	for total > d.room {
		var most *rowBlock
		for _, b := range d.blocks {
			if idle(b) > 0 && (most == nil || idle(b) > idle(most)) {
				most = b
			}
		}
		if most == nil {
			return
		}
		total -= most.held
		freed += most.held
		most.block, most.starts, most.held = most.table.layout.NewBlock(), nil, 0
	}
}

// collectFreed is how much memory is worth collecting at once, before as much
// is taken anew. It takes milliseconds, as there are few pointers in it.
const collectFreed = 8 << 20

// decode decodes a piece of a chunk into the blocks in d.used. Bad rows go to
// res, which says when there are too many of them. The error is one of
// preparing a table.
func (d *decoder) decode(ctx context.Context, p *piece, res *result) error {
	if p.kind != wholeLines {
		d.reject(res, d.broken(res.chunk, p))
		return nil
	}
	data, pos, number := p.data, 0, p.line
	if p.offset == 0 && bytes.HasPrefix(data, input.BOM) {
		pos = len(input.BOM)
	}
	d.lines.offer(p, d.start+p.offset-res.chunk.offset)
	d.columns = res.chunk.columns
	for ; pos < len(data) && !res.hopeless; number++ {
		end, next := len(data), len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		}
		line := data[pos:end]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if err := d.rows(ctx, res, line, rowPlace{at: input.Place{Offset: p.offset + int64(pos), Line: number}, inChunk: p.offset + int64(pos) - res.chunk.offset}); err != nil {
			return err
		}
		pos = next
	}
	if p.offset == res.chunk.offset {
		d.grow(p, res.chunk)
	}
	return nil
}

// rowPlace is where a row stands.
type rowPlace struct {
	at      input.Place
	inChunk int64 // where in the chunk its line begins
}

// rows decodes a line, which may hold several objects. The error is one of preparing a
// table.
func (d *decoder) rows(ctx context.Context, res *result, line []byte, place rowPlace) error {
	if !res.chunk.only.within(place.inChunk, place.inChunk+int64(len(line))+1) {
		return nil
	}
	if res.chunk.placed {
		return d.placedRow(ctx, res, line, place)
	}
	schema, err := d.line(ctx, line, place.inChunk)
	if err == nil {
		return nil
	}
	if errors.Is(err, block.ErrTrailing) {
		if objects := input.Objects(line); len(objects) > 1 {
			return d.objects(ctx, res, line, objects, place)
		}
	}
	return d.rejectRow(res, reject{offset: place.at.Offset, inChunk: place.inChunk, line: place.at.Line, schema: schema, err: err, raw: line})
}

// objects decodes the objects of a line, of which each is a row.
func (d *decoder) objects(ctx context.Context, res *result, line []byte, objects [][]byte, place rowPlace) error {
	for _, object := range objects {
		skip := int64(cap(line) - cap(object)) // both are parts of the same piece
		if !res.chunk.only.within(place.inChunk+skip, place.inChunk+skip+1) {
			continue
		}
		schema, err := d.line(ctx, object, place.inChunk+skip)
		if err == nil {
			continue
		}
		if err := d.rejectRow(res, reject{offset: place.at.Offset + skip, inChunk: place.inChunk + skip, line: place.at.Line, schema: schema, err: err, raw: object}); err != nil {
			return err
		}
	}
	return nil
}

// placedRow decodes the row of a placed line.
func (d *decoder) placedRow(ctx context.Context, res *result, line []byte, place rowPlace) error {
	row, fault := input.Row(line)
	var schema string
	var err error
	if fault != "" {
		schema, err = d.singleName(), fmt.Errorf("%w: %s", block.ErrSyntax, fault)
	} else {
		schema, err = d.line(ctx, row, place.inChunk)
	}
	if err == nil {
		return nil
	}
	at := input.PlaceOf(line)
	return d.rejectRow(res, reject{offset: at.Offset, inChunk: place.inChunk, line: at.Line, schema: schema, err: err, raw: row})
}

// rejectRow rejects a row, unless the error is one of preparing its table, which it
// returns.
func (d *decoder) rejectRow(res *result, x reject) error {
	if failure, ok := x.err.(*tableError); ok { //nolint:errorlint // set by use, never wrapped
		return failure
	}
	if errors.Is(x.err, ErrLineTooLong) {
		x.raw, x.cut = x.raw[:min(len(x.raw), maxRawBytes)], true
	}
	d.reject(res, x)
	return nil
}

// reject adds a reject to the result.
func (d *decoder) reject(res *result, x reject) {
	res.lines = keepReject(d.spool, res, res.lines, x)
	res.hopeless = res.rejected > d.maxRejects
}

// grow makes room for the rest of a chunk, judging by its first piece. Blocks
// that have no rows in that make room for the others.
func (d *decoder) grow(p *piece, c *chunk) {
	factor := max(1, min(float64(c.expectBytes)/float64(max(p.length, 1)), float64(c.expectLines)/float64(max(p.lines, 1))))
	more := 0
	for _, b := range d.used {
		b.filled = int(float64(b.block.Bytes()) * factor)
		more += max(0, b.needs()-b.held)
	}
	if d.single == nil {
		d.shrink(more, func(b *rowBlock) int {
			if b.block.Rows() > 0 {
				return 0
			}
			return b.held
		})
	}
	for _, b := range d.used {
		b.block.Grow(factor)
		b.held = max(b.held, b.needs())
	}
}

// end counts the rows of a chunk, of which all pieces have been decoded.
func (d *decoder) end(res *result) {
	res.start = d.start
	d.start += res.chunk.length
	for _, b := range d.used {
		if n := b.block.Rows() - b.counted; n > 0 {
			res.count(b.table.name).Rows = int64(n)
		}
		b.counted = b.block.Rows()
		b.filled = b.block.Bytes()
		b.held = max(b.held, b.needs())
	}
}

// line decodes one line, which begins at offset in the chunk. Blank ones are
// nothing. The schema goes into the reject when there is an error.
func (d *decoder) line(ctx context.Context, line []byte, offset int64) (schema string, err error) {
	if len(line) == 0 || line[0] <= ' ' && isBlank(line) {
		return "", nil
	}
	if len(line) > d.maxLine {
		return d.singleName(), input.TooLong(int64(len(line)), d.maxLine)
	}
	b, id, row := d.single, "", line
	if b == nil {
		if b, err = d.open(line); err != nil {
			return string(d.envelope.schema), err
		}
		id, row = alias(d.envelope.id), d.envelope.data
	}
	shift := 0
	if len(d.columns) > 0 {
		row = d.join(row)
		shift = len(row) - len(line)
	}
	if err = b.block.AppendJSONFact(id, row); err != nil {
		return b.table.name, d.explain(line, row, shift, err)
	}
	if b.block.Rows() == 1 {
		if err := d.use(ctx, b); err != nil {
			return "", err
		}
	}
	if b.picky {
		b.starts = append(b.starts, int32(d.start+offset)) //nolint:gosec // a batch has less than 2 GiB
	}
	return "", nil
}

// join returns a row with the columns that its input gives it. What is no object stays.
func (d *decoder) join(row []byte) []byte {
	trimmed := bytes.TrimLeft(row, " \t\r")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return row
	}
	d.joined = append(append(d.joined[:0], '{'), d.columns...)
	rest := bytes.TrimLeft(trimmed[1:], " \t\r")
	if bytes.HasPrefix(rest, []byte("}")) {
		d.joined = d.joined[:len(d.joined)-1] // the comma
	}
	d.joined = append(d.joined, rest...)
	return d.joined
}

// use notes that a block has its first row of the chunk.
func (d *decoder) use(ctx context.Context, b *rowBlock) error {
	d.used = append(d.used, b)
	if !b.ready && d.prepare != nil {
		if err := d.prepare(ctx, b.table); err != nil {
			return &tableError{err}
		}
		b.ready, b.picky = true, b.table.picky
	}
	if b.picky {
		d.lines.keep()
	}
	return nil
}

// tableError is an error of preparing a table, not of a row.
type tableError struct{ err error }

func (e *tableError) Error() string { return e.err.Error() }
func (e *tableError) Unwrap() error { return e.err }

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
