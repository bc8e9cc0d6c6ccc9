package block

import (
	"math"
	"math/bits"
)

// exact is a decimal number without any rounding: magnitude × 10^exponent. The
// magnitude does not end in a zero digit, unless it is zero.
type exact struct {
	negative bool
	hi, lo   uint64 // magnitude
	exponent int
	overflow bool // the magnitude has more than maxExactDigits digits
}

// maxExactDigits is how many digits always fit into 128 bits.
const maxExactDigits = 38

// parseExact reads a JSON number that is known to be well-formed.
func parseExact(text []byte) exact {
	var e exact
	i := 0
	if text[0] == '-' {
		e.negative = true
		i++
	}
	digits, zeros, fraction, point := 0, 0, 0, false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			point = true
			continue
		}
		if c-'0' > 9 {
			break
		}
		if point {
			fraction++
		}
		switch {
		case c != '0':
			digits += zeros + 1
			e.push(zeros, uint64(c-'0'), digits)
			zeros = 0
		case digits > 0:
			zeros++ // at the end they belong to the exponent
		}
	}
	e.exponent = zeros - fraction
	if i < len(text) {
		e.exponent += parseExponent(text[i+1:])
	}
	if digits == 0 {
		e.exponent = 0
	}
	return e
}

// push appends zeros and then the digit d, digits being the number so far.
func (e *exact) push(zeros int, d uint64, digits int) {
	if digits > maxExactDigits {
		e.overflow = true
		return
	}
	for range zeros {
		e.scale(0)
	}
	e.scale(d)
}

// scale sets the magnitude to 10 × magnitude + d.
func (e *exact) scale(d uint64) {
	carry, lo := bits.Mul64(e.lo, 10)
	lo, c := bits.Add64(lo, d, 0)
	e.hi, e.lo = e.hi*10+carry+c, lo
}

// parseExponent reads what follows the letter e. It stops growing long before
// an int overflows, which is long after any number with digits in it has left
// every range.
func parseExponent(text []byte) int {
	const enough = math.MaxInt / 100
	n, sign := 0, 1
	for _, c := range text {
		switch {
		case c == '-':
			sign = -1
		case c != '+' && n < enough:
			n = n*10 + int(c-'0')
		}
	}
	return sign * n
}

// isZero reports whether the number is zero.
func (e *exact) isZero() bool { return e.hi == 0 && e.lo == 0 && !e.overflow }

// shift returns the magnitude times 10^n with n zeros appended, and whether it
// still has at most maxDigits digits.
func (e *exact) shift(n, maxDigits int) (hi, lo uint64, ok bool) {
	if e.isZero() {
		return 0, 0, true
	}
	if e.overflow || n > maxDigits {
		return 0, 0, false
	}
	s := *e
	for range n {
		if !s.below(maxDigits - 1) {
			return 0, 0, false
		}
		s.scale(0)
	}
	return s.hi, s.lo, s.below(maxDigits)
}

// below reports whether the magnitude is less than 10^n, for n up to
// maxExactDigits.
func (e *exact) below(n int) bool {
	limit := powers128[n]
	return e.hi < limit[0] || (e.hi == limit[0] && e.lo < limit[1])
}

// powers128 holds 10^n as high and low words.
var powers128 = func() (p [maxExactDigits + 1][2]uint64) {
	e := exact{lo: 1}
	for n := range p {
		p[n] = [2]uint64{e.hi, e.lo}
		e.scale(0)
	}
	return p
}()

// exactInteger returns the value of a JSON number that is an integer.
func exactInteger(text []byte) (magnitude uint64, negative bool, err error) {
	const maxDigits = 20 // of a uint64
	e := parseExact(text)
	if e.exponent < 0 {
		return 0, false, newValueError(ErrPrecision, "is not an integer", "")
	}
	hi, lo, ok := e.shift(e.exponent, maxDigits)
	if !ok || hi != 0 {
		return 0, false, newValueError(ErrRange, "is out of range for 64 bits", "")
	}
	return lo, e.negative, nil
}
