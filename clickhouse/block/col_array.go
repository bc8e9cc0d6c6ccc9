package block

import (
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
)

// arrayColumn holds lists. Their elements stand in one column, row after row.
// What is sent is
//
//	state of elem, if it has one | ends | elem
//
// where ends are the offsets of the rows, and elem is a column of all elements.
type arrayColumn struct {
	offsets
	typ  proto.ColumnType
	elem column
}

func (c *arrayColumn) Type() proto.ColumnType { return c.typ }

func (c *arrayColumn) appendJSON(s *scanner) error {
	if s.peek() != '[' {
		return c.mismatch(s)
	}
	if err := s.open(); err != nil {
		return err
	}
	s.pos++
	s.space()
	if s.take(']') {
		s.shut()
		c.close(c.elem.Rows())
		return nil
	}
	for i := 0; ; i++ {
		at := s.pos
		if err := c.elem.appendJSON(s); err != nil {
			f := within(err, index(i), at)
			if asValueError(f).is(ErrNull) {
				asValueError(f).hint = "an element of an array is never null: use json in the schema"
			}
			return f
		}
		s.space()
		if s.take(']') {
			break
		}
		if !s.take(',') {
			return s.syntax("',' or ']'")
		}
		s.space()
	}
	s.shut()
	c.close(c.elem.Rows())
	return nil
}

func (c *arrayColumn) mismatch(s *scanner) error {
	err := s.mismatch("an array")
	if f := asValueError(err); f.is(ErrNull) {
		f.hint = "leave the key out, or take null (which a nil slice of Go is) for an empty array with null: default in the schema"
	}
	return err
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func (c *arrayColumn) appendZero() { c.close(c.elem.Rows()) }

func (c *arrayColumn) appendRows(src column, from, to int) {
	s, n := as[*arrayColumn](src), c.elem.Rows()
	c.elem.appendRows(s.elem, s.end(from), s.end(to))
	c.closeAll(&s.offsets, from, to, n)
}

func (c *arrayColumn) truncate(n int) { c.elem.truncate(c.offsets.truncate(n)) }

func (c *arrayColumn) reset() {
	c.offsets.reset()
	c.elem.reset()
}

func (c *arrayColumn) grow(f float64) {
	c.offsets.grow(f)
	c.elem.grow(f)
}

func (c *arrayColumn) bytes() int { return c.offsets.bytes() + c.elem.bytes() }

func (c *arrayColumn) digest(d *digester) {
	c.ends.EncodeColumn(&d.Buffer)
	c.elem.digest(d)
}

// EncodeState writes the state prefix of the elements, if they have one.
func (c *arrayColumn) EncodeState(b *proto.Buffer) {
	if s, ok := c.elem.(proto.StateEncoder); ok {
		s.EncodeState(b)
	}
}

// EncodeColumn writes the offsets and the elements.
func (c *arrayColumn) EncodeColumn(b *proto.Buffer) {
	c.ends.EncodeColumn(b)
	c.elem.EncodeColumn(b)
}

// WriteColumn writes the offsets and the elements.
func (c *arrayColumn) WriteColumn(w *proto.Writer) {
	c.ends.WriteColumn(w)
	c.elem.WriteColumn(w)
}

var _ proto.StateEncoder = (*arrayColumn)(nil)
