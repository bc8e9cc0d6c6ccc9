package block

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"
)

// uuidValue is a UUID as two words, the first being the more significant one.
type uuidValue struct{ hi, lo uint64 }

// uuidWire is how ClickHouse sends UUIDs: both words in little-endian order.
// 00112233-4455-6677-8899-aabbccddeeff is
//
//	77 66 55 44 33 22 11 00 | ff ee dd cc bb aa 99 88
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
	var bad byte
	switch {
	case len(text) == 32:
		v.hi = hexDigits(text, 0, 16, 0, &bad)
		v.lo = hexDigits(text, 16, 32, 0, &bad)
	case len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-':
		v.hi = hexDigits(text, 0, 8, 0, &bad)
		v.hi = hexDigits(text, 9, 13, v.hi, &bad)
		v.hi = hexDigits(text, 14, 18, v.hi, &bad)
		v.lo = hexDigits(text, 19, 23, 0, &bad)
		v.lo = hexDigits(text, 24, 36, v.lo, &bad)
	default:
		return v, false
	}
	return v, bad <= 0xf
}

// hexDigits appends the digits text[i:j] to v. It leaves more than 0xf in bad
// if one of them is none.
func hexDigits[T string | []byte](text T, i, j int, v uint64, bad *byte) uint64 {
	for ; i < j; i++ {
		d := hexValues[text[i]]
		*bad |= d
		v = v<<4 | uint64(d&0xf)
	}
	return v
}

// hexValues maps hexadecimal digits to their value, and all else to 0xff.
var hexValues = func() (t [256]byte) {
	for c := range t {
		t[c] = 0xff
	}
	for i := range byte(16) {
		t["0123456789abcdef"[i]], t["0123456789ABCDEF"[i]] = i, i
	}
	return t
}()

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
		return newValueError(ErrFormat, "is not a UUID", `write it as "61f0c404-5cb3-11e7-907b-a6006ad3dba0"`)
	}
	c.push(v)
	return nil
}

func (c *uuidColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*uuidColumn](src).fixed, from, to)
}

func (c *uuidColumn) addID(id string) error { return addUUID(c, id) }

func (c *uuidColumn) lastIs(id string) bool {
	v, ok := parseUUID(id)
	return ok && c.data[len(c.data)-1] == v
}
