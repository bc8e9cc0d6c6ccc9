package bulk

import "bytes"

// lineBuffer are the lines of a batch from some piece on, for tables that may
// refuse rows after they were decoded.
type lineBuffer struct {
	data   []byte
	from   int64 // where in the batch data begins
	line   int64 // number of the first line
	wanted bool

	piece *piece // being decoded; its data is not kept yet
	start int64  // where in the batch the piece begins

	// seen is the number of line ends in the first seenTo bytes of data.
	seenTo, seen int64
}

// reset forgets the lines and keeps the memory.
func (k *lineBuffer) reset() {
	k.data, k.wanted, k.piece = k.data[:0], false, nil
	k.seenTo, k.seen = 0, 0
}

// offer says which piece is being decoded, and where in the batch it begins.
func (k *lineBuffer) offer(p *piece, start int64) {
	k.piece, k.start = p, start
	if k.wanted {
		k.data = append(k.data, p.data...)
	}
}

// keep keeps the piece that is being decoded and all that follow.
func (k *lineBuffer) keep() {
	if !k.wanted {
		k.wanted, k.from, k.line = true, k.start, k.piece.line
		k.data = append(k.data[:0], k.piece.data...)
	}
}

// at returns the line that begins at offset in the batch, and its number. The chunk that it
// is in begins at begin, with the line of the given number. It is quick when the offsets
// ascend.
func (k *lineBuffer) at(offset, begin, first int64) (line []byte, number int64) {
	start := offset - k.from
	if begin -= k.from; begin < 0 {
		begin, first = 0, k.line
	}
	if start < k.seenTo || k.seenTo < begin {
		k.seenTo, k.seen = begin, 0
	}
	k.seen += int64(bytes.Count(k.data[k.seenTo:start], newline))
	k.seenTo = start
	return firstLine(k.data[start:]), first + k.seen
}
