package jsontext

import "bytes"

// hasLoneSurrogate reports whether valid JSON contains an escaped half of a
// surrogate pair without the other half, which encoding/json would replace.
func hasLoneSurrogate(b []byte) bool {
	if bytes.IndexByte(b, '\\') < 0 {
		return false
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		i++ // the escaped character
		if b[i] != 'u' {
			continue
		}
		unit := hexUnit(b[i+1:])
		i += 4
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			rest := b[i+1:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return true
			}
			if low := hexUnit(rest[2:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

// hexUnit reads the four hexadecimal digits that b starts with.
func hexUnit(b []byte) int {
	unit := 0
	for _, c := range b[:4] {
		digit := int(c | 0x20)
		if digit >= 'a' {
			digit -= 'a' - 10
		} else {
			digit -= '0'
		}
		unit = unit<<4 | digit
	}
	return unit
}
