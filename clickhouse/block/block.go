package block

import "github.com/ClickHouse/ch-go/proto"

// Block is a growing set of columns of one layout. Make one with
// [Layout.NewBlock]. It is not safe for concurrent use.
type Block struct {
	layout  *Layout
	columns []column
	input   proto.Input
	rows    int

	scan    *scanner
	row     rowState
	unknown unknownKeys

	encoded []byte       // scratch of Append
	scratch proto.Buffer // of WriteDigest
}

// NewBlock returns an empty block. It is independent of other blocks of l.
func (l *Layout) NewBlock() *Block {
	b := &Block{
		layout:  l,
		columns: make([]column, len(l.fields)),
		input:   make(proto.Input, len(l.fields)),
		scan:    newScanner(l.depth),
		row:     newRowState(l),
	}
	for i := range l.fields {
		c, err := newColumn(l.schema.Fields[i], l.fields[i].typ)
		if err != nil {
			// Compile made the same column already.
			panic("block: " + err.Error())
		}
		b.columns[i] = c
		b.input[i] = proto.InputColumn{Name: l.fields[i].name, Data: c}
	}
	return b
}

// Layout returns the layout of the block.
func (b *Block) Layout() *Layout { return b.layout }

// Rows returns the number of rows.
func (b *Block) Rows() int { return b.rows }

// Bytes returns about how much memory the rows take, dictionaries included.
// Capacity that is kept for later is not counted. It costs a few nanoseconds a
// column.
func (b *Block) Bytes() int {
	n := 0
	for _, c := range b.columns {
		n += c.bytes()
	}
	return n
}

// Reset removes all rows and keeps the memory for the next ones. What Input
// returned before must no longer be in use.
func (b *Block) Reset() {
	for _, c := range b.columns {
		c.reset()
	}
	b.rows = 0
}

// Grow makes room for factor times the rows that the block has, if more like
// them are to come. It is for whoever knows how many: columns that grow bit by
// bit are copied again and again, and take up to twice their memory meanwhile.
// Dictionaries are left as they are.
func (b *Block) Grow(factor float64) {
	for _, c := range b.columns {
		c.grow(factor)
	}
}

// Truncate removes all rows from row n on. It does nothing when the block has
// no more than n rows, and panics for a negative n.
func (b *Block) Truncate(n int) {
	if n < 0 {
		panic("block: negative number of rows")
	}
	if n < b.rows {
		b.rows = n
		b.rollback()
	}
}

// rollback removes what the row being appended has left in the columns.
func (b *Block) rollback() {
	for _, c := range b.columns {
		c.truncate(b.rows)
	}
}

// AppendRows appends the rows from (included) to to (excluded) of src. The
// blocks must have the same columns, or the error is ErrLayout; src must not
// be b. It panics when the range is not within src.
func (b *Block) AppendRows(src *Block, from, to int) error {
	if src == b || !b.layout.same(src.layout) {
		return ErrLayout
	}
	if from < 0 || to < from || to > src.rows {
		panic("block: row range out of bounds")
	}
	for i, c := range b.columns {
		c.appendRows(src.columns[i], from, to)
	}
	b.rows += to - from
	return nil
}

// Input returns the columns for ch-go to send, in the order of the schema's
// fields. It is the block's own memory, not a copy: it is valid until the
// block is next changed, and must not be changed by the caller. Every column
// can be sent any number of times.
func (b *Block) Input() proto.Input { return b.input }

// EncodeColumn appends column i to buf in Native format, with its state prefix
// and without name and type. That is what the column of another driver reads;
// for no rows it is empty. The block is not changed.
func (b *Block) EncodeColumn(i int, buf *proto.Buffer) {
	if b.rows == 0 {
		return
	}
	c := b.columns[i]
	if s, ok := c.(proto.StateEncoder); ok {
		s.EncodeState(buf)
	}
	c.EncodeColumn(buf)
}
