package block

import "github.com/ClickHouse/ch-go/proto"

// nullableColumn adds NULL to a column. What is sent is
//
//	flag 0 | flag 1 | … | elem
//
// where a flag is the byte 1 for NULL and 0 for a value, and elem is the column,
// with a zero where a row is NULL.
type nullableColumn struct {
	typ   proto.ColumnType
	nulls []uint8
	elem  column
}

func (c *nullableColumn) Type() proto.ColumnType { return c.typ }
func (c *nullableColumn) Rows() int              { return len(c.nulls) }

func (c *nullableColumn) appendJSON(s *scanner) error {
	if s.null() || (s.words != 0 && s.nullByWords()) {
		c.appendZero()
		return nil
	}
	if err := c.elem.appendJSON(s); err != nil {
		return err
	}
	c.nulls = append(c.nulls, 0)
	return nil
}

func (c *nullableColumn) appendZero() {
	c.elem.appendZero()
	c.nulls = append(c.nulls, 1)
}

func (c *nullableColumn) appendRows(src column, from, to int) {
	s := as[*nullableColumn](src)
	c.nulls = append(c.nulls, s.nulls[from:to]...)
	c.elem.appendRows(s.elem, from, to)
}

func (c *nullableColumn) truncate(n int) {
	c.nulls = c.nulls[:min(n, len(c.nulls))]
	c.elem.truncate(n)
}

func (c *nullableColumn) reset() {
	c.nulls = c.nulls[:0]
	c.elem.reset()
}

func (c *nullableColumn) grow(f float64) {
	c.nulls = grown(c.nulls, f)
	c.elem.grow(f)
}

func (c *nullableColumn) bytes() int { return len(c.nulls) + c.elem.bytes() }

func (c *nullableColumn) digest(d *digester) {
	d.raw(c.nulls)
	c.elem.digest(d)
}

// EncodeColumn writes the flags and the values.
func (c *nullableColumn) EncodeColumn(b *proto.Buffer) {
	b.PutRaw(c.nulls)
	c.elem.EncodeColumn(b)
}

// WriteColumn writes the flags and the values.
func (c *nullableColumn) WriteColumn(w *proto.Writer) {
	if len(c.nulls) > 0 {
		w.ChainWrite(c.nulls)
	}
	c.elem.WriteColumn(w)
}
