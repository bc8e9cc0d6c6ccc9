package input

import (
	"bytes"
	"strconv"
	"strings"
)

// Place is where in an input a row stands. Lines that were made of an input in another
// form have it in front:
//
//	105 7⇥{"id":1}
//	│   │ └ the row, on one line
//	│   └── the number of the line that it begins on, from 1
//	└────── its offset in the decompressed input, in bytes
//
// For rows of Parquet, which have neither, the line is the number of the row from 1, and
// the offset the same from 0. An exclamation mark instead of the tab means that what
// follows is no row, but says what is wrong with it.
type Place struct{ Offset, Line int64 }

func (p Place) append(b []byte) []byte {
	b = strconv.AppendInt(b, p.Offset, 10)
	b = strconv.AppendInt(append(b, ' '), p.Line, 10)
	return append(b, rowFollows)
}

// appendFault appends a line that says what is wrong with the row at the place.
func (p Place) appendFault(b []byte, text string) []byte {
	b = p.append(b)
	b[len(b)-1] = faultFollows
	return append(b, strings.ReplaceAll(text, "\n", " ")...)
}

const (
	rowFollows   = '\t'
	faultFollows = '!'
)

// Row returns the row of a placed line, or what is wrong with it.
func Row(line []byte) (row []byte, fault string) {
	i := bytes.IndexAny(line[:min(len(line), maxPlace)], "\t!")
	switch {
	case i < 0:
		return nil, "" // of a line that was cut off in its place
	case line[i] == faultFollows:
		return nil, string(line[i+1:])
	}
	return line[i+1:], ""
}

// maxPlace is the length of the longest place.
const maxPlace = 2*len("9223372036854775807") + 2

// PlaceOf returns the place of a placed line.
func PlaceOf(line []byte) Place {
	var p Place
	offset, rest, _ := bytes.Cut(line[:min(len(line), maxPlace)], []byte{' '})
	number := rest[:max(0, bytes.IndexAny(rest, "\t!"))]
	p.Offset, _ = strconv.ParseInt(string(offset), 10, 64)
	p.Line, _ = strconv.ParseInt(string(number), 10, 64)
	return p
}

// lineMaker returns the placed lines that next makes, one after the other.
type lineMaker struct {
	// next returns a line without its end, which is valid until the one after, and to which
	// a byte may be appended.
	next    func() ([]byte, error)
	pending []byte // goes out next
}

// Read returns lines.
func (m *lineMaker) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(m.pending) == 0 {
			line, err := m.next()
			if err != nil {
				return n, err
			}
			m.pending = append(line, '\n') //nolint:gocritic // as next allows
		}
		k := copy(p[n:], m.pending)
		m.pending, n = m.pending[k:], n+k
	}
	return n, nil
}
