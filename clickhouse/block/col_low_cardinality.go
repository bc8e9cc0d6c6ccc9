package block

import "github.com/ClickHouse/ch-go/proto"

// lowCardinalityColumn holds text as a dictionary and a number for each row.
// The dictionary grows with distinct values only, and begins anew with each
// reset. What is sent is
//
//	version = 1               uint64, the state prefix
//	flags | width             uint64: 0x600, and the width of the numbers
//	entries                   uint64
//	entry 0 | entry 1 | …     strings
//	rows                      uint64
//	number 0 | number 1 | …   of 1, 2 or 4 bytes, for a width of 0, 1 or 2
//
// In a nullable column the entries 0 and 1 are empty: 0 stands for NULL, 1 for
// the default. For no rows only the version is sent.
type lowCardinalityColumn struct {
	typ      proto.ColumnType
	nullable bool
	dict     interner
	keys     []uint32 // of each row: nullKey, or the number in dict plus 1
	first    []int    // for each dictionary entry, the row that brought it
	empty    uint32   // key of the empty string, if it is in dict
}

// nullKey is the key of NULL.
const nullKey = 0

// lowCardinalityVersion is the state prefix: dictionaries are sent with the
// blocks that use them.
const lowCardinalityVersion = 1

// Flags of a block, besides the size of its keys.
const (
	lowCardinalityOwnDictionary = 1 << 9
	lowCardinalityNewDictionary = 1 << 10
)

func (c *lowCardinalityColumn) Type() proto.ColumnType { return c.typ }
func (c *lowCardinalityColumn) Rows() int              { return len(c.keys) }

func (c *lowCardinalityColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		if c.nullable && s.null() {
			c.keys = append(c.keys, nullKey)
			return nil
		}
		return s.mismatchText()
	}
	v, err := s.text()
	if err != nil {
		return err
	}
	c.add(v)
	return nil
}

func (c *lowCardinalityColumn) add(v []byte) {
	id, added := c.dict.intern(v)
	if added {
		c.first = append(c.first, len(c.keys))
	}
	c.keys = append(c.keys, uint32(id+1))
}

func (c *lowCardinalityColumn) appendZero() {
	if c.nullable {
		c.keys = append(c.keys, nullKey)
		return
	}
	if c.empty == 0 {
		c.add(nil)
		c.empty = c.keys[len(c.keys)-1]
		return
	}
	c.keys = append(c.keys, c.empty)
}

func (c *lowCardinalityColumn) appendRows(src column, from, to int) {
	other := as[*lowCardinalityColumn](src)
	for _, key := range other.keys[from:to] {
		if key == nullKey {
			c.keys = append(c.keys, nullKey)
			continue
		}
		c.add(other.dict.at(int(key - 1)))
	}
}

func (c *lowCardinalityColumn) truncate(n int) {
	if n >= len(c.keys) {
		return
	}
	c.keys = c.keys[:n]
	entries := len(c.first)
	for entries > 0 && c.first[entries-1] >= n {
		entries--
	}
	c.first = c.first[:entries]
	c.dict.forget(entries)
	if int(c.empty) > entries {
		c.empty = 0
	}
}

func (c *lowCardinalityColumn) reset() {
	c.keys, c.first, c.empty = c.keys[:0], c.first[:0], 0
	c.dict.clear()
}

func (c *lowCardinalityColumn) grow(f float64) { c.keys = grown(c.keys, f) }

func (c *lowCardinalityColumn) bytes() int {
	const entry = 8 + 4 + 2*4 // first, hash and slots of an entry
	return 4*len(c.keys) + c.dict.bytes() + entry*len(c.first)
}

// digest writes each row's own value, so that the order of the dictionary does
// not show.
func (c *lowCardinalityColumn) digest(d *digester) {
	for _, key := range c.keys {
		d.room()
		if key == nullKey {
			d.PutByte(1)
			continue
		}
		d.PutByte(0)
		d.PutRaw(c.dict.wireAt(int(key - 1)))
	}
}

// EncodeState writes the version of the format.
func (c *lowCardinalityColumn) EncodeState(b *proto.Buffer) { b.PutUInt64(lowCardinalityVersion) }

// EncodeColumn writes dictionary and keys.
func (c *lowCardinalityColumn) EncodeColumn(b *proto.Buffer) {
	if len(c.keys) == 0 {
		return
	}
	width := c.encodeHead(b)
	c.dict.encode(b)
	c.encodeKeys(b, width)
}

// WriteColumn writes dictionary and keys.
func (c *lowCardinalityColumn) WriteColumn(w *proto.Writer) {
	if len(c.keys) == 0 {
		return
	}
	var width int
	w.ChainBuffer(func(b *proto.Buffer) { width = c.encodeHead(b) })
	c.dict.write(w)
	w.ChainBuffer(func(b *proto.Buffer) { c.encodeKeys(b, width) })
}

// reserved is how many entries stand in front of the dictionary on the wire.
// With NULL these are NULL itself, whose text is not looked at, and the empty
// string, which ClickHouse has next to it.
func (c *lowCardinalityColumn) reserved() int {
	if c.nullable {
		return 2
	}
	return 0
}

// encodeHead writes everything up to the dictionary's own entries. It returns
// the width of the keys as a power of two.
func (c *lowCardinalityColumn) encodeHead(b *proto.Buffer) (width int) {
	entries := c.reserved() + c.dict.len()
	switch {
	case entries <= 1<<8:
		width = 0
	case entries <= 1<<16:
		width = 1
	default:
		width = 2
	}
	b.PutUInt64(lowCardinalityOwnDictionary | lowCardinalityNewDictionary | uint64(width))
	b.PutUInt64(uint64(entries))
	for range c.reserved() {
		b.PutString("")
	}
	return width
}

// encodeKeys writes the keys in the given width.
func (c *lowCardinalityColumn) encodeKeys(b *proto.Buffer, width int) {
	b.PutUInt64(uint64(len(c.keys)))
	shift := uint32(c.reserved()) - 1
	for _, key := range c.keys {
		if key != nullKey {
			key += shift
		}
		switch width {
		case 0:
			b.Buf = append(b.Buf, byte(key))
		case 1:
			b.Buf = append(b.Buf, byte(key), byte(key>>8))
		default:
			b.Buf = append(b.Buf, byte(key), byte(key>>8), byte(key>>16), byte(key>>24))
		}
	}
}

var _ proto.StateEncoder = (*lowCardinalityColumn)(nil)
