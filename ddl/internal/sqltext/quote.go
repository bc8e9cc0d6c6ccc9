package sqltext

import (
	"strings"
	"unicode/utf8"
)

// QuoteIdent returns name as a quoted identifier in backticks. Whatever name
// holds, the result is exactly one identifier, and valid UTF-8.
func QuoteIdent(name string) string { return quote(name, '`') }

// QuoteString returns s as a string literal in single quotes. Whatever s holds,
// the result is exactly one literal, and valid UTF-8: bytes that are not are
// written as \xHH, which the server reads back as the same bytes.
func QuoteString(s string) string { return quote(s, '\'') }

func quote(s string, q byte) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte(q)
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b.WriteString(`\x`)
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			} else {
				b.WriteString(s[i : i+size])
			}
			i += size
			continue
		}
		i++
		switch {
		case c == q || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c == 0x7f:
			b.WriteString(`\x`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(q)
	return b.String()
}

// unquote decodes the inside of a quoted identifier or string as the server
// does. A doubled quote stands for one; a backslash before a printed character
// that is not among the escapes stays in the text.
func unquote(s string, q byte) string {
	if strings.IndexByte(s, '\\') < 0 && strings.IndexByte(s, q) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == q { // doubled
			b.WriteByte(c)
			i++
			continue
		}
		if c != '\\' || i+1 == len(s) {
			b.WriteByte(c)
			continue
		}
		i++
		if s[i] == 'x' && i+2 < len(s) && IsHex(s[i+1]) && IsHex(s[i+2]) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		if to, ok := escapes[s[i]]; ok {
			b.WriteByte(to)
			continue
		}
		if s[i] == 'N' { // what some formats write for NULL: no character
			continue
		}
		if s[i] >= 0x20 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapes are the characters that mean something after a backslash.
var escapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '0': 0,
	'\\': '\\', '\'': '\'', '"': '"', '`': '`', '/': '/', '=': '=',
}

// IsHex reports whether c is a hexadecimal digit.
func IsHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// QuoteAll returns names as quoted identifiers, nil for none.
func QuoteAll(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = QuoteIdent(n)
	}
	return out
}
