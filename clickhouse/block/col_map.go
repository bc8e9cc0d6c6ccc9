package block

import "github.com/ClickHouse/ch-go/proto"

// mapColumn holds maps of text to text, their entries in the order in which
// JSON gives them. No key occurs twice in a map. What is sent is
//
//	ends | keys | values
//
// where ends are the offsets of the rows, and keys and values are strings, one
// of each for each entry.
type mapColumn struct {
	offsets
	typ    proto.ColumnType
	keys   wireStrings
	values wireStrings
	seen   interner // keys of the map being appended
}

func (c *mapColumn) Type() proto.ColumnType { return c.typ }

func (c *mapColumn) appendJSON(s *scanner) error {
	if s.peek() != '{' {
		return c.mismatch(s)
	}
	if err := s.open(); err != nil {
		return err
	}
	s.pos++
	s.space()
	if s.take('}') {
		s.shut()
		c.close(c.keys.len())
		return nil
	}
	c.seen.clear()
	for {
		if err := c.appendEntry(s); err != nil {
			return err
		}
		s.space()
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return s.syntax("',' or '}'")
		}
		s.space()
	}
	s.shut()
	c.close(c.keys.len())
	return nil
}

func (c *mapColumn) appendEntry(s *scanner) error {
	at := s.pos
	if s.peek() != '"' {
		return s.syntax("a key in double quotes")
	}
	key, err := s.text()
	if err != nil {
		return err
	}
	if _, added := c.seen.intern(key); !added {
		f := newValueError(ErrDuplicateKey, "is a key twice in the map", "")
		f.at = at
		f.value = quoted(string(key))
		return f
	}
	c.keys.push(key)
	if err := s.colon(); err != nil {
		return err
	}
	at = s.pos
	if s.peek() != '"' {
		err = s.mismatchText()
	} else {
		err = c.values.pushJSON(s)
	}
	if err != nil {
		key := c.keys.at(c.keys.len() - 1)
		return within(err, "["+quoted(string(key))+"]", at)
	}
	return nil
}

func (c *mapColumn) mismatch(s *scanner) error {
	err := s.mismatch("an object of strings")
	if f := asValueError(err); f.is(ErrNull) {
		f.hint = "leave the key out, or take null (which a nil map of Go is) for an empty map with null: default in the schema"
	}
	return err
}

func (c *mapColumn) appendZero() { c.close(c.keys.len()) }

func (c *mapColumn) appendRows(src column, from, to int) {
	s, n := as[*mapColumn](src), c.keys.len()
	c.keys.pushRange(&s.keys, s.end(from), s.end(to))
	c.values.pushRange(&s.values, s.end(from), s.end(to))
	c.closeAll(&s.offsets, from, to, n)
}

func (c *mapColumn) truncate(n int) {
	end := c.offsets.truncate(n)
	c.keys.truncate(end)
	c.values.truncate(end)
}

func (c *mapColumn) reset() {
	c.offsets.reset()
	c.keys.reset()
	c.values.reset()
}

func (c *mapColumn) grow(f float64) {
	c.offsets.grow(f)
	c.keys.grow(f)
	c.values.grow(f)
}

func (c *mapColumn) bytes() int { return c.offsets.bytes() + c.keys.bytes() + c.values.bytes() }

func (c *mapColumn) digest(d *digester) {
	c.ends.EncodeColumn(&d.Buffer)
	d.raw(c.keys.wire)
	d.raw(c.values.wire)
}

// EncodeColumn writes the offsets, the keys and the values.
func (c *mapColumn) EncodeColumn(b *proto.Buffer) {
	c.ends.EncodeColumn(b)
	c.keys.encode(b)
	c.values.encode(b)
}

// WriteColumn writes the offsets, the keys and the values.
func (c *mapColumn) WriteColumn(w *proto.Writer) {
	c.ends.WriteColumn(w)
	c.keys.write(w)
	c.values.write(w)
}
