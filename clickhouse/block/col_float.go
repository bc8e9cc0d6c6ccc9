package block

import (
	"math"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
)

// floatColumn holds floating point numbers of one size. A number is stored as
// the nearest value the size has; one beyond its largest is refused.
type floatColumn[T float32 | float64, C wire[T]] struct {
	fixed[T, C]
	size   int // in bits
	name   string
	quoted bool // numbers in quotes are taken too
}

func newFloat32Column(typ proto.ColumnType, quoted bool) column {
	c := &floatColumn[float32, proto.ColFloat32]{size: 32, name: "float32", quoted: quoted}
	c.typ = typ
	return c
}

func newFloat64Column(typ proto.ColumnType, quoted bool) column {
	c := &floatColumn[float64, proto.ColFloat64]{size: 64, name: "float64", quoted: quoted}
	c.typ = typ
	return c
}

func (c *floatColumn[T, C]) appendJSON(s *scanner) error {
	if !isNumber(s.peek()) {
		if s.peek() == '"' {
			return c.appendText(s)
		}
		return s.mismatch("a number")
	}
	start := s.pos
	if f, ok := s.shortFloat(); ok && c.exact(f) {
		c.push(T(f))
		return nil
	}
	s.pos = start
	text, err := s.number()
	if err != nil {
		return err
	}
	return c.parse(text)
}

// appendText takes a number in quotes, where the field allows it.
func (c *floatColumn[T, C]) appendText(s *scanner) error {
	if !c.quoted {
		return s.numberInQuotes("is a string, want a number")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	if !isJSONNumber(text) {
		f := newValueError(ErrFormat, "is not a number in quotes", "")
		if word := string(text); word == "NaN" || word == "Infinity" || word == "-Infinity" {
			f.hint = "with nan: null in the schema, the field takes it for null"
		}
		return f
	}
	return c.parse(text)
}

// parse appends the number that text spells, rounded once.
func (c *floatColumn[T, C]) parse(text []byte) error {
	f, err := strconv.ParseFloat(string(text), c.size) // the copy stays on the stack
	if err != nil {
		return c.outOfRange()
	}
	c.push(T(f))
	return nil
}

// exact reports whether f, which is the decimal number nearest to a float64,
// rounds to the same T as the decimal number itself. For a float32 that is not
// sure when f lies right between two of them.
func (c *floatColumn[T, C]) exact(f float64) bool {
	if c.size == 64 {
		return true
	}
	const half, rest = 1 << 28, 1<<29 - 1 // bits that a float32 lacks
	if math.Float64bits(f)&rest == half {
		return false
	}
	abs := math.Abs(f)
	return f == 0 || (abs > 1e-30 && abs < 1e30)
}

func (c *floatColumn[T, C]) appendRows(src column, from, to int) {
	c.pushAll(&as[*floatColumn[T, C]](src).fixed, from, to)
}

func (c *floatColumn[T, C]) outOfRange() error {
	hint := ""
	if c.size == 32 {
		hint = "use float64 in the schema"
	}
	return newValueError(ErrRange, "is out of range for "+c.name, hint)
}

// powers10 are the powers of ten that a float64 holds exactly.
var powers10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// shortFloat reads a number without exponent and with few enough digits that
// one exactly rounded operation gives the nearest float64. It reports false
// for any other, and for what is no number; pos is then anywhere.
func (s *scanner) shortFloat() (f float64, ok bool) {
	i := s.pos
	negative := s.data[i] == '-'
	if negative {
		i++
	}
	var m uint64
	first, point := i, -1
	for ; i < len(s.data); i++ {
		c := s.data[i]
		if c-'0' <= 9 {
			m = m*10 + uint64(c-'0')
			continue
		}
		if c != '.' || point >= 0 {
			break
		}
		point = i
	}
	digits, fraction := i-first, 0
	if point >= 0 {
		digits--
		fraction = i - point - 1
		if fraction == 0 || point == first {
			return 0, false
		}
	}
	long := digits > maxFastDigits || m > 1<<53 || fraction >= len(powers10)
	zeros := s.data[first:i]
	if digits == 0 || long || (len(zeros) > 1 && zeros[0] == '0' && zeros[1] != '.') {
		return 0, false
	}
	if i < len(s.data) && s.data[i]|0x20 == 'e' {
		return 0, false
	}
	s.pos = i
	f = float64(m) / powers10[fraction]
	if negative {
		f = -f
	}
	return f, true
}
