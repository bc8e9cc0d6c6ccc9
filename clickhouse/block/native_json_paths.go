package block

import (
	"bytes"
	"strconv"
)

// pathSet checks objects for ClickHouse's JSON type. The server stores each
// path of an object in a column of its own, joining keys with dots, and
// refuses a whole block when one object has a path twice or a number that fits
// no 64-bit type. So such an object is refused here, alone, and so is one whose
// values could be changed by the other rows of the insert.
type pathSet struct {
	seen interner
	path []byte
}

// check reads the object at the scanner's position, which is known to be
// valid JSON.
func (p *pathSet) check(s *scanner) error {
	p.seen.clear()
	p.path = p.path[:0]
	return p.object(s, false)
}

// object checks the object at pos. If it is nested, p.path leads to it.
func (p *pathSet) object(s *scanner, nested bool) error {
	parent := len(p.path)
	s.pos++
	s.space()
	if s.take('}') {
		return nil
	}
	for {
		if nested {
			p.path = append(p.path, '.')
		}
		if err := p.key(s); err != nil {
			return err
		}
		if err := p.value(s); err != nil {
			return err
		}
		p.path = p.path[:parent]
		s.space()
		if s.take('}') {
			return nil
		}
		s.pos++ // the comma
		s.space()
	}
}

// key reads a key and its colon and extends the path by it.
func (p *pathSet) key(s *scanner) error {
	at := s.pos
	key, err := s.text()
	if err != nil {
		return err
	}
	p.path = append(p.path, key...)
	if _, added := p.seen.intern(p.path); !added {
		return &valueError{
			kind: ErrDuplicateKey, at: at, value: quoted(string(p.path)),
			text: "is a path twice in the object", hint: "keep one of them",
		}
	}
	return s.colon()
}

// value checks the value at pos. Each object in an array has paths of its own.
func (p *pathSet) value(s *scanner) error {
	switch s.peek() {
	case '{':
		return p.object(s, true)
	case '[':
		return p.array(s)
	}
	if s.skipNotANumber() {
		return nil
	}
	if isNumber(s.peek()) {
		return checkNumber(s)
	}
	return s.skip()
}

// array checks an array. The server gives all arrays of a path in one insert types
// that it has seen there before, if it can: integers become floats, and a null an
// empty object or array. So what such a type would change is refused.
func (p *pathSet) array(s *scanner) error {
	s.pos++
	s.space()
	null, plain := noOffset, false
	for n := 0; !s.take(']'); n++ {
		if n > 0 {
			s.pos++ // the comma
			s.space()
		}
		at, first := s.pos, s.peek()
		isNull, err := p.element(s)
		switch {
		case err != nil:
			return err
		case isNull:
			null = at
		case first != '{' && first != '[':
			plain = true // no type of objects or arrays holds it
		}
		s.space()
	}
	if null != noOffset && !plain {
		return &valueError{
			kind: ErrNull, at: null, text: "stands in an array without text, numbers and booleans, where ClickHouse may store an empty value for it",
			hint: "leave it out, or use json in the schema",
		}
	}
	return nil
}

// element checks a value in an array, and reports whether it is null.
func (p *pathSet) element(s *scanner) (isNull bool, err error) {
	at := s.pos
	if s.peek() == '{' {
		var inner pathSet
		return false, inner.check(s)
	}
	if s.literal("null") || s.skipNotANumber() {
		return true, nil
	}
	if err := p.value(s); err != nil {
		return false, err
	}
	if text := s.data[at:s.pos]; isNumber(text[0]) && !isFloat(text) {
		if magnitude, _, ok := parseInteger(text); !ok || magnitude > maxFloatInteger {
			return false, &valueError{
				kind: ErrPrecision, at: at, text: "is an integer beyond 2^53 in an array, which ClickHouse may store as a float",
				hint: "write it in quotes, or use json in the schema",
			}
		}
	}
	return false, nil
}

// maxFloatInteger is up to where floats hold every integer.
const maxFloatInteger = 1 << 53

// checkNumber reads a number that must fit an integer of 64 bits, or a float64
// if it is written as one.
func checkNumber(s *scanner) error {
	at := s.pos
	text, err := s.number()
	if err != nil {
		return err
	}
	switch {
	case isFloat(text):
		_, err = strconv.ParseFloat(string(text), 64)
	case text[0] == '-':
		_, err = strconv.ParseInt(string(text), 10, 64)
	default:
		_, err = strconv.ParseUint(string(text), 10, 64)
	}
	if err != nil {
		return &valueError{
			kind: ErrRange, at: at, text: "is out of range for 64 bits",
			hint: "write it in quotes, or use json in the schema",
		}
	}
	return nil
}

// isFloat reports whether a JSON number has a fraction or an exponent.
func isFloat(text []byte) bool { return bytes.ContainsAny(text, ".eE") }
