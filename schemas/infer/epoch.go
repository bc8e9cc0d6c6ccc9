package infer

import (
	"math/big"

	"github.com/factload/factload/fact"
)

// epochs is which units since 1970 some numbers may count, so that all of them are times from 2000 to 2100.
type epochs struct {
	not       map[fact.Unit]bool
	precision map[fact.Unit]int // digits of a second
	n         int64
}

// The years that a number is taken to mean, in seconds since 1970.
const (
	year2000 = 946684800
	year2100 = 4102444800
)

var perSecond = map[fact.Unit]int64{fact.Seconds: 1, fact.Milliseconds: 1e3, fact.Microseconds: 1e6, fact.Nanoseconds: 1e9}

// add looks at the text of a number.
func (e *epochs) add(text []byte) {
	if e.not == nil {
		e.not, e.precision = make(map[fact.Unit]bool), make(map[fact.Unit]int)
	}
	if e.n++; len(e.not) == len(perSecond) {
		return
	}
	const longest = 32
	r, ok := new(big.Rat), false
	if len(text) <= longest {
		r, ok = r.SetString(string(text))
	}
	for _, unit := range fact.Units() {
		if e.not[unit] {
			continue
		}
		low, high := big.NewRat(year2000*perSecond[unit], 1), new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(year2100), big.NewInt(perSecond[unit])))
		if !ok || r.Cmp(low) < 0 || r.Cmp(high) >= 0 {
			e.not[unit] = true
			continue
		}
		ns := new(big.Rat).Mul(r, big.NewRat(1e9/perSecond[unit], 1))
		rest := new(big.Int).Mod(new(big.Int).Div(ns.Num(), ns.Denom()), big.NewInt(1e9))
		e.precision[unit] = max(e.precision[unit], digitsOfSecond(int(rest.Int64())))
	}
}

// unit returns the unit, if there is one for all numbers.
func (e *epochs) unit() (unit fact.Unit, precision int, ok bool) {
	for _, unit := range fact.Units() {
		if e.n > 0 && !e.not[unit] {
			return unit, e.precision[unit], true
		}
	}
	return "", 0, false
}
