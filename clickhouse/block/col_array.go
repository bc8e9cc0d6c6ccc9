package block

import (
	"reflect"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
)

// arrayColumn holds lists. Their elements stand in one column, row after row.
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
			return within(err, index(i), at)
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
	if f := asFault(err); f.is(ErrNull) {
		f.hint = "leave the key out, or give an empty array; a nil slice of Go is null in JSON"
	}
	return err
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func (c *arrayColumn) appendValue(s *scanner, v any) error {
	switch x := v.(type) {
	case []string:
		if x != nil {
			return appendSlice(c, s, x)
		}
	case []any:
		if x != nil {
			return appendSlice(c, s, x)
		}
	case []int:
		if x != nil {
			return appendSlice(c, s, x)
		}
	case []float64:
		if x != nil {
			return appendSlice(c, s, x)
		}
	}
	if list, ok := listValue(v); ok {
		return c.appendList(s, list)
	}
	return appendOther(c, s, v)
}

// listValue returns v for reflection if it is a list that does not say itself
// how it looks in JSON.
func listValue(v any) (list reflect.Value, ok bool) {
	if isMarshaler(v) || isBytes(v) {
		return list, false
	}
	list = reflect.ValueOf(v)
	switch list.Kind() {
	case reflect.Slice:
		return list, !list.IsNil()
	case reflect.Array:
		return list, true
	}
	return list, false
}

// appendSlice appends the elements of a Go slice.
func appendSlice[T any](c *arrayColumn, s *scanner, elems []T) error {
	for i, e := range elems {
		if err := c.appendElem(s, i, e); err != nil {
			return err
		}
	}
	c.close(c.elem.Rows())
	return nil
}

func (c *arrayColumn) appendElem(s *scanner, i int, v any) error {
	if err := c.elem.appendValue(s, v); err != nil {
		return c.elemFault(err, i, v)
	}
	return nil
}

// elemFault returns the fault of element i, which is v.
func (c *arrayColumn) elemFault(err error, i int, v any) error {
	f := asFault(within(err, index(i), noOffset))
	if f.value == "" && !f.bare {
		f.value = describe(v)
	}
	return f
}

// appendList appends the elements of a list of any other type.
func (c *arrayColumn) appendList(s *scanner, list reflect.Value) error {
	for i := range list.Len() {
		if err := c.appendElem(s, i, list.Index(i).Interface()); err != nil {
			return err
		}
	}
	c.close(c.elem.Rows())
	return nil
}

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
