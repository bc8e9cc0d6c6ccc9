package block

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// specials returns a word with the high bit set in each byte of x that ends a
// run of plain string text: a quote, a backslash or a control character. Bytes
// behind the first such one may be marked wrongly.
//
// In each byte below 0x80, the subtractions set the high bit for a control
// character, a quote and a backslash. A borrow can spoil only what is behind.
func specials(x uint64) uint64 {
	return ((x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) &^ x & highs
}

// isSpecial reports what specials does for one byte.
func isSpecial(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// plainRun returns the index of the first byte of data[i:] that ends a run of
// plain string text, or len(data). The second result has a bit of highs set if
// the run has a byte outside ASCII; it may be set for bytes behind the run too.
func plainRun(data []byte, i int) (end int, high uint64) {
	for len(data)-i >= wordSize {
		x := binary.LittleEndian.Uint64(data[i:])
		high |= x
		if m := specials(x); m != 0 {
			return i + bits.TrailingZeros64(m)>>3, high
		}
		i += wordSize
	}
	for ; i < len(data) && !isSpecial(data[i]); i++ {
		high |= uint64(data[i])
	}
	return i, high
}

// copyRun is plainRun, and copies the run to the end of dst, which must have
// room for all of data[i:] and a word.
func copyRun(dst, data []byte, i int) (longer []byte, end int, high uint64) {
	j := len(dst)
	dst = dst[:cap(dst)]
	for len(data)-i >= wordSize {
		x := binary.LittleEndian.Uint64(data[i:])
		binary.LittleEndian.PutUint64(dst[j:], x)
		high |= x
		if m := specials(x); m != 0 {
			n := bits.TrailingZeros64(m) >> 3
			return dst[:j+n], i + n, high
		}
		i += wordSize
		j += wordSize
	}
	for ; i < len(data) && !isSpecial(data[i]); i++ {
		high |= uint64(data[i])
		dst[j] = data[i]
		j++
	}
	return dst[:j], i, high
}

// Text returns the value of a JSON string, which is given with its quotes, by the
// rules for values: it is valid UTF-8, and surrogates come in pairs. The result
// may be a part of raw. Errors are of type [*FieldError], without a field.
func Text(raw []byte) ([]byte, error) {
	s := scanner{data: raw}
	text, err := s.text()
	if err != nil {
		return nil, rowError(asValueError(err))
	}
	return text, nil
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

// unescapeRoom is the room that unescape makes at a time. The end of the string
// is not known, and a long line should not make every column large.
const unescapeRoom = 4096

// unescape appends the value of the string whose text begins at start to dst.
// The text before end has been found plain, with the high bits of plainRun.
func (s *scanner) unescape(dst []byte, start, end int, high uint64) ([]byte, error) {
	from, text := len(dst), start
	dst = append(dst, s.data[start:end]...)
	start = end
	for {
		dst = slices.Grow(dst, unescapeRoom+wordSize)
		var more uint64
		dst, end, more = copyRun(dst, s.data[:min(start+unescapeRoom, len(s.data))], start)
		high |= more
		if end >= len(s.data) {
			return dst, s.syntaxAt(end, "the closing quote of a string")
		}
		switch c := s.data[end]; {
		case c == '"':
			s.pos = end + 1
			if high&highs != 0 && !utf8.Valid(dst[from:]) {
				return dst, s.badUTF8(text, end)
			}
			return dst, nil
		case c == '\\':
			r, n := escape(s.data[end:])
			if n == 0 {
				if n = s.halfPair(end); n == 0 {
					return dst, s.badEscape(end)
				}
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
			start = end + n
		case c < ' ':
			return dst, s.badControl(end)
		default:
			start = end // of the room, not of the run
		}
	}
}

// skipString moves behind the string at pos and checks it.
func (s *scanner) skipString() error {
	start := s.pos + 1
	end, high := plainRun(s.data, start)
	if high&highs == 0 && end < len(s.data) && s.data[end] == '"' {
		s.pos = end + 1
		return nil
	}
	return s.skipEscaped(start, end, high)
}

// skipEscaped is skipString for any string. Its text is plain up to end.
func (s *scanner) skipEscaped(start, end int, high uint64) error {
	for {
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
				if n = s.halfPair(end); n == 0 {
					return s.badEscape(end)
				}
				s.patches = append(s.patches, patch{end, end + n, replaced})
			}
			start = end + n
		default:
			return s.badControl(end)
		}
		end, high = plainRun(s.data, start)
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
	return longEscape(data)
}

func longEscape(data []byte) (r rune, n int) {
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
		return &valueError{
			kind: ErrUTF8, at: at, bare: true,
			text: "has half of a surrogate pair: `" + excerptBytes(s.data[at:at+6]) + "`",
			hint: "write the character itself, or both halves; with surrogates: replace in the schema, the field takes it for U+FFFD",
		}
	}
	return s.syntaxAt(at, "an escape")
}

// halfPair returns the length of the escape at the given offset, which stands for
// no character, if it is half of a surrogate pair and the field takes that, or 0.
func (s *scanner) halfPair(at int) int {
	if s.words&replaceSurrogates == 0 || hex4(s.data[at:]) < 0 {
		return 0
	}
	return len(replaced)
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
	return &valueError{
		kind: ErrUTF8, at: start, bare: true,
		text: "has a byte that is not valid UTF-8: `" + excerptBytes(s.data[start:start+1]) + "`",
		hint: "convert the file to UTF-8",
	}
}
