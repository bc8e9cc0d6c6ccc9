package rejects

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// memory is how much memory the rejects of all chunks take that wait to be
// committed, and leastMemory what each chunk may hold in any case. What goes beyond
// waits on the disk.
const (
	memory      = 4 << 20
	leastMemory = 4 << 10
)

// Spool makes places for the rejects of chunks. It is safe for concurrent use.
type Spool struct {
	path string // of the rejects file
	keep int    // bytes that one Lines holds in memory
}

// NewSpool returns the spool of a load that has up to places Lines at once, for the
// rejects file at path.
func NewSpool(path string, places int) *Spool {
	return &Spool{path: path, keep: max(leastMemory, memory/places)}
}

// Lines are entries of the rejects file that wait for their chunk to be committed.
// A few are in memory; the others are in a temporary file beside the rejects file.
// That file has no name once it is open, so that nothing of it is left when the load
// ends in whatever way.
//
// In memory as on the disk it is a sequence of
//
//	┌────────────────────────┬─────────────────────────────┬────┐
//	│ offset, 8 bytes, little│ the entry, without its end  │ \n │
//	└────────────────────────┴─────────────────────────────┴────┘
//
// with ascending offsets of the rows in the input. Lines belong to one goroutine at a
// time: the worker fills them and gives them to the committer, who closes them.
type Lines struct {
	spool *Spool
	buf   bytes.Buffer
	file  *os.File
	err   error // of writing the file
}

// NewLines returns lines without an entry. The spool must not be nil.
func (s *Spool) NewLines() *Lines { return &Lines{spool: s} }

// Add adds an entry. Errors of the disk are told by whoever writes the lines.
func (l *Lines) Add(e *Entry) {
	enc := json.NewEncoder(&l.buf)
	enc.SetEscapeHTML(false)
	l.begin(e.Offset)
	if err := enc.Encode(e); err != nil { // ends with \n
		l.err = errors.Join(l.err, err)
	}
	l.bound()
}

// addLine adds an entry that is finished already.
func (l *Lines) addLine(offset int64, line []byte) error {
	l.begin(offset)
	l.buf.Write(line)
	l.bound()
	return l.err
}

func (l *Lines) begin(offset int64) {
	l.buf.Write(binary.LittleEndian.AppendUint64(l.buf.AvailableBuffer(), uint64(offset))) //nolint:gosec // not negative
}

// bound moves what is in memory to the disk when it is too much.
func (l *Lines) bound() {
	if l.buf.Len() <= l.spool.keep {
		return
	}
	if l.file == nil && l.err == nil {
		l.file, l.err = namelessFile(l.spool.path)
	}
	if l.err == nil {
		_, l.err = l.file.Write(l.buf.Bytes())
	}
	if l.buf.Reset(); l.buf.Cap() > 4*l.spool.keep {
		l.buf = bytes.Buffer{} // a long row
	}
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

// Close releases everything. Nil lines have nothing.
func (l *Lines) Close() {
	if l == nil {
		return
	}
	l.buf = bytes.Buffer{}
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name()) // where it still has its name
		l.file = nil
	}
}

// reader returns the entries from the first one on.
func (l *Lines) reader() (*reader, error) {
	if l == nil {
		return &reader{}, nil
	}
	if l.err != nil {
		return nil, l.err
	}
	r := io.Reader(bytes.NewReader(l.buf.Bytes()))
	if l.file != nil {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		r = io.MultiReader(l.file, r)
	}
	out := &reader{r: bufio.NewReaderSize(r, 32<<10)}
	err := out.next()
	return out, err
}

// reader reads Lines.
type reader struct {
	r      *bufio.Reader // nil at the end
	offset uint64        // of the entry that is next
	line   []byte        // the entry that is next
}

// next reads the next entry.
func (r *reader) next() error {
	var b [8]byte
	if _, err := io.ReadFull(r.r, b[:]); err != nil {
		r.r = nil
		if err == io.EOF {
			return nil
		}
		return err
	}
	r.offset = binary.LittleEndian.Uint64(b[:])
	r.line = r.line[:0]
	for {
		part, err := r.r.ReadSlice('\n')
		r.line = append(r.line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// writeLine writes an entry with its end.
func writeLine(w *bufio.Writer, line []byte, end string) error {
	_, _ = w.Write(line[:len(line)-len("}\n")]) // a bufio.Writer tells its error again
	_, _ = w.WriteString(end)
	_, err := w.WriteString("}\n")
	return err
}

// merge writes the entries of both, which are in the order of their offsets each, in
// that order and each with the end.
func merge(w *bufio.Writer, a, b *Lines, end string) error {
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
		if err := errors.Join(writeLine(w, from.line, end), from.next()); err != nil {
			return err
		}
	}
	return nil
}

// String returns the entries without their ends, for tests.
func (l *Lines) String() string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := errors.Join(merge(w, l, nil, ""), w.Flush()); err != nil {
		return err.Error()
	}
	return b.String()
}
