package block

import (
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"
)

// stringColumn holds text, which is sent as it is stored: see wireStrings. It is
// the store of the JSON columns too.
type stringColumn struct {
	wireStrings
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

func (c *stringColumn) appendRows(src column, from, to int) {
	c.pushRange(&as[*stringColumn](src).wireStrings, from, to)
}

func (c *stringColumn) addID(id string) error {
	if !utf8.ValidString(id) {
		return newValueError(ErrUTF8, "is not valid UTF-8", "for binary data, store its base64 or hexadecimal text")
	}
	c.pushString(id)
	return nil
}

func (c *stringColumn) lastIs(id string) bool { return string(c.at(c.len()-1)) == id }

// mismatchText is mismatch for a string.
func (s *scanner) mismatchText() error {
	err := s.mismatch("a string")
	if f := asValueError(err); f.is(ErrType) {
		f.hint = "write the value in quotes, or use json in the schema"
	}
	return err
}
