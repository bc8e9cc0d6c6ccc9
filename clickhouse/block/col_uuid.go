package block

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/ClickHouse/ch-go/proto"
)

// uuidValue is a UUID as two words, the first being the more significant one.
type uuidValue struct{ hi, lo uint64 }

// uuidWire is how ClickHouse sends UUIDs: both words in little-endian order.
type uuidWire []uuidValue

func (c uuidWire) EncodeColumn(b *proto.Buffer) {
	for _, v := range c {
		b.Buf = binary.LittleEndian.AppendUint64(b.Buf, v.hi)
		b.Buf = binary.LittleEndian.AppendUint64(b.Buf, v.lo)
	}
}

func (c uuidWire) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

// uuidColumn holds UUIDs.
type uuidColumn struct {
	fixed[uuidValue, uuidWire]
}

func newUUIDColumn(typ proto.ColumnType) column {
	return &uuidColumn{fixed[uuidValue, uuidWire]{typ: typ}}
}

// parseUUID reads a UUID of 36 characters with dashes, or of 32 hexadecimal
// digits, in upper or lower case.
func parseUUID[T string | []byte](text T) (v uuidValue, ok bool) {
	var digits [32]byte
	switch len(text) {
	case 32:
		copy(digits[:], text)
	case 36:
		if text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
			return v, false
		}
		copy(digits[:8], text)
		copy(digits[8:12], text[9:])
		copy(digits[12:16], text[14:])
		copy(digits[16:20], text[19:])
		copy(digits[20:], text[24:])
	default:
		return v, false
	}
	var raw [16]byte
	if _, err := hex.Decode(raw[:], digits[:]); err != nil {
		return v, false
	}
	return uuidValue{binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])}, true
}

func (c *uuidColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		return s.mismatch("a UUID in quotes")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	return addUUID(c, text)
}

func addUUID[T string | []byte](c *uuidColumn, text T) error {
	v, ok := parseUUID(text)
	if !ok {
		return newFault(ErrFormat, "is not a UUID", `write it as "61f0c404-5cb3-11e7-907b-a6006ad3dba0"`)
	}
	c.push(v)
	return nil
}

func (c *uuidColumn) appendValue(s *scanner, v any) error {
	if x, ok := v.(string); ok {
		return addUUID(c, x)
	}
	return appendOther(c, s, v) // uuid types marshal themselves as text
}

func (c *uuidColumn) appendRows(src column, from, to int) {
	c.pushAll(&src.(*uuidColumn).fixed, from, to)
}

func (c *uuidColumn) addID(id string) error { return addUUID(c, id) }

func (c *uuidColumn) lastIs(id string) bool {
	v, ok := parseUUID(id)
	return ok && c.data[len(c.data)-1] == v
}
