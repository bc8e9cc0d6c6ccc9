package block

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxValue is how many bytes of a value an error shows.
const maxValue = 80

// excerpt returns s fit for a message: control characters and bytes that are
// not UTF-8 escaped, and cut to about maxValue bytes.
func excerpt(s string) string {
	var b strings.Builder
	for i, r := range s {
		if b.Len() >= maxValue {
			b.WriteString("…")
			break
		}
		size := utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(s[i]), 16))
		case !strconv.IsPrint(r):
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(s[i : i+size])
		}
	}
	return b.String()
}

// excerptBytes is excerpt without copying all of b first.
func excerptBytes(b []byte) string {
	const enough = maxValue + utf8.UTFMax
	if len(b) > enough {
		// One byte more than is shown, so that the cut is marked.
		b = b[:enough]
	}
	return excerpt(string(b))
}

// quoted returns s in quotes, fit for a message.
func quoted(s string) string {
	return `"` + strings.ReplaceAll(excerpt(s), `"`, `\"`) + `"`
}
