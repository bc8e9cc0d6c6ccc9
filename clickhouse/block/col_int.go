package block

import (
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/fact"
)

// integer is the Go type of an integer column.
type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// intColumn holds integers of one size.
type intColumn[T integer, C wire[T]] struct {
	fixed[T, C]
	kind   fact.FieldType
	low    uint64 // magnitude of the smallest value
	high   uint64 // largest value
	quoted bool   // integers in quotes are taken too
}

func newIntColumn[T integer, C wire[T]](typ proto.ColumnType, kind fact.FieldType) *intColumn[T, C] {
	c := &intColumn[T, C]{kind: kind}
	c.typ = typ
	var zero T
	c.high = uint64(zero - 1) // all ones, unless T has a sign
	if zero-1 < 0 {
		c.low = 1 << (8*unsafe.Sizeof(zero) - 1)
		c.high = c.low - 1
	}
	c.quoted = kind == fact.Int64 || kind == fact.UInt64
	return c
}

func (c *intColumn[T, C]) appendJSON(s *scanner) error {
	if !isNumber(s.peek()) {
		return c.appendText(s)
	}
	magnitude, negative, err := s.integer()
	if err != nil {
		return c.explain(err)
	}
	return c.add(magnitude, negative)
}

// appendText takes an integer in quotes, where the field allows it.
func (c *intColumn[T, C]) appendText(s *scanner) error {
	if s.peek() != '"' {
		return s.mismatch("an integer")
	}
	if !c.quoted {
		return newFault(ErrType, "is a string, want an integer", "write the number without quotes")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	magnitude, negative, ok := parseInteger(text)
	if !ok {
		return newFault(ErrFormat, "is not an integer in quotes", "write digits only, with a minus sign if need be")
	}
	if len(text) > maxFastDigits {
		magnitude, negative, err = exactInteger(text)
		if err != nil {
			return c.explain(err)
		}
	}
	return c.add(magnitude, negative)
}

// parseInteger reads an integer as JSON spells it, without fraction and
// exponent. The magnitude is right for up to maxFastDigits digits.
func parseInteger(text []byte) (magnitude uint64, negative, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		negative, text = true, text[1:]
	}
	if len(text) == 0 || (text[0] == '0' && len(text) > 1) {
		return 0, false, false
	}
	for _, d := range text {
		if d-'0' > 9 {
			return 0, false, false
		}
		magnitude = magnitude*10 + uint64(d-'0')
	}
	return magnitude, negative, true
}

// add appends an integer given by its sign and magnitude.
func (c *intColumn[T, C]) add(magnitude uint64, negative bool) error {
	if !negative {
		if magnitude > c.high {
			return c.outOfRange(false)
		}
		c.push(T(magnitude))
		return nil
	}
	if magnitude > c.low {
		return c.outOfRange(true)
	}
	c.push(T(-magnitude))
	return nil
}

func (c *intColumn[T, C]) appendValue(s *scanner, v any) error {
	switch x := v.(type) {
	case int:
		return c.addInt(int64(x))
	case int64:
		return c.addInt(x)
	case int32:
		return c.addInt(int64(x))
	case uint32:
		return c.addUint(uint64(x))
	case uint64:
		return c.addUint(x)
	case float64:
		return c.addFloat(x, 64)
	case float32:
		return c.addFloat(float64(x), 32)
	}
	return appendInteger(c, s, v)
}

func (c *intColumn[T, C]) addInt(n int64) error {
	if n < 0 {
		return c.add(-uint64(n), true)
	}
	return c.add(uint64(n), false)
}

func (c *intColumn[T, C]) addUint(n uint64) error { return c.add(n, false) }

// addFloat appends a float that is an integer. Its exact value and the value
// of its shortest text, which is what JSON would carry, must be the same.
func (c *intColumn[T, C]) addFloat(f float64, size int) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return newFault(ErrRange, "is not a number that JSON has", "")
	}
	if f != math.Trunc(f) {
		return c.explain(newFault(ErrPrecision, "is not an integer", ""))
	}
	abs, exactBelow := math.Abs(f), float64(1<<53)
	if size == 32 {
		exactBelow = 1 << 24
	}
	if abs >= 1<<64 {
		return c.outOfRange(f < 0)
	}
	if abs > exactBelow {
		var text [32]byte
		e := parseExact(strconv.AppendFloat(text[:0], abs, 'e', -1, size))
		if hi, lo, _ := e.shift(e.exponent, maxExactDigits); hi != 0 || lo != uint64(abs) {
			return newFault(ErrPrecision, "is too large to be an exact integer in a float",
				"give an integer type or a json.Number")
		}
	}
	return c.add(uint64(abs), f < 0)
}

func (c *intColumn[T, C]) appendRows(src column, from, to int) {
	c.pushAll(&as[*intColumn[T, C]](src).fixed, from, to)
}

// explain puts the range of this column in place of the scanner's, which
// knows 64 bits only.
func (c *intColumn[T, C]) explain(err error) error {
	f := asFault(err)
	switch {
	case f.is(ErrRange):
		return c.outOfRange(false)
	case f.is(ErrPrecision):
		f.text = "is not an integer, as " + c.kind.String() + " needs"
		f.hint = "use float64 or decimal in the schema"
	}
	return f
}

func (c *intColumn[T, C]) outOfRange(negative bool) error {
	low, hint := "", "use a wider integer type in the schema"
	if negative && c.low == 0 {
		hint = "use a signed integer type in the schema"
	}
	if c.low > 0 {
		low = "-"
	}
	text := fmt.Sprintf("is out of range for %v (%s%d to %d)", c.kind, low, c.low, c.high)
	return newFault(ErrRange, text, hint)
}
