package bulk

import (
	"bytes"
	"errors"
	"io"
)

// window is the part of an input that has been read and not yet been taken.
// It tracks where it stands in the input, in bytes and in lines.
type window struct {
	r      io.Reader
	buf    []byte
	err    error // why reading ended: io.EOF, or what went wrong
	offset int64 // of buf[0] in the decompressed input
	line   int64 // of buf[0], counted from 1
	expect int64 // about how many bytes the input has, or 0
	goal   int   // what the buffer grows to when it has to grow, or 0
}

// minRead is the smallest free space that fill reads into while it is not yet
// known how long the input is.
const minRead = 64 << 10

// fill reads until the window holds n bytes or the input ends. It never holds
// more than n bytes because of the call.
func (w *window) fill(n int) {
	for len(w.buf) < n && w.err == nil {
		w.grow(n)
		got, err := w.r.Read(w.buf[len(w.buf):min(cap(w.buf), n)])
		w.buf = w.buf[:len(w.buf)+got]
		w.err = err
	}
}

// grow makes room for at least one more byte and at most n in all: for what
// the input is expected to have left, or else by doubling. So a small input
// does not take the memory of a large one. With a goal it is that, if it is
// more than n: then the buffer does not grow by a little again and again.
func (w *window) grow(n int) {
	if len(w.buf) < cap(w.buf) {
		return
	}
	most := int64(max(n, w.goal))
	size := max(w.expect-w.offset+1, int64(2*cap(w.buf)), minRead)
	if size > most/2 {
		size = most // both are held for a moment, so that one small step more is dear
	}
	bigger := make([]byte, len(w.buf), size)
	copy(bigger, w.buf)
	w.buf = bigger
}

// ended reports whether the input ended, well, before the window had n bytes.
func (w *window) ended(n int) bool {
	return len(w.buf) < n && errors.Is(w.err, io.EOF)
}

// failed returns the error that ended the input before the window had n bytes.
func (w *window) failed(n int) error {
	if len(w.buf) < n && w.err != nil && !errors.Is(w.err, io.EOF) {
		return w.err
	}
	return nil
}

// move steps over n bytes that hold the given number of line ends, without
// changing the buffer.
func (w *window) move(n, newlines int64) {
	w.offset += n
	w.line += newlines
}

// drop removes the first n bytes of the buffer.
func (w *window) drop(n int) {
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
}

// skipLine reads on behind the window, which holds no line end, until the line
// ends. Everything it passes goes to d and is forgotten; what it has read
// behind the line end is the new window, in buf. It returns the number of
// bytes passed, line end included, and whether there was a line end.
func (w *window) skipLine(d *digest, buf []byte) (n int64, found bool) {
	w.buf = buf[:0]
	for w.err == nil {
		var got int
		got, w.err = w.r.Read(buf[:cap(buf)])
		if i := bytes.IndexByte(buf[:got], '\n'); i >= 0 {
			d.write(buf[:i+1])
			w.buf = buf[:copy(buf[:cap(buf)], buf[i+1:got])]
			return n + int64(i) + 1, true
		}
		d.write(buf[:got])
		n += int64(got)
	}
	return n, false
}

// firstLine returns data up to its first line end, without the line end and
// without a carriage return in front of it.
func firstLine(data []byte) []byte {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		data = data[:i]
	}
	return bytes.TrimSuffix(data, []byte{'\r'})
}
