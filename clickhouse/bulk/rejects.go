package bulk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unicode/utf8"
)

// rejectEntry is a line of the rejects file.
type rejectEntry struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	Schema string `json:"schema"`
	Field  string `json:"field"`
	Error  string `json:"error"`
	// Raw is the line as it was. If it is not valid UTF-8 it is empty, and
	// RawBase64 holds the bytes.
	Raw       string `json:"raw"`
	RawBase64 []byte `json:"raw_base64,omitempty"`
	// RawCut says that only the beginning of the line is here.
	RawCut bool   `json:"raw_cut,omitempty"`
	Reason string `json:"reason"`
	// Chunk is the token of the row's chunk. It is empty for a line that was
	// cut off at the end of the input.
	Chunk string `json:"chunk,omitempty"`
}

// rejectWriter appends to the rejects file, which it creates with the first
// reject. It belongs to one goroutine.
type rejectWriter struct {
	path string
	file *os.File
	buf  *bufio.Writer
	enc  *json.Encoder
	// cut are the cut lines. They come last in the file, since they come and
	// go from load to load while all others stay where they are.
	cut []*rejectEntry
}

// add appends the rejects of a chunk. They are on the disk when it returns,
// but for cut lines, which are written by close.
func (w *rejectWriter) add(r *result) error {
	entries := make([]*rejectEntry, len(r.rejects))
	for i := range r.rejects {
		entries[i] = entryOf(r, &r.rejects[i])
	}
	if r.chunk.kind == cutLine {
		w.cut = append(w.cut, entries...)
		return nil
	}
	return w.write(entries)
}

func (w *rejectWriter) write(entries []*rejectEntry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := w.open(); err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.enc.Encode(e); err != nil {
			return err
		}
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
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.file, w.buf = f, bufio.NewWriter(f)
	w.enc = json.NewEncoder(w.buf)
	w.enc.SetEscapeHTML(false)
	return nil
}

// close writes the cut lines and closes the file.
func (w *rejectWriter) close() error {
	err := w.write(w.cut)
	if w.file == nil {
		return err
	}
	return errors.Join(err, w.file.Close())
}

func entryOf(r *result, x *reject) *rejectEntry {
	e := r.rowError(x)
	entry := &rejectEntry{
		File: e.File, Line: e.Line, Offset: e.Offset, Schema: e.Schema, Field: e.Field,
		Error: e.Err.Error(), RawCut: x.cut, Reason: reasonOf(e.Err),
	}
	if r.chunk.kind != cutLine {
		entry.Chunk = r.chunk.token.String()
	}
	raw := x.raw
	if x.cut {
		raw = wholeRunes(raw)
	}
	if utf8.Valid(raw) {
		entry.Raw = string(raw)
	} else {
		entry.RawBase64 = raw
	}
	return entry
}

// wholeRunes drops up to three bytes from the end of b when they are the
// beginning of a character.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// rejectPrefix is how each line of a rejects file begins.
const rejectPrefix = `{"file":`

// errNotRejects means that a file is there that is not a rejects file.
var errNotRejects = errors.New("the file exists and is no file of rejects, so it is not overwritten: choose another name or remove it")

// keepRejects removes the entries of the inputs' chunks that are not done, so
// that they are not there twice when the chunks are loaded now. done tells
// which of some chunks are. A last line that was cut off in the middle of
// writing goes too. The file is replaced as a whole or not at all.
func keepRejects(path string, inputs map[string]bool, done func([]string) (map[string]bool, error)) error {
	tokens := make(map[string]bool)
	complete, err := eachReject(path, func(e *rejectEntry, _ []byte) error {
		if inputs[e.File] && e.Chunk != "" {
			tokens[e.Chunk] = true
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	list := make([]string, 0, len(tokens))
	for t := range tokens {
		list = append(list, t)
	}
	finished, err := done(list)
	if err != nil {
		return err
	}
	drop := func(e *rejectEntry) bool { return inputs[e.File] && !finished[e.Chunk] }
	dropped := !complete
	_, err = eachReject(path, func(e *rejectEntry, _ []byte) error {
		dropped = dropped || drop(e)
		return nil
	})
	if err != nil || !dropped {
		return err
	}
	return replaceFile(path, func(w *bufio.Writer) error {
		_, err := eachReject(path, func(e *rejectEntry, line []byte) error {
			if drop(e) {
				return nil
			}
			_, err := w.Write(line)
			return err
		})
		return err
	})
}

// eachReject calls f for each complete line of a rejects file, with its line
// end. It returns whether the last line was complete.
func eachReject(path string, f func(e *rejectEntry, line []byte) error) (complete bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if !isEOF(err) {
				return false, err
			}
			if n == 1 && len(line) > 0 && !bytes.HasPrefix(line, []byte(rejectPrefix)) {
				return false, errNotRejects
			}
			return len(line) == 0, nil
		}
		var e rejectEntry
		if err := json.Unmarshal(line, &e); err != nil || e.File == "" || e.Line == 0 {
			return false, fmt.Errorf("line %d: %w", n, errNotRejects)
		}
		if err := f(&e, line); err != nil {
			return false, err
		}
	}
}

// emptyRejects removes all entries of the rejects file, if there is one.
func emptyRejects(path string) error {
	_, err := eachReject(path, func(*rejectEntry, []byte) error { return nil })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Truncate(path, 0)
}
