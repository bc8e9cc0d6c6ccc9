package infer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deeply a row may be nested, its own braces included, as load has it.
const maxDepth = 512

// A pair is a key of an object and the text of its value.
type pair struct {
	key   string
	value []byte
	half  bool // the value has half of a surrogate pair in it
}

// readRow appends the pairs of the object in the line. It takes what load takes as a row: JSON by RFC 8259 in valid
// UTF-8, not nested too deeply, and nothing behind the object. Besides, it takes what fields take by a word of the
// schema: NaN and infinities as Python writes them, which become the number notANumber, and half surrogate pairs.
//
// The grammar is left to encoding/json, which lets through bad UTF-8, lone surrogates and deep nesting; the rest is
// found on a walk that can rely on the grammar.
func readRow(line []byte, pairs []pair) ([]pair, error) {
	if !utf8.Valid(line) {
		return pairs, errors.New("it has a byte that is not valid UTF-8: convert the file to UTF-8")
	}
	if !json.Valid(line) {
		given := line
		if line = markNaN(line); !json.Valid(line) {
			return pairs, notJSON(given)
		}
	}
	w := walker{data: line}
	w.space()
	if kind := w.data[w.pos]; kind != '{' {
		return pairs, notAnObject(kind)
	}
	return readPairs(w.data[w.pos:], pairs)
}

// readPairs appends the pairs of an object, which is known to be valid.
func readPairs(object []byte, pairs []pair) ([]pair, error) {
	w := walker{data: object}
	w.open()
	for w.more() {
		key, err := w.value()
		if err != nil {
			return pairs, err
		}
		if w.half {
			return pairs, errors.New("a key has half of a surrogate pair: write the character itself, or both halves")
		}
		w.more() // the colon
		value, err := w.value()
		if err != nil {
			return pairs, err
		}
		name, err := text(key)
		if err != nil {
			return pairs, err
		}
		pairs = append(pairs, pair{name, value, w.half})
		w.half = false
	}
	return pairs, nil
}

// notANumber stands for NaN and infinities. Nobody else writes zero like this.
const notANumber = "-0.00e-0000000000"

// markNaN returns the line with notANumber in the place of what stands for it outside of strings.
func markNaN(line []byte) []byte {
	var out []byte
	for i := 0; i < len(line); {
		n := 1
		switch rest := line[i:]; {
		case rest[0] == '"':
			n = stringLength(rest)
		case bytes.HasPrefix(rest, []byte("NaN")):
			n = len("NaN")
			out = append(out, notANumber...)
		case bytes.HasPrefix(rest, []byte("Infinity")):
			n = len("Infinity")
			out = append(out, notANumber...)
		case bytes.HasPrefix(rest, []byte("-Infinity")):
			n = len("-Infinity")
			out = append(out, notANumber...)
		}
		if line[i] == '"' || n == 1 {
			out = append(out, line[i:i+n]...)
		}
		i += n
	}
	return out
}

// stringLength returns the length of the string that text begins with, to its end if that is missing.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func notJSON(line []byte) error {
	var raw json.RawMessage
	return fmt.Errorf("invalid JSON: %w", json.Unmarshal(line, &raw))
}

func notAnObject(kind byte) error {
	found := map[byte]string{'[': "a list", '"': "text", 't': "true", 'f': "false", 'n': "null"}[kind]
	return fmt.Errorf("it is %s, want a JSON object", cmp.Or(found, "a number"))
}

// text returns the value of a JSON string.
func text(raw []byte) (string, error) {
	if !bytes.ContainsRune(raw, '\\') {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// A walker steps over the values of a text that is known to be JSON in UTF-8.
type walker struct {
	data  []byte
	pos   int
	depth int  // containers around pos
	half  bool // half of a surrogate pair has been passed
}

func (w *walker) space() {
	for w.pos < len(w.data) && w.data[w.pos] <= ' ' {
		w.pos++
	}
}

// open steps into the container at pos.
func (w *walker) open() {
	w.pos++
	w.depth++
}

// more moves to the next value or key, and reports false at the end of the container.
func (w *walker) more() bool {
	for {
		switch w.data[w.pos] {
		case ' ', '\t', '\r', '\n', ',', ':':
			w.pos++
		case '}', ']':
			return false
		default:
			return true
		}
	}
}

// value moves behind the value at pos and returns its text.
func (w *walker) value() ([]byte, error) {
	start, floor := w.pos, w.depth
	for {
		switch w.data[w.pos] {
		case '"':
			w.skipText()
		case '{', '[':
			w.open()
			if w.depth > maxDepth {
				return nil, fmt.Errorf("it is nested more than %d levels deep", maxDepth)
			}
		default:
			w.skipWord()
		}
		for w.depth > floor && !w.more() {
			w.pos++
			w.depth--
		}
		if w.depth == floor {
			return w.data[start:w.pos], nil
		}
	}
}

// skipWord moves behind a number or a literal.
func (w *walker) skipWord() {
	for w.pos < len(w.data) {
		switch w.data[w.pos] {
		case ' ', '\t', '\r', '\n', ',', '}', ']':
			return
		}
		w.pos++
	}
}

// skipText moves behind the string at pos.
func (w *walker) skipText() {
	w.pos++
	for {
		switch w.data[w.pos] {
		case '"':
			w.pos++
			return
		case '\\':
			if w.data[w.pos+1] != 'u' {
				w.pos += 2
				continue
			}
			w.skipUnicode()
		default:
			w.pos++
		}
	}
}

// skipUnicode moves behind the \u escape at pos, or behind two of them that make a pair.
func (w *walker) skipUnicode() {
	const length = len(`\u0000`)
	r := w.unit(w.pos)
	if utf16.IsSurrogate(r) {
		if utf16.DecodeRune(r, w.unit(w.pos+length)) == utf8.RuneError {
			w.half = true
		} else {
			w.pos += length
		}
	}
	w.pos += length
}

// unit returns the code unit of the \u escape at the given place, or -1 when there is none.
func (w *walker) unit(at int) rune {
	if w.data[at] != '\\' || w.data[at+1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range w.data[at+2 : at+6] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
