package rejects

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Writer appends to the rejects file, which it creates with the first reject. It
// belongs to one goroutine, but for Passed.
type Writer struct {
	path  string
	check bool // of a dry run
	file  *os.File
	buf   *bufio.Writer

	// cut are the entries of cut lines. They come last in the file, since they come
	// and go from load to load while all others stay where they are.
	cut   *Lines
	paths []string // of the inputs of cut; empty for standard input and pipes
	known Known

	mu    sync.Mutex
	stale map[place]bool // of known, those that this load has seen anew
}

// NewWriter returns the writer of a load, or of a dry run, with what Tidy has told.
func NewWriter(spool *Spool, check bool, known Known) *Writer {
	if check {
		known = Known{} // what loads have written is left alone
	}
	return &Writer{path: spool.path, check: check, known: known, cut: spool.NewLines(), stale: make(map[place]bool)}
}

// Add appends the rejects of the chunk with the given token: those of the decoder and
// those of the server, each of which may be nil. They are on the disk when it returns.
func (w *Writer) Add(token string, decoded, refused *Lines) error {
	if decoded == nil && refused == nil {
		return nil
	}
	// They are there already when the ledger that knew of them is lost, or is that of
	// another database.
	if err := w.Forget(token); err != nil {
		return err
	}
	return w.append(func(to *bufio.Writer) error { return merge(to, decoded, refused, w.end("chunk", token)) })
}

// Forget removes the entries of a chunk that the file had when the load began.
func (w *Writer) Forget(token string) error {
	if !w.known.chunks[token] {
		return nil
	}
	delete(w.known.chunks, token)
	if w.file != nil {
		if err := w.file.Close(); err != nil {
			return err
		}
		w.file = nil
	}
	return rewrite(w.path, func(k *keys) bool { return k.chunk == token }, nil)
}

// end returns the end of an entry with the given key.
func (w *Writer) end(key, value string) string {
	switch {
	case w.check:
		return `,"check":true`
	case value == "":
		return ""
	}
	b, _ := json.Marshal(value) // a string always can be
	return `,"` + key + `":` + string(b)
}

// AddCut keeps the entry of a cut line for Close. Path is that of the input, or empty
// if it has none to come back to.
func (w *Writer) AddCut(path string, offset int64, lines *Lines) error {
	r, err := lines.reader()
	if err != nil || r.r == nil {
		return err
	}
	w.paths = append(w.paths, path)
	return w.cut.addLine(offset, r.line)
}

// Passed notes that the load has come to a line of a file at offset, and has done with
// it what is to be done. If it was a cut line in an earlier load, its entry is out of
// date. It may be called from any goroutine, and with a nil writer.
func (w *Writer) Passed(path string, offset int64) {
	at := place{path, offset}
	if w == nil || !w.known.places[at] {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale[at] = true
}

// append writes to the end of the file and to the disk.
func (w *Writer) append(write func(*bufio.Writer) error) error {
	if err := w.open(); err != nil {
		return err
	}
	if err := write(w.buf); err != nil {
		return err
	}
	if err := w.buf.Flush(); err != nil {
		return err
	}
	return w.file.Sync()
}

func (w *Writer) open() error {
	if w.file != nil {
		return nil
	}
	_, statErr := os.Stat(w.path)
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.file, w.buf = f, bufio.NewWriterSize(f, 64<<10)
	if statErr != nil {
		return syncDirectory(w.path)
	}
	return nil
}

// Close writes the cut lines and closes the file.
func (w *Writer) Close() error {
	defer w.cut.Close()
	var err error
	switch {
	case len(w.stale) > 0:
		drop := func(k *keys) bool { return k.path != "" && w.stale[place{k.path, k.offset}] }
		err = rewrite(w.path, drop, w.writeKnown)
	case len(w.paths) > 0:
		err = w.append(w.writeKnown)
	}
	if w.file == nil {
		return err
	}
	return errors.Join(err, w.file.Close())
}

func (w *Writer) writeKnown(to *bufio.Writer) error {
	r, err := w.cut.reader()
	if err != nil {
		return err
	}
	for _, path := range w.paths {
		// One that is there already, and nobody knows from where, stays.
		if path != "" || w.check || !w.known.sums[sha256.Sum256(r.line)] {
			if err := writeLine(to, r.line, w.end("path", path)); err != nil {
				return err
			}
		}
		if err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

// CheckPlace finds out early that there is no place for a rejects file. The file
// itself is made with the first reject. Errors begin with the path.
func CheckPlace(path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err == nil && !dir.IsDir() {
		err = fmt.Errorf("%s is not a directory", filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("%s: its directory: %w", path, withoutPath(err))
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	return nil
}

// withoutPath strips the operation and the path from an error of package os.
func withoutPath(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// ErrNotRegular means that rejects cannot be kept there.
var ErrNotRegular = errors.New("it is not a regular file: what is written there could not be read again, as a load must that goes on; name a file")
