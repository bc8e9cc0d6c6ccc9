package bulk

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// rejectEntry is a line of the rejects file.
type rejectEntry struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	Schema string `json:"schema"`
	Field  string `json:"field"`
	Error  string `json:"error"`
	// Raw is the line as it was. If it is not valid UTF-8 it is empty, and
	// RawBase64 holds the bytes.
	Raw       string `json:"raw"`
	RawBase64 []byte `json:"raw_base64,omitempty"`
	// RawCut says that only the beginning of the line is here.
	RawCut bool   `json:"raw_cut,omitempty"`
	Reason string `json:"reason"`
	// One of the following tells where the entry is from, or none of them for a
	// line that was cut off at the end of standard input or a pipe. Which of
	// them is known when the chunk is committed.

	// Chunk is the token of the row's chunk.
	Chunk string `json:"chunk,omitempty"`
	// Path is the path of the input whose end is a cut line.
	Path string `json:"path,omitempty"`
	// Check is true for entries of a dry run.
	Check bool `json:"check,omitempty"`
}

// The ends of a line of the rejects file, behind the reason.
const (
	chunkKey  = `,"chunk":"`
	pathKey   = `,"path":"`
	checkEnd  = `,"check":true}` + "\n"
	closeText = `"}` + "\n"
	closeBare = `}` + "\n"
)

// appendBegin appends the line up to the raw bytes. The bytes are the same
// that encoding/json makes, without its escapes for HTML.
func (e *rejectEntry) appendBegin(b []byte) []byte {
	b = append(b, rejectPrefix...)
	b = appendText(b, e.File)
	b = append(b, lineKey...)
	b = strconv.AppendInt(b, e.Line, 10)
	b = append(b, offsetKey...)
	b = strconv.AppendInt(b, e.Offset, 10)
	b = append(b, schemaKey...)
	b = appendText(b, e.Schema)
	b = append(b, `,"field":`...)
	b = appendText(b, e.Field)
	b = append(b, `,"error":`...)
	return appendText(b, e.Error)
}

// The keys that each line of a rejects file begins with.
const (
	rejectPrefix = `{"file":`
	lineKey      = `,"line":`
	offsetKey    = `,"offset":`
	schemaKey    = `,"schema":`
)

// appendEnd appends what follows the raw bytes, up to the reason.
func (e *rejectEntry) appendEnd(b []byte) []byte {
	if e.RawCut {
		b = append(b, `,"raw_cut":true`...)
	}
	b = append(b, `,"reason":`...)
	return appendText(b, e.Reason)
}

// rawAppender returns how a line is appended to its entry: a function that
// appends a piece of it, the first one with its key, and one that tells how
// long a piece of about n bytes is.
func rawAppender(raw []byte) (appendPiece func(b, piece []byte) []byte, size func(raw []byte, n int) int) {
	begun := false
	begin := func(b []byte, key string) []byte {
		if !begun {
			begun = true
			b = append(b, key...)
		}
		return b
	}
	if utf8.Valid(raw) {
		return func(b, piece []byte) []byte { return appendEscaped(begin(b, `,"raw":"`), piece) }, runesUpTo
	}
	return func(b, piece []byte) []byte {
		return base64.StdEncoding.AppendEncode(begin(b, `,"raw":"","raw_base64":"`), piece)
	}, func(_ []byte, n int) int { return n }
}

// runesUpTo returns where in b, about at n, a character begins.
func runesUpTo(b []byte, n int) int {
	for !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}

func appendText(b []byte, s string) []byte {
	return append(appendEscaped(append(b, '"'), s), '"')
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends the inside of a JSON string. What is not UTF-8 becomes
// U+FFFD.
func appendEscaped[T []byte | string](b []byte, s T) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = appendControl(append(b, s[from:i]...), c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[from:i]...), `\ufffd`...)
			from = i + n
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[from:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xF])
			from = i + n
		}
		i += n
	}
	return append(b, s[from:]...)
}

func appendControl(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}

// wholeRunes drops up to three bytes from the end of b when they are the
// beginning of a character.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}
