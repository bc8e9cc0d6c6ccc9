package bulk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/factload/factload/clickhouse/block"
)

// rejectMemory is how much memory the rejects of all chunks take that wait to
// be committed. What goes beyond waits on the disk.
const rejectMemory = 4 << 20

// leastRejectMemory is what each chunk may hold in any case.
const leastRejectMemory = 4 << 10

// rejectSpool makes places for the rejects of chunks. It is safe for
// concurrent use.
type rejectSpool struct {
	path string // of the rejects file
	keep int    // bytes that one rejectLines holds in memory
}

// newRejectSpool returns the spool of a load with the given number of workers.
// Each chunk under way has two places, for what the decoder and for what the
// server refuses.
func newRejectSpool(path string, workers int) *rejectSpool {
	return &rejectSpool{path: path, keep: max(leastRejectMemory, rejectMemory/(2*slotsPerWorker*workers))}
}

// reject counts a rejected row of res and makes its line in *to. A nil spool
// makes no lines.
func (s *rejectSpool) reject(res *result, x reject, to **rejectLines) {
	reason := reasonOf(x.err)
	res.reject(x, reason)
	if s == nil {
		return
	}
	if *to == nil {
		*to = &rejectLines{spool: s}
	}
	e := rejectEntry{
		File: res.chunk.file.name, Line: x.line, Offset: x.offset, Schema: x.schema,
		Error: x.err.Error(), RawCut: x.cut, Reason: reason,
	}
	if fault, ok := x.err.(*block.FieldError); ok { //nolint:errorlint // as in rowError
		e.Field = fault.Field
	}
	raw := x.raw
	if x.cut {
		raw = wholeRunes(raw)
	}
	(*to).add(&e, raw)
}

// rejectLines are finished lines of the rejects file that wait for their chunk
// to be committed, but for their ends, which tell the chunk. A few are in
// memory; the others are in a temporary file beside the rejects file. That file
// has no name once it is open, so that nothing of it is left when the load
// ends in whatever way.
//
// A line is kept as 8 bytes with its offset in the input, the line, and \n.
// The worker fills it and gives it to the committer, who closes it.
type rejectLines struct {
	spool *rejectSpool
	buf   []byte
	file  *os.File
	err   error // of writing the file
}

// add appends the line of a reject. Errors are told by reader.
func (l *rejectLines) add(e *rejectEntry, raw []byte) {
	l.buf = binary.LittleEndian.AppendUint64(l.buf, uint64(e.Offset)) //nolint:gosec // not negative
	l.buf = e.appendBegin(l.buf)
	l.addRaw(raw)
	l.buf = append(e.appendEnd(l.buf), '\n')
	l.bound()
}

// addLine appends a line that is finished already.
func (l *rejectLines) addLine(offset int64, line []byte) error {
	l.buf = binary.LittleEndian.AppendUint64(l.buf, uint64(offset)) //nolint:gosec // not negative
	l.buf = append(append(l.buf, line...), '\n')
	l.bound()
	return l.err
}

// addRaw appends the line itself, piece by piece, since it may be long.
func (l *rejectLines) addRaw(raw []byte) {
	const piece = 3 << 10 // a multiple of what base64 takes at once
	appendPiece, size := rawAppender(raw)
	for len(raw) > piece {
		n := size(raw, piece)
		l.buf = appendPiece(l.buf, raw[:n])
		raw = raw[n:]
		l.bound()
	}
	l.buf = append(appendPiece(l.buf, raw), '"')
}

// bound moves what is in memory to the disk when it is too much.
func (l *rejectLines) bound() {
	if len(l.buf) <= l.spool.keep {
		return
	}
	if l.file == nil && l.err == nil {
		l.file, l.err = namelessFile(l.spool.path)
	}
	if l.err == nil {
		_, l.err = l.file.Write(l.buf)
	}
	l.buf = l.buf[:0]
}

// namelessFile opens a temporary file in the directory of path. Where an open
// file cannot lose its name, it has a hidden one until it is closed.
func namelessFile(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err == nil {
		_ = os.Remove(f.Name())
	}
	return f, err
}

// close releases everything. A nil *rejectLines has nothing.
func (l *rejectLines) close() {
	if l == nil {
		return
	}
	l.buf = nil
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name()) // where it still has its name
		l.file = nil
	}
}

// reader returns the lines from the first one on.
func (l *rejectLines) reader() (*rejectReader, error) {
	if l == nil {
		return &rejectReader{}, nil
	}
	if l.err != nil {
		return nil, l.err
	}
	r := io.Reader(bytes.NewReader(l.buf))
	if l.file != nil {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		r = io.MultiReader(l.file, r)
	}
	out := &rejectReader{r: bufio.NewReaderSize(r, 32<<10)}
	err := out.next()
	return out, err
}

// rejectReader reads rejectLines.
type rejectReader struct {
	r      *bufio.Reader // nil at the end
	offset uint64        // of the line that is next
}

// next reads the offset of the next line.
func (r *rejectReader) next() error {
	var b [8]byte
	if _, err := io.ReadFull(r.r, b[:]); err != nil {
		r.r = nil
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		return err
	}
	r.offset = binary.LittleEndian.Uint64(b[:])
	return nil
}

// copyLine writes the line with its end to w and goes on to the next one.
func (r *rejectReader) copyLine(w *bufio.Writer, end []byte) error {
	for {
		part, err := r.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if err == nil {
			part = part[:len(part)-1]
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		if err == nil {
			break
		}
	}
	if _, err := w.Write(end); err != nil {
		return err
	}
	return r.next()
}

// mergeLines writes the lines of both, which are in the order of their offsets
// each, in that order.
func mergeLines(w *bufio.Writer, a, b *rejectLines, end []byte) error {
	x, err := a.reader()
	if err != nil {
		return err
	}
	y, err := b.reader()
	if err != nil {
		return err
	}
	for x.r != nil || y.r != nil {
		from := x
		if x.r == nil || y.r != nil && y.offset < x.offset {
			from = y
		}
		if err := from.copyLine(w, end); err != nil {
			return err
		}
	}
	return nil
}
