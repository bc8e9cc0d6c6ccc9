package bulk

import (
	"bytes"
	"encoding/json"
)

// chunker cuts an input into chunks of whole lines. Where it cuts depends on
// the bytes of the input and on the limits, and on nothing else: not on the
// sizes of reads, the number of workers or the time.
//
// The rule: a chunk ends behind the last line end within limits.chunkBytes, or
// behind line limits.chunkLines if that comes first. A line that is longer
// than a chunk is a chunk by itself. The bytes behind the last line end of the
// input belong to the last chunk if they are a complete JSON value or blank,
// and are a chunk of their own, of kind cutLine, otherwise.
//
// A caller that knows a better end, from the ledger, can take that instead.
type chunker struct {
	w      window
	limits limits
	owns   bool   // the window has a buffer of the pool
	carry  []byte // what the last chunk's buffer held behind the chunk

	digest   digest
	digested int // bytes of the window that are in digest

	scratch []byte // for skipping overlong lines
	checked bool   // the input has been found to be text
}

// span is a chunk that could be taken: where it ends and what is in it.
type span struct {
	length int64
	kind   chunkKind
	sum    sum128
}

// next prepares the next chunk and reports whether there is one. get supplies
// an empty buffer when the last one has gone with a chunk; its error is
// returned as it is.
func (c *chunker) next(get func() ([]byte, error)) (bool, error) {
	if !c.owns {
		buf, err := get()
		if err != nil {
			return false, err
		}
		buf = append(buf, c.carry...)
		c.w.buf, c.owns, c.carry = buf, true, c.carry[:0]
	}
	c.digest.reset()
	c.digested = 0
	c.w.fill(c.limits.chunkBytes)
	if !c.checked {
		c.checked = true
		if err := checkText(c.w.buf); err != nil {
			return false, err
		}
	}
	if len(c.w.buf) == 0 {
		return false, c.w.failed(1)
	}
	return true, nil
}

// sumTo returns the hash of the first n bytes of the chunk, reading on if it
// must. It returns false when the input has fewer. Calls must not go back to a
// smaller n.
func (c *chunker) sumTo(n int64) (sum128, bool) {
	end := int(n)
	c.w.fill(end)
	if len(c.w.buf) < end || end < c.digested {
		return sum128{}, false
	}
	c.digest.write(c.w.buf[c.digested:end])
	c.digested = end
	return c.digest.sum(), true
}

// natural returns the span that the rule gives. It fails when the input does
// before the span is complete. The window is not moved, except that an
// overlong line is passed.
func (c *chunker) natural() (span, error) {
	size := c.limits.chunkBytes
	c.w.fill(size)
	if err := c.w.failed(size); err != nil {
		return span{}, err
	}
	data := c.w.buf[:min(len(c.w.buf), size)]
	end := bytes.LastIndexByte(data, '\n') + 1
	if c.w.ended(size) {
		if completeLine(data[end:]) {
			end = len(data)
		}
		if end == 0 {
			return span{length: int64(len(data)), kind: cutLine}, nil
		}
	} else if end == 0 {
		return c.longLine()
	}
	return c.spanTo(endOfLines(data[:end], c.limits.chunkLines)), nil
}

// spanTo returns the span of whole lines that ends at end.
func (c *chunker) spanTo(end int) span {
	if end < c.digested {
		c.digest.reset()
		c.digested = 0
	}
	sum, _ := c.sumTo(int64(end))
	return span{length: int64(end), sum: sum}
}

// longLine returns the span of a line that is longer than a chunk.
func (c *chunker) longLine() (span, error) {
	limit := max(c.limits.chunkBytes, c.limits.lineBytes+len("\r\n"))
	for n := c.limits.chunkBytes; n < limit; {
		from := n
		n = min(n+lineStep, limit)
		c.w.fill(n)
		if i := bytes.IndexByte(c.w.buf[from:min(len(c.w.buf), n)], '\n'); i >= 0 {
			return c.spanTo(from + i + 1), nil
		}
		if err := c.w.failed(n); err != nil {
			return span{}, err
		}
		if c.w.ended(n) {
			if completeLine(c.w.buf) {
				return c.spanTo(len(c.w.buf)), nil
			}
			return span{length: int64(len(c.w.buf)), kind: cutLine}, nil
		}
	}
	// The window may hold more than was asked for, from the chunk before.
	if i := bytes.IndexByte(c.w.buf[limit:], '\n'); i >= 0 {
		s := c.spanTo(limit + i + 1)
		s.kind = overlongLine
		return s, nil
	}
	return c.overlongLine()
}

// lineStep is how much more of a long line is read at a time.
const lineStep = 1 << 20

// overlongLine passes a line that is over the limit. Its beginning stays in
// the carry, from where take gets it; the window is what follows the line.
func (c *chunker) overlongLine() (span, error) {
	c.digest.write(c.w.buf[c.digested:])
	passed := int64(len(c.w.buf))
	if c.scratch == nil {
		c.scratch = make([]byte, minRead)
	}
	line := c.w.buf
	n, found := c.w.skipLine(&c.digest, c.scratch)
	c.carry = appendRest(c.carry, c.w.buf)
	c.w.buf = line
	if err := c.w.failed(len(line) + 1); err != nil && !found {
		return span{}, err
	}
	if !found {
		return span{length: passed + n, kind: cutLine}, nil
	}
	return span{length: passed + n, kind: overlongLine, sum: c.digest.sum()}, nil
}

// take makes a chunk of the span and steps over it. The chunk owns the buffer.
func (c *chunker) take(s span) *chunk {
	ch := &chunk{offset: c.w.offset, line: c.w.line, length: s.length, kind: s.kind}
	ch.head = headOf(c.w.buf)
	switch {
	case s.length > int64(len(c.w.buf)): // an overlong line: carry is set
		ch.data = c.w.buf
		ch.lines = 1
		if s.kind == cutLine {
			ch.lines = 0
		}
	default:
		ch.data = c.w.buf[:s.length]
		ch.lines = int64(bytes.Count(ch.data, []byte{'\n'}))
		c.carry = appendRest(c.carry, c.w.buf[s.length:])
	}
	c.w.move(s.length, ch.lines)
	c.w.buf, c.owns = nil, false
	return ch
}

// skip steps over the span without making a chunk of it.
func (c *chunker) skip(s span) {
	if s.length > int64(len(c.w.buf)) { // an overlong line: carry is set
		c.w.buf = append(c.w.buf[:0], c.carry...)
		c.carry = c.carry[:0]
		c.w.move(s.length, 1)
		return
	}
	n := int(s.length)
	c.w.move(s.length, int64(bytes.Count(c.w.buf[:n], []byte{'\n'})))
	c.w.drop(n)
}

// buffer takes the buffer away that the chunker has from get, if it has one.
// The chunker cannot be used after.
func (c *chunker) buffer() ([]byte, bool) {
	b, owned := c.w.buf, c.owns
	c.w.buf, c.owns = nil, false
	return b, owned
}

// endOfLines returns the length of the first n lines of data, or of all of
// data if it has no more.
func endOfLines(data []byte, n int) int {
	if n <= 0 || len(data) <= n || bytes.Count(data, []byte{'\n'}) <= n {
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
	line = bytes.TrimPrefix(line, bom)
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

// bom is the byte order mark, which some programs put in front of UTF-8.
var bom = []byte("\xEF\xBB\xBF")
