package block

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainRun returns the index of the first byte of data[i:] that ends a run of
// plain string text: a quote, a backslash or a control character, or len(data).
// The second result has a bit of highs set if the run has a byte outside
// ASCII; it may be set for bytes behind the run too.
//
// It looks at eight bytes at once. In each byte below 0x80, the subtractions
// set the high bit for a control character, a quote and a backslash. A borrow
// can spoil bytes behind such a one, but only the first counts.
func plainRun(data []byte, i int) (end int, high uint64) {
	for len(data)-i >= 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		m := ((x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) & ^x & highs
		high |= x
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3, high
		}
		i += 8
	}
	for ; i < len(data); i++ {
		c := data[i]
		if c < ' ' || c == '"' || c == '\\' {
			break
		}
		high |= uint64(c)
	}
	return i, high
}

// text reads the string at pos, quotes included, and returns its value. The
// result is a part of the line or of the scratch buffer, and valid until the
// next call.
func (s *scanner) text() ([]byte, error) {
	start := s.pos + 1
	end, high := plainRun(s.data, start)
	if end < len(s.data) && s.data[end] == '"' {
		s.pos = end + 1
		v := s.data[start:end]
		if high&highs != 0 && !utf8.Valid(v) {
			return nil, s.badUTF8(start, end)
		}
		return v, nil
	}
	var err error
	s.scratch, err = s.unescape(s.scratch[:0], start, end, high)
	return s.scratch, err
}

// unescape appends the value of the string whose text begins at start to dst.
// The text before end has been found plain, with the high bits of plainRun.
func (s *scanner) unescape(dst []byte, start, end int, high uint64) ([]byte, error) {
	for {
		if high&highs != 0 && !utf8.Valid(s.data[start:end]) {
			return dst, s.badUTF8(start, end)
		}
		dst = append(dst, s.data[start:end]...)
		if end >= len(s.data) {
			return dst, s.syntaxAt(end, "the closing quote of a string")
		}
		switch s.data[end] {
		case '"':
			s.pos = end + 1
			return dst, nil
		case '\\':
			r, n := escape(s.data[end:])
			if n == 0 {
				return dst, s.badEscape(end)
			}
			if r < utf8.RuneSelf {
				dst = append(dst, byte(r))
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			start = end + n
		default:
			return dst, s.badControl(end)
		}
		end, high = plainRun(s.data, start)
	}
}

// skipString moves behind the string at pos and checks it.
func (s *scanner) skipString() error {
	start := s.pos + 1
	for {
		end, high := plainRun(s.data, start)
		if high&highs != 0 && !utf8.Valid(s.data[start:end]) {
			return s.badUTF8(start, end)
		}
		if end >= len(s.data) {
			return s.syntaxAt(end, "the closing quote of a string")
		}
		switch s.data[end] {
		case '"':
			s.pos = end + 1
			return nil
		case '\\':
			_, n := escape(s.data[end:])
			if n == 0 {
				return s.badEscape(end)
			}
			start = end + n
		default:
			return s.badControl(end)
		}
	}
}

// simpleEscapes maps the letter of a two-byte escape to its value, and
// everything else to 0.
var simpleEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape decodes the escape that data begins with and returns its value and
// length. The length is 0 when it is none, or half of a surrogate pair.
func escape(data []byte) (r rune, n int) {
	if len(data) < 2 {
		return 0, 0
	}
	if c := simpleEscapes[data[1]]; c != 0 {
		return rune(c), 2
	}
	r = hex4(data)
	switch {
	case r < 0:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	r = utf16.DecodeRune(r, hex4(data[6:]))
	if r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 returns the code unit of the \u escape that data begins with, or -1.
func hex4(data []byte) rune {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range data[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return -1
		}
	}
	return r
}

func (s *scanner) badEscape(at int) error {
	if hex4(s.data[at:]) >= 0 {
		return &fault{
			kind: ErrUTF8, at: at, bare: true,
			text: "has half of a surrogate pair: `" + cutBytes(s.data[at:at+6]) + "`",
			hint: "write the character itself, or both halves",
		}
	}
	return s.syntaxAt(at, "an escape")
}

func (s *scanner) badControl(at int) error {
	return s.syntaxAt(at, "control characters in strings to be escaped")
}

// badUTF8 points at the first bad byte of data[start:end].
func (s *scanner) badUTF8(start, end int) error {
	for start < end {
		r, n := utf8.DecodeRune(s.data[start:end])
		if r == utf8.RuneError && n == 1 {
			break
		}
		start += n
	}
	return &fault{
		kind: ErrUTF8, at: start, bare: true,
		text: "has a byte that is not valid UTF-8: `" + cutBytes(s.data[start:start+1]) + "`",
		hint: "convert the file to UTF-8",
	}
}
