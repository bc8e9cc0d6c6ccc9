package bulk

import (
	"bytes"
	"encoding/json"
	"math"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// chunker cuts an input into chunks of whole lines, and these into pieces.
// Where a chunk ends depends on the bytes of the input and on the limits, and
// on nothing else: not on the sizes of reads, the number of workers or the
// time.
//
// The rule: a chunk ends behind the last line end within limits.chunkBytes, or
// behind line limits.chunkLines if that comes first. A line that is longer
// than limits.pieceBytes is a chunk by itself. What is behind the last line
// end of the input belongs to the last chunk if it is a complete JSON value or
// blank, and is a chunk of its own, of kind cutLine, otherwise.
//
// A caller that knows a better end, from the ledger, can give that instead.
type chunker struct {
	w      window
	limits limits
	get    func() ([]byte, error) // supplies an empty buffer
	placed bool                   // the lines are placed ones
	owns   bool                   // the window has a buffer from get
	carry  []byte                 // what the last piece's buffer held behind the piece

	// Of the chunk: what has been taken of it so far, and its end if that is
	// given, or 0.
	length, lines int64
	end           int64
	closed        bool // it has a piece that must be its only one
	digest        digest

	scratch []byte // for skipping overlong lines
	checked bool   // the input has been found to be text
}

// begin begins a chunk and reports whether there is one.
func (c *chunker) begin() (bool, error) {
	c.length, c.lines, c.end, c.closed = 0, 0, 0, false
	c.digest.reset()
	if err := c.own(); err != nil {
		return false, err
	}
	c.w.fill(c.limits.pieceBytes)
	if !c.checked {
		c.checked = true
		if err := input.CheckText(c.w.buf); err != nil {
			return false, err
		}
	}
	if len(c.w.buf) == 0 {
		return false, c.w.failed(1)
	}
	return true, nil
}

// own makes sure that the window has a buffer.
func (c *chunker) own() error {
	if c.owns {
		return nil
	}
	buf, err := c.get()
	if err != nil {
		return err
	}
	buf = append(buf, c.carry...)
	c.w.buf, c.owns, c.carry = buf, true, c.carry[:0]
	return nil
}

// at returns where in the input a chunk begins that has just begun.
func (c *chunker) at() input.Place {
	if c.placed {
		return input.PlaceOf(c.w.buf)
	}
	return input.Place{Offset: c.w.offset, Line: c.w.line}
}

// head returns the fingerprint of the first line of a chunk that has just
// begun.
func (c *chunker) head() uint64 { return headOf(c.w.buf) }

// isLong reports whether a chunk that has just begun is a single line that is
// longer than a piece.
func (c *chunker) isLong() bool {
	size := c.limits.pieceBytes
	return len(c.w.buf) >= size && bytes.IndexByte(c.w.buf[:size], '\n') < 0
}

// prefix hashes the beginning of a chunk, at one length after the other. It
// reads on as far as it must, and the window holds all of it.
type prefix struct {
	c      *chunker
	digest digest
	done   int
}

// prefix begins to hash a chunk that has just begun.
func (c *chunker) prefix() *prefix {
	p := &prefix{c: c}
	p.digest.reset()
	return p
}

// sum returns the hash of the first n bytes, or false when the input has
// fewer. Calls must not go back to a smaller n.
func (p *prefix) sum(n int64) (sum128, bool) {
	end := int(n)
	p.c.w.goal = p.c.limits.chunkBytes // most chunks have nearly that
	p.c.w.fill(end)
	p.c.w.goal = 0
	if len(p.c.w.buf) < end {
		return sum128{}, false
	}
	p.digest.write(p.c.w.buf[p.done:end])
	p.done = end
	return p.digest.sum(), true
}

// skip steps over the first n bytes of a chunk that has just begun, all of
// which prefix has looked at.
func (c *chunker) skip(n int64) {
	c.w.move(n, int64(bytes.Count(c.w.buf[:n], newline)))
	c.w.drop(int(n))
}

// expect returns about how many bytes and lines a chunk that has just begun will
// have, at most: those of the chunk that is known, or of the limits, or of what
// is left of the input.
func (c *chunker) expect() (size, lines int64) {
	size, lines = int64(c.limits.chunkBytes), int64(c.limits.chunkLines)
	if c.end > 0 {
		size, lines = c.end, math.MaxInt64
	}
	if c.w.expect > 0 {
		size = min(size, c.w.expect-c.w.offset)
	}
	return size, lines
}

// next takes the next piece of the chunk. It returns nil when the chunk is
// complete: length, lines and digest are those of the whole chunk then. It
// fails when the input does.
func (c *chunker) next() (*piece, error) {
	room, lines := int64(c.limits.chunkBytes)-c.length, int64(c.limits.chunkLines)-c.lines
	if c.end > 0 {
		room, lines = c.end-c.length, math.MaxInt64
	}
	if c.closed || room <= 0 || lines <= 0 {
		return nil, nil //nolint:nilnil // documented
	}
	if err := c.own(); err != nil {
		return nil, err
	}
	size := int(min(int64(c.limits.pieceBytes), room))
	c.w.fill(size)
	if err := c.w.failed(size); err != nil {
		return nil, err
	}
	data := c.w.buf[:min(len(c.w.buf), size)]
	n := bytes.LastIndexByte(data, '\n') + 1
	if n > 0 {
		return c.take(endOfLines(data[:n], lines))
	}
	switch tail := c.w.ended(size); {
	case c.end > 0:
		return c.take(c.fixedLine(int(room)))
	case tail && len(data) > 0 && completeLine(data):
		return c.take(len(data))
	case c.length > 0 || len(data) == 0:
		return nil, nil //nolint:nilnil // documented
	case tail:
		return c.takeAs(len(data), cutLine)
	}
	c.closed = true
	return c.longLine()
}

// fixedLine returns the length of a line at the beginning of the window that
// is longer than a piece, or ends with the chunk without a line end.
func (c *chunker) fixedLine(room int) int {
	if i := bytes.IndexByte(c.w.buf[:room], '\n'); i >= 0 {
		return i + 1
	}
	return room
}

// longLine takes a line that is longer than a piece.
func (c *chunker) longLine() (*piece, error) {
	limit := max(c.limits.pieceBytes, c.limits.lineBytes+len("\r\n"))
	for n := c.limits.pieceBytes; n < limit; {
		from := n
		n = min(n+lineStep, limit)
		c.w.fill(n)
		if i := bytes.IndexByte(c.w.buf[from:min(len(c.w.buf), n)], '\n'); i >= 0 {
			return c.take(from + i + 1)
		}
		if err := c.w.failed(n); err != nil {
			return nil, err
		}
		if c.w.ended(n) {
			if completeLine(c.w.buf) {
				return c.take(len(c.w.buf))
			}
			return c.takeAs(len(c.w.buf), cutLine)
		}
	}
	// The window may hold more than was asked for, from the chunk before.
	if i := bytes.IndexByte(c.w.buf[limit:], '\n'); i >= 0 {
		return c.takeAs(limit+i+1, overlongLine)
	}
	return c.overlongLine()
}

// lineStep is how much more of a long line is read at a time.
const lineStep = 1 << 20

// overlongLine takes a line that is over the limit and does not end in the
// window. Only what the window holds of it is kept.
func (c *chunker) overlongLine() (*piece, error) {
	if c.scratch == nil {
		c.scratch = make([]byte, minRead)
	}
	line := c.w.buf
	c.digest.write(line)
	n, found := c.w.skipLine(&c.digest, c.scratch)
	c.carry = append(c.carry[:0], c.w.buf...)
	c.w.buf = line
	if err := c.w.failed(len(line) + 1); err != nil && !found {
		return nil, err
	}
	p := c.piece(int64(len(line))+n, overlongLine)
	p.data, p.lines = line, 1
	if !found {
		p.kind, p.lines = cutLine, 0
	}
	c.pass(p)
	c.w.buf, c.owns = nil, false
	return p, nil
}

// take takes n bytes of whole lines.
func (c *chunker) take(n int) (*piece, error) { return c.takeAs(n, wholeLines) }

// takeAs takes n bytes of the window as a piece. The piece owns the window's
// buffer, unless that holds much more: then it gets a copy.
func (c *chunker) takeAs(n int, kind chunkKind) (*piece, error) {
	c.closed = c.closed || kind != wholeLines
	p := c.piece(int64(n), kind)
	if rest := len(c.w.buf) - n; rest > c.limits.pieceBytes {
		buf, err := c.get()
		if err != nil {
			return nil, err
		}
		buf = append(buf, c.w.buf[:n]...)
		p.data = buf
		c.w.drop(n)
	} else {
		p.data = c.w.buf[:n]
		c.carry = append(c.carry[:0], c.w.buf[n:]...)
		c.w.buf, c.owns = nil, false
	}
	p.lines = int64(bytes.Count(p.data, newline))
	c.digest.write(p.data)
	c.pass(p)
	return p, nil
}

func (c *chunker) piece(n int64, kind chunkKind) *piece {
	return &piece{length: n, kind: kind, offset: c.w.offset, line: c.w.line}
}

// pass counts a piece that has been taken.
func (c *chunker) pass(p *piece) {
	c.length += p.length
	c.lines += p.lines
	c.w.move(p.length, p.lines)
}

// release takes the buffer away that the chunker has from get, if it has one.
// The chunker cannot be used after.
func (c *chunker) release() ([]byte, bool) {
	b, owned := c.w.buf, c.owns
	c.w.buf, c.owns = nil, false
	return b, owned
}

// endOfLines returns the length of the first n lines of data, or of all of
// data if it has no more.
func endOfLines(data []byte, n int64) int {
	if int64(len(data)) <= n || int64(bytes.Count(data, newline)) <= n {
		return len(data)
	}
	end := 0
	for range n {
		end += bytes.IndexByte(data[end:], '\n') + 1
	}
	return end
}

// completeLine reports whether the unterminated last line of an input needs no
// more bytes: it is blank, or complete as JSON, whatever it says.
func completeLine(line []byte) bool {
	line = bytes.TrimPrefix(line, input.BOM)
	return isBlank(line) || json.Valid(line)
}

// isBlank reports whether the line has no characters but white space.
func isBlank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

var newline = []byte{'\n'}
