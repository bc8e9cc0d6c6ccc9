package bulk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// rejectWriter appends to the rejects file, which it creates with the first
// reject. It belongs to one goroutine, but for passed.
type rejectWriter struct {
	path  string
	check bool // of a dry run
	file  *os.File
	buf   *bufio.Writer

	// cut are the cut lines. They come last in the file, since they come and
	// go from load to load while all others stay where they are.
	cut      []cutReject
	cutLines *rejectLines
	known    knownCuts

	mu    sync.Mutex
	stale map[cutPlace]bool // of known, those that this load has seen anew
}

// cutReject is a cut line among rejectWriter.cutLines.
type cutReject struct {
	path string // empty for standard input and pipes
	sum  cutSum
}

func newRejectWriter(spool *rejectSpool, check bool, known knownCuts) *rejectWriter {
	if check {
		known = knownCuts{} // what loads have written is left alone
	}
	return &rejectWriter{
		path: spool.path, check: check, known: known,
		cutLines: &rejectLines{spool: spool}, stale: make(map[cutPlace]bool),
	}
}

// add appends the rejects of a chunk. They are on the disk when it returns,
// but for cut lines, which are written by close.
func (w *rejectWriter) add(r *result) error {
	if r.chunk.kind == cutLine || !r.hopeless {
		w.passed(r.chunk.file, r.chunk.offset)
	}
	if r.lines == nil && r.refused == nil {
		return nil
	}
	if r.chunk.kind == cutLine {
		return w.addCut(r)
	}
	end := chunkKey + r.chunk.token.String() + closeText
	if w.check {
		end = checkEnd
	}
	return w.append(func(to *bufio.Writer) error { return mergeLines(to, r.lines, r.refused, []byte(end)) })
}

// addCut keeps a cut line for later.
func (w *rejectWriter) addCut(r *result) error {
	var line bytes.Buffer
	to := bufio.NewWriter(&line)
	if err := errors.Join(mergeLines(to, r.lines, nil, nil), to.Flush()); err != nil {
		return err
	}
	c := cutReject{sum: sha256.Sum256(line.Bytes())}
	if !r.chunk.file.stream {
		c.path = r.chunk.file.key()
	}
	w.cut = append(w.cut, c)
	return w.cutLines.addLine(r.chunk.offset, line.Bytes())
}

// passed notes that the load has come to a line at offset, and has done with it
// what is to be done. If it was a cut line in an earlier load, its entry is out
// of date. It may be called from any goroutine.
func (w *rejectWriter) passed(in *inputFile, offset int64) {
	place := cutPlace{in.key(), offset}
	if w == nil || !w.known.places[place] {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale[place] = true
}

// append writes to the end of the file and to the disk.
func (w *rejectWriter) append(write func(*bufio.Writer) error) error {
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

func (w *rejectWriter) open() error {
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

// close writes the cut lines and closes the file.
func (w *rejectWriter) close() error {
	defer w.cutLines.close()
	var err error
	switch {
	case len(w.stale) > 0:
		err = w.renewCuts()
	case len(w.cut) > 0:
		err = w.append(w.writeCuts)
	}
	if w.file == nil {
		return err
	}
	return errors.Join(err, w.file.Close())
}

// renewCuts writes the cut lines and removes what was known of them before.
func (w *rejectWriter) renewCuts() error {
	drop := func(k *rejectKeys) bool { return k.path != "" && w.stale[cutPlace{k.path, k.offset}] }
	return rewriteRejects(w.path, drop, w.writeCuts)
}

func (w *rejectWriter) writeCuts(to *bufio.Writer) error {
	r, err := w.cutLines.reader()
	if err != nil {
		return err
	}
	nowhere := bufio.NewWriter(io.Discard)
	for i := range w.cut {
		c, line := &w.cut[i], to
		end := []byte(closeBare)
		switch {
		case w.check:
			end = []byte(checkEnd)
		case w.known.sums[c.sum]:
			line = nowhere // it is there already, and nobody knows from where
		case c.path != "":
			end = append(appendEscaped([]byte(pathKey), c.path), closeText...)
		}
		if err := r.copyLine(line, end); err != nil {
			return err
		}
	}
	return nil
}

// checkRejects finds out early that there is no place for a rejects file. The
// file itself is made with the first reject.
func checkRejects(path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err == nil && !dir.IsDir() {
		err = fmt.Errorf("%s is not a directory", filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("rejects file %s: its directory: %w", path, bare(err))
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("rejects file %s: %w", path, bare(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("rejects file %s: %w", path, errNotRegular)
	}
	return nil
}

// errNotRegular means that rejects cannot be kept there.
var errNotRegular = errors.New("it is not a regular file: what is written there could not be read again, as a load must that goes on; name a file")
