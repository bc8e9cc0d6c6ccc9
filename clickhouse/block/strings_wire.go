package block

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"
)

// wireStrings is a list of strings in the very form in which ClickHouse's Native
// format has them, so that sending them costs nothing but the write:
//
//	length 0 | bytes 0 | length 1 | bytes 1 | …
//
// A length is a varint: seven bits a byte, the low ones first, with the high bit
// set in all bytes but the last. "é" is 02 c3 a9.
type wireStrings struct {
	wire []byte
	ends []int // where each one ends in wire
}

func (t *wireStrings) len() int { return len(t.ends) }

// at returns string i without its length. It is a part of wire.
func (t *wireStrings) at(i int) []byte {
	v := t.wireAt(i)
	_, n := binary.Uvarint(v)
	return v[n:]
}

// wireAt returns string i with its length.
func (t *wireStrings) wireAt(i int) []byte {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.wire[start:t.ends[i]]
}

// push appends v.
func (t *wireStrings) push(v []byte) {
	t.wire = append(binary.AppendUvarint(t.wire, uint64(len(v))), v...)
	t.ends = append(t.ends, len(t.wire))
}

func (t *wireStrings) pushString(v string) {
	t.wire = append(binary.AppendUvarint(t.wire, uint64(len(v))), v...)
	t.ends = append(t.ends, len(t.wire))
}

// pushRange appends the strings from..to of src.
func (t *wireStrings) pushRange(src *wireStrings, from, to int) {
	if from == to {
		return
	}
	start := 0
	if from > 0 {
		start = src.ends[from-1]
	}
	shift := len(t.wire) - start
	t.wire = append(t.wire, src.wire[start:src.ends[to-1]]...)
	for _, end := range src.ends[from:to] {
		t.ends = append(t.ends, end+shift)
	}
}

func (t *wireStrings) truncate(n int) {
	if n >= len(t.ends) {
		// A string that was begun and not finished may be left.
		if end := t.end(); end < len(t.wire) {
			t.wire = t.wire[:end]
		}
		return
	}
	t.ends = t.ends[:n]
	t.wire = t.wire[:t.end()]
}

func (t *wireStrings) end() int {
	if len(t.ends) == 0 {
		return 0
	}
	return t.ends[len(t.ends)-1]
}

func (t *wireStrings) reset() { t.wire, t.ends = t.wire[:0], t.ends[:0] }

func (t *wireStrings) grow(f float64) { t.wire, t.ends = grown(t.wire, f), grown(t.ends, f) }

func (t *wireStrings) bytes() int { return len(t.wire) + len(t.ends)*bits.UintSize/8 }

func (t *wireStrings) encode(b *proto.Buffer) { b.PutRaw(t.wire) }

func (t *wireStrings) write(w *proto.Writer) {
	if len(t.wire) > 0 {
		w.ChainWrite(t.wire)
	}
}

// lengthRoom is the room that pushEscaped leaves for a length: enough for a
// string of 16 KB.
const lengthRoom = 2

// pushJSON appends the JSON string at the scanner's position.
func (t *wireStrings) pushJSON(s *scanner) error {
	start := s.pos + 1
	end, high := plainRun(s.data, start)
	if end >= len(s.data) || s.data[end] != '"' {
		return t.pushEscaped(s, start, end, high)
	}
	// The usual string: one check, one copy.
	v := s.data[start:end]
	if high&highs != 0 && !utf8.Valid(v) {
		return s.badUTF8(start, end)
	}
	s.pos = end + 1
	t.push(v)
	return nil
}

// pushEscaped appends the string whose text begins at start and is plain up to
// end. It is unescaped in its place, behind room for its length.
func (t *wireStrings) pushEscaped(s *scanner, start, end int, high uint64) error {
	at := len(t.wire)
	body := at + lengthRoom
	t.wire = append(t.wire, make([]byte, lengthRoom)...)
	wire, err := s.unescape(t.wire, start, end, high)
	if err != nil {
		t.wire = wire[:at]
		return err
	}
	n := len(wire) - body
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	if size > lengthRoom {
		wire = append(wire, length[lengthRoom:size]...) // only to make it longer
	}
	if size != lengthRoom {
		copy(wire[at+size:], wire[body:body+n])
	}
	copy(wire[at:], length[:size])
	t.wire = wire[:at+size+n]
	t.ends = append(t.ends, len(t.wire))
	return nil
}
