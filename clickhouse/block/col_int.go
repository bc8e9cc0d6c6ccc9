package block

import (
	"fmt"
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
	quoted bool   // integers in quotes are taken too, written in digits
	free   bool   // and in any form of a number
}

func newIntColumn[T integer, C wire[T]](typ proto.ColumnType, f fact.Field) *intColumn[T, C] {
	c := &intColumn[T, C]{kind: f.Type, free: f.Quoted}
	c.typ = typ
	var zero T
	c.high = uint64(zero - 1) // all ones, unless T has a sign
	if zero-1 < 0 {
		c.low = 1 << (8*unsafe.Sizeof(zero) - 1)
		c.high = c.low - 1
	}
	c.quoted = f.Quoted || f.Type == fact.Int64 || f.Type == fact.UInt64
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
		return s.numberInQuotes("is a string, want an integer")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	magnitude, negative, ok := parseInteger(text)
	if !ok && !isJSONNumber(text) {
		return newValueError(ErrFormat, "is not an integer in quotes", "write digits only, with a minus sign if need be")
	}
	if !ok && !c.free {
		return newValueError(ErrFormat, "is not written in digits only", "any number is taken with quoted: true in the schema")
	}
	if !ok || len(text) > maxFastDigits {
		magnitude, negative, err = exactInteger(text)
		if err != nil {
			return c.explain(err)
		}
	}
	return c.add(magnitude, negative)
}

// numberInQuotes returns the error for a string in a field of numbers.
func (s *scanner) numberInQuotes(problem string) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	hint := ""
	if isJSONNumber(text) {
		hint = "write the number without quotes, or take it with quoted: true in the schema"
	}
	return newValueError(ErrType, problem, hint)
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

func (c *intColumn[T, C]) appendRows(src column, from, to int) {
	c.pushAll(&as[*intColumn[T, C]](src).fixed, from, to)
}

// explain puts the range of this column in place of the scanner's, which
// knows 64 bits only.
func (c *intColumn[T, C]) explain(err error) error {
	f := asValueError(err)
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
	return newValueError(ErrRange, text, hint)
}
