package block

import (
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"
)

// stringColumn holds text. It is the store of the JSON columns too.
type stringColumn struct {
	texts
	typ proto.ColumnType
}

func (c *stringColumn) Type() proto.ColumnType       { return c.typ }
func (c *stringColumn) Rows() int                    { return c.len() }
func (c *stringColumn) EncodeColumn(b *proto.Buffer) { c.encode(b) }
func (c *stringColumn) WriteColumn(w *proto.Writer)  { c.write(w) }
func (c *stringColumn) digest(d *digester)           { d.raw(c.wire) }
func (c *stringColumn) appendZero()                  { c.push(nil) }

func (c *stringColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		return s.mismatchText()
	}
	return c.pushJSON(s)
}

func (c *stringColumn) appendValue(s *scanner, v any) error {
	if x, ok := v.(string); ok {
		return c.addString(x)
	}
	return appendOther(c, s, v)
}

func (c *stringColumn) addString(v string) error {
	if !utf8.ValidString(v) {
		return badGoText()
	}
	c.pushString(v)
	return nil
}

func (c *stringColumn) appendRows(src column, from, to int) {
	c.pushRange(&as[*stringColumn](src).texts, from, to)
}

func (c *stringColumn) addID(id string) error { return c.addString(id) }

func (c *stringColumn) lastIs(id string) bool { return string(c.at(c.len()-1)) == id }

func badGoText() error {
	return newFault(ErrUTF8, "is not valid UTF-8", "for binary data, store its base64 or hexadecimal text")
}

// mismatchText is mismatch for a string.
func (s *scanner) mismatchText() error {
	err := s.mismatch("a string")
	if f := asFault(err); f.is(ErrType) {
		f.hint = "write the value in quotes, or use json in the schema"
	}
	return err
}
