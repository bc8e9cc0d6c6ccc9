package infer

import (
	"bytes"
	"math/big"
	"strconv"

	"github.com/factload/factload/fact"
)

// numbers is what is known of the numbers of a field.
type numbers struct {
	fraction bool // one is written with a fraction or an exponent
	negative bool // one of the integers is below 0
	unsigned bool // one of the integers is beyond int64 and not beyond uint64
	wide     bool // one of the integers is beyond 64 bits
	inexact  bool // one of the integers is not a float64
	huge     bool // one is beyond the largest float64

	times epochs
}

// exactBits is how large integers are that every float64 holds.
const exactBits = 1 << 53

// add looks at the text of a number.
func (n *numbers) add(text []byte) {
	n.times.add(text)
	if bytes.ContainsAny(text, ".eE") {
		n.fraction = true
		_, err := strconv.ParseFloat(string(text), 64)
		n.huge = n.huge || err != nil
		return
	}
	i, err := strconv.ParseInt(string(text), 10, 64)
	if err == nil {
		n.negative = n.negative || i < 0
		if i > exactBits || i < -exactBits {
			n.compare(text)
		}
		return
	}
	n.negative = n.negative || text[0] == '-'
	if _, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		n.unsigned = true
	} else {
		n.wide = true
	}
	n.compare(text)
}

// compare notes whether float64 would change an integer.
func (n *numbers) compare(text []byte) {
	if n.inexact {
		return
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		n.inexact, n.huge = true, true
		return
	}
	exact, _ := new(big.Int).SetString(string(text), 10) // at most 309 digits
	rounded, _ := big.NewFloat(f).Int(nil)
	n.inexact = exact.Cmp(rounded) != 0
}

// choose returns the type that holds all of the numbers. If only json does, why says so.
func (n *numbers) choose() (t fact.FieldType, why string) {
	switch {
	case n.fraction && n.huge:
		return fact.JSON, "numbers beyond the range of float64"
	case n.fraction && n.inexact:
		return fact.JSON, "fractions, and integers that float64 would change"
	case n.fraction:
		return fact.Float64, ""
	case n.wide:
		return fact.JSON, "integers beyond 64 bits"
	case n.unsigned && n.negative:
		return fact.JSON, "integers beyond int64 and others below 0"
	case n.unsigned:
		return fact.UInt64, ""
	}
	return fact.Int64, ""
}
