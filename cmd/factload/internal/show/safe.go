// Package show is what commands print to people: tables, counts, and a line that is written
// over, for terminals and elsewhere.
package show

import (
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Safe returns s with the characters that would command a terminal, or hide what is there,
// written as escapes. Names of files and values of users may hold them.
func Safe(s string) string {
	if strings.IndexFunc(s, controlsTerminal) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !controlsTerminal(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// controlsTerminal reports whether a character does something to a terminal, ends of lines
// and tabs aside: control characters, and those that turn the direction of text.
func controlsTerminal(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// Writer writes Safe text to To. A character is in one Write, as fmt's functions do it.
type Writer struct{ To io.Writer }

// Write reports all of p as written unless the writer below fails.
func (p Writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.To, Safe(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
