package block

import (
	"bytes"
	"strconv"
)

// scanner reads JSON from a byte slice. It is strict: what it lets through is
// JSON by RFC 8259, in valid UTF-8, with paired surrogates.
//
// Its methods work at data[pos] and leave pos behind what they have read. When
// they return an error pos is anywhere.
type scanner struct {
	data    []byte
	pos     int
	scratch []byte   // strings with escapes, unescaped
	nest    []uint64 // one bit for each open container: 1 for an object
	depth   int      // most containers that may be open, the row's own included
	base    int      // containers open around pos

	words       words   // of the field whose value is read
	patches     []patch // of the value that raw has read last
	patchedText []byte
}

func newScanner(depth int) *scanner {
	return &scanner{depth: depth, nest: make([]uint64, depth/64+1)}
}

// reset points the scanner at the start of data.
func (s *scanner) reset(data []byte) {
	s.data, s.pos, s.base, s.words = data, 0, 0, 0
}

// peek returns the byte at pos, or 0 at the end, which no JSON text contains
// outside of strings.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// next skips white space and returns the byte behind it, or 0 at the end.
func (s *scanner) next() byte {
	c := s.peek()
	if c <= ' ' {
		s.spaces()
		c = s.peek()
	}
	return c
}

// space skips white space, of which there mostly is none.
func (s *scanner) space() {
	if s.pos < len(s.data) && s.data[s.pos] <= ' ' {
		s.spaces()
	}
}

func (s *scanner) spaces() {
	i := s.pos
	for i < len(s.data) {
		if c := s.data[i]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		i++
	}
	s.pos = i
}

// take skips the byte c and reports whether it was there.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// literal skips the word w, which must be there in full. It returns false
// when it is not. What follows is for the caller to look at.
func (s *scanner) literal(w string) bool {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// null skips the literal null and reports whether it was there.
func (s *scanner) null() bool {
	return s.peek() == 'n' && s.literal("null")
}

// nullByWords is null, and skips what the words of the field take for null too.
func (s *scanner) nullByWords() bool {
	return s.null() || (s.words&nanIsNull != 0 && s.notANumber())
}

// open counts a container around pos.
func (s *scanner) open() error {
	s.base++
	if s.base > s.depth {
		return s.tooDeep()
	}
	return nil
}

// shut undoes open.
func (s *scanner) shut() { s.base-- }

// syntax returns an ErrSyntax at pos. The text says what was wanted.
func (s *scanner) syntax(want string) error {
	return s.syntaxAt(s.pos, want)
}

func (s *scanner) syntaxAt(at int, want string) error {
	text := "invalid JSON: want " + want + ", found "
	if at >= len(s.data) {
		text += "the end of the line"
	} else {
		text += "`" + excerptBytes(s.data[at:]) + "`"
	}
	f := &valueError{kind: ErrSyntax, text: text, at: min(at, len(s.data)), bare: true}
	if rest := s.data[f.at:]; bytes.HasPrefix(rest, []byte("NaN")) || bytes.HasPrefix(rest, []byte("Infinity")) {
		f.hint = "JSON has no such number; with nan: null in the schema, the field takes it for null"
	}
	return f
}

func (s *scanner) tooDeep() error {
	return &valueError{
		kind: ErrDepth, at: s.pos, bare: true,
		text: "is nested more than " + strconv.Itoa(s.depth) + " levels deep",
	}
}

// mismatch returns the error for a value at pos that is not of the wanted
// kind, such as "an integer".
func (s *scanner) mismatch(want string) error {
	found := ""
	switch c := s.peek(); {
	case c == '"':
		found = "is a string"
	case c == '{':
		found = "is an object"
	case c == '[':
		found = "is an array"
	case c == '-' || (c >= '0' && c <= '9'):
		found = "is a number"
	case s.literal("true"), s.literal("false"):
		found = "is a boolean"
	case s.literal("null"):
		return isNull()
	default:
		return s.syntax("a value")
	}
	return newValueError(ErrType, found+", want "+want, "")
}

// isNull returns the error for null where it is not allowed.
func isNull() error {
	return newValueError(ErrNull, "is not allowed in a field that is not nullable",
		"leave the key out, or give the field nullable: true or null: default in the schema")
}
