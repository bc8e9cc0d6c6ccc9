package block

import (
	"bytes"
	"math/bits"

	"github.com/factload/factload/fact"
)

// nanoDigits says by which power of ten a unit is larger than a nanosecond.
var nanoDigits = map[fact.Unit]int{fact.Seconds: 9, fact.Milliseconds: 6, fact.Microseconds: 3, fact.Nanoseconds: 0}

// fromEpoch returns the point in time that lies a number of units after 1970,
// rounded down to the nanosecond. Digits are those of the unit in nanoDigits. The
// text is a JSON number. It reports false for a time far outside of all ranges.
func fromEpoch(text []byte, digits int) (at instant, ok bool) {
	e := parseExact(text)
	var rest bool
	var ns uint64
	if n := e.exponent + digits; n >= 0 {
		hi, lo, fits := e.shift(n, maxExactDigits)
		ns, ok = lo, fits && hi == 0
	} else {
		ns, rest, ok = e.cutDigits(-n)
	}
	sec, nsec := int64(ns/nsPerSecond), int64(ns%nsPerSecond)
	if !e.negative {
		return instant{sec, nsec}, ok
	}
	if rest {
		nsec++ // the next nanosecond below
	}
	at = instant{-sec, -nsec}
	if nsec > 0 {
		at = instant{-sec - 1, nsPerSecond - nsec}
	}
	return at, ok
}

// cutDigits returns the number without its last n digits, and whether one of
// those was not zero. It reports false if what is left needs more than 64 bits.
func (e *exact) cutDigits(n int) (v uint64, rest, ok bool) {
	if e.overflow {
		return 0, false, false
	}
	hi, lo := e.hi, e.lo
	for ; n > 0 && (hi != 0 || lo != 0); n-- {
		var digit uint64
		hi, digit = hi/10, hi%10
		lo, digit = bits.Div64(digit, lo, 10)
		rest = rest || digit != 0
	}
	return lo, rest, hi == 0
}

// readEpoch reads a number of units since 1970: a JSON number, one in quotes, or,
// for seconds, a pair of seconds and nanoseconds. It reports false, and has read
// nothing, if something else is there.
func (s *scanner) readEpoch(unit fact.Unit) (at instant, found bool, err error) {
	start := s.pos
	var text []byte
	switch c := s.peek(); {
	case isNumber(c):
		text, err = s.number()
	case c == '[' && unit == fact.Seconds:
		at, err = s.secondsAndNanos()
		return at, true, err
	case c == '"':
		if text, err = s.text(); err == nil && !isJSONNumber(text) {
			s.pos = start
			return at, false, nil
		}
	default:
		return at, false, nil
	}
	if err != nil {
		return at, true, err
	}
	at, ok := fromEpoch(text, nanoDigits[unit])
	if !ok {
		err = newValueError(ErrRange, "is out of range for a time in "+unitName(unit)+" since 1970", unitHint(text, unit))
	}
	return at, true, err
}

// secondsAndNanos reads a list of two numbers.
func (s *scanner) secondsAndNanos() (at instant, err error) {
	if err := s.open(); err != nil {
		return at, err
	}
	s.pos++
	s.space()
	sec, negative, err := s.integer()
	if err != nil || sec > maxSecond {
		return at, notAPair()
	}
	if at.sec = int64(sec); negative {
		at.sec = -at.sec
	}
	if s.next() != ',' {
		return at, notAPair()
	}
	s.pos++
	s.space()
	nsec, negative, err := s.integer()
	if err != nil || (negative && nsec > 0) || nsec >= nsPerSecond || s.next() != ']' {
		return at, notAPair()
	}
	s.pos++
	s.shut()
	at.nsec = int64(nsec)
	return at, nil
}

// mismatchTime is mismatch for a time. It names the unit that would take the value.
func (s *scanner) mismatchTime(want string, unit fact.Unit) error {
	first := s.peek()
	err := s.mismatch(want)
	f := asValueError(err)
	switch {
	case !f.is(ErrType) || unit != "":
	case first == '[':
		f.hint = "a list of seconds and nanoseconds is taken with unit: s in the schema"
	case isNumber(first):
		if text, err := s.number(); err == nil {
			f.hint = unitHint(text, "")
		}
	}
	return err
}

func notAPair() error {
	return newValueError(ErrTimestamp, "is not a list of seconds and nanoseconds", "write it as [1704164645, 678000000]")
}

// isJSONNumber reports whether text is a JSON number and nothing else.
func isJSONNumber(text []byte) bool {
	inner := scanner{data: text}
	_, err := inner.number()
	return err == nil && inner.pos == len(text)
}

func unitName(u fact.Unit) string {
	return map[fact.Unit]string{
		fact.Seconds: "seconds", fact.Milliseconds: "milliseconds", fact.Microseconds: "microseconds", fact.Nanoseconds: "nanoseconds",
	}[u]
}

// unitHint says which unit a number most likely counts, if it is not the given one.
func unitHint(text []byte, not fact.Unit) string {
	unit := likelyUnit(text)
	if unit == not {
		return ""
	}
	return "it looks like " + unitName(unit) + ", which unit: " + string(unit) + " in the schema takes"
}

// likelyUnit returns the unit in which a number since 1970 lies nearest to our
// time: by the size of the number, each unit being a thousand of the next.
func likelyUnit(text []byte) fact.Unit {
	whole, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("-")), []byte("."))
	switch e := parseExact(text); {
	case e.overflow || bytes.ContainsAny(text, "eE"):
		return fact.Seconds
	case len(whole) <= 11:
		return fact.Seconds
	case len(whole) <= 14:
		return fact.Milliseconds
	case len(whole) <= 17:
		return fact.Microseconds
	}
	return fact.Nanoseconds
}
