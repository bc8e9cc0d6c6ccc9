package block

import (
	"fmt"
	"math/bits"

	"github.com/ClickHouse/ch-go/proto"
)

// decimalColumn holds exact decimal numbers of one precision and scale as
// integers in units of their last digit: 12.5 in a decimal(9, 2) is 1250. They are
// of 4 bytes up to a precision of 9, of 8 up to 18, else of 16, the low word first.
type decimalColumn[T any, C wire[T]] struct {
	fixed[T, C]
	precision, scale int
	make             func(hi, lo uint64) T // two's complement
}

func newDecimalColumn(typ proto.ColumnType, precision, scale int) column {
	switch {
	case precision <= 9:
		return &decimalColumn[int32, proto.ColInt32]{
			fixed: fixed[int32, proto.ColInt32]{typ: typ}, precision: precision, scale: scale,
			make: func(_, lo uint64) int32 { return int32(lo) },
		}
	case precision <= 18:
		return &decimalColumn[int64, proto.ColInt64]{
			fixed: fixed[int64, proto.ColInt64]{typ: typ}, precision: precision, scale: scale,
			make: func(_, lo uint64) int64 { return int64(lo) },
		}
	}
	return &decimalColumn[proto.Int128, proto.ColInt128]{
		fixed: fixed[proto.Int128, proto.ColInt128]{typ: typ}, precision: precision, scale: scale,
		make: func(hi, lo uint64) proto.Int128 { return proto.Int128{High: hi, Low: lo} },
	}
}

func (c *decimalColumn[T, C]) appendJSON(s *scanner) error {
	switch p := s.peek(); {
	case isNumber(p):
		text, err := s.number()
		if err != nil {
			return err
		}
		return c.add(text)
	case p != '"':
		return s.mismatch("a decimal number")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	return c.addText(text)
}

// addText appends a number that stands in quotes.
func (c *decimalColumn[T, C]) addText(text []byte) error {
	inner := scanner{data: text}
	if _, err := inner.number(); err != nil || inner.pos != len(text) {
		return newValueError(ErrFormat, "is not a decimal number", `write it as "12.50"`)
	}
	return c.add(text)
}

// add appends the number that text spells, which is a JSON number.
func (c *decimalColumn[T, C]) add(text []byte) error {
	if v, ok := c.short(text); ok {
		c.push(v)
		return nil
	}
	e := parseExact(text)
	n := e.exponent + c.scale
	if n < 0 && !e.isZero() {
		return newValueError(ErrPrecision, fmt.Sprintf("has more than the %d decimal places of the field", c.scale),
			"round it, or give the field a larger scale")
	}
	hi, lo, ok := e.shift(max(n, 0), c.precision)
	if !ok {
		return newValueError(ErrRange, fmt.Sprintf("is out of range for decimal(%d, %d)", c.precision, c.scale),
			"give the field a larger precision")
	}
	if e.negative {
		hi, lo = negate128(hi, lo)
	}
	c.push(c.make(hi, lo))
	return nil
}

// short is the quick way for numbers of few digits without exponent.
func (c *decimalColumn[T, C]) short(text []byte) (v T, ok bool) {
	const most = 18 // digits that fit, with a sign and a point
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) > most || c.scale >= len(powers64) || c.precision > len(powers64)-1 {
		return v, false
	}
	var m uint64
	fraction := 0
	for i, d := range text {
		switch {
		case d-'0' <= 9:
			m = m*10 + uint64(d-'0')
		case d == '.':
			fraction = len(text) - 1 - i
		default:
			return v, false
		}
	}
	if fraction > c.scale {
		return v, false
	}
	over, m := bits.Mul64(m, powers64[c.scale-fraction])
	if over != 0 || m >= powers64[c.precision] {
		return v, false
	}
	if negative {
		hi, lo := negate128(0, m)
		return c.make(hi, lo), true
	}
	return c.make(0, m), true
}

// powers64 holds the powers of ten up to that of the largest 64-bit decimal.
var powers64 = func() (p [19]uint64) {
	p[0] = 1
	for i := range p[1:] {
		p[i+1] = 10 * p[i]
	}
	return p
}()

func negate128(hi, lo uint64) (negHi, negLo uint64) {
	negLo = -lo
	negHi = ^hi
	if lo == 0 {
		negHi++
	}
	return negHi, negLo
}

func (c *decimalColumn[T, C]) appendRows(src column, from, to int) {
	c.pushAll(&as[*decimalColumn[T, C]](src).fixed, from, to)
}
