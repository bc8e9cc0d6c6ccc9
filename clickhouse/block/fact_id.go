package block

import (
	"encoding/binary"
	"encoding/hex"
)

// AppendFactID appends the fact ID of a row to buf, as text. A UUID is written
// in lower case with dashes, as ClickHouse prints it. It appends nothing when
// the schema has no field that carries the fact ID, and panics when there is no
// such row.
func (b *Block) AppendFactID(buf []byte, row int) []byte {
	if row < 0 || row >= b.rows {
		panic("block: row out of bounds")
	}
	if b.layout.factID < 0 {
		return buf
	}
	c, ok := b.columns[b.layout.factID].(idColumn)
	if !ok {
		panic("block: a fact ID is a string or a UUID") // Schema.Validate says so
	}
	return c.appendID(buf, row)
}

func (c *stringColumn) appendID(buf []byte, row int) []byte { return append(buf, c.at(row)...) }

func (c *uuidColumn) appendID(buf []byte, row int) []byte {
	v := c.data[row]
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], v.hi)
	binary.BigEndian.PutUint64(raw[8:], v.lo)
	start := 0
	for _, end := range [...]int{4, 6, 8, 10, 16} {
		if start > 0 {
			buf = append(buf, '-')
		}
		buf = hex.AppendEncode(buf, raw[start:end])
		start = end
	}
	return buf
}
