package insert

import (
	"sync/atomic"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/ddl"
)

// headerCheck compares the columns that the server announces for an insert
// with those of the block. ch-go shows them to each column before it sends any
// row.
type headerCheck struct {
	close    func() // of the connection: ch-go would wait for an answer
	seen     atomic.Int64
	mismatch atomic.Pointer[columnError]
}

// checkedColumn is a column of a block that knows its name in the table.
type checkedColumn struct {
	proto.ColInput
	name  string
	check *headerCheck
}

var (
	_ proto.Inferable    = (*checkedColumn)(nil)
	_ proto.Preparable   = (*checkedColumn)(nil)
	_ proto.StateEncoder = (*checkedColumn)(nil)
)

// Infer compares the type of the column with the server's.
func (c *checkedColumn) Infer(t proto.ColumnType) error {
	c.check.seen.Add(1)
	want := c.Type().String()
	if !sameType(t.String(), want) && ddl.Widens(t.String(), want) {
		return nil // the server converts, and no value becomes another
	}
	if !sameType(t.String(), want) {
		err := &columnError{column: c.name, have: t.String(), want: want}
		c.check.mismatch.CompareAndSwap(nil, err)
		c.check.close()
		return err
	}
	if inner, ok := c.ColInput.(proto.Inferable); ok {
		return inner.Infer(t)
	}
	return nil
}

// Prepare calls the column's own, if it has one.
func (c *checkedColumn) Prepare() error {
	if inner, ok := c.ColInput.(proto.Preparable); ok {
		return inner.Prepare()
	}
	return nil
}

// EncodeState calls the column's own, if it has one.
func (c *checkedColumn) EncodeState(buf *proto.Buffer) {
	if inner, ok := c.ColInput.(proto.StateEncoder); ok {
		inner.EncodeState(buf)
	}
}
