package rejects

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-faster/jx"
)

// errNotRejects means that a file is there that is not a rejects file.
var errNotRejects = errors.New("the file exists and is no file of rejects, so it is not overwritten: choose another name or remove it")

// Known is what a rejects file had when the load began. The zero value is nothing.
type Known struct {
	// chunks are the tokens of the chunks that have entries.
	chunks map[string]bool
	// places are the cut lines of files.
	places map[place]bool
	// sums are the hashes of the entries for cut lines of which nobody knows the file: of
	// standard input.
	sums map[sum]bool
}

// place is where a cut line begins.
type place struct {
	path   string
	offset int64
}

type sum = [sha256.Size]byte

// Tidy removes from the rejects file what is written anew: the entries of dry runs,
// and for a load those of chunks that were begun and are not done. begun tells of
// these, by token; nil means that this is a dry run, which leaves the entries of loads
// alone. A last line that was cut off in the middle of writing goes too. The file is
// replaced as a whole or not at all. Without a file there is nothing to do.
func Tidy(path string, begun func() (map[string]bool, error)) (Known, error) {
	known := Known{chunks: make(map[string]bool), places: make(map[place]bool), sums: make(map[sum]bool)}
	checks := false
	complete, err := each(path, func(k *keys, line []byte) error {
		switch {
		case k.check:
			checks = true
		case k.path != "":
			known.places[place{k.path, k.offset}] = true
		case k.chunk == "":
			known.sums[sha256.Sum256(line)] = true
		default:
			known.chunks[k.chunk] = true
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return known, err
	}
	open := make(map[string]bool)
	if len(known.chunks) > 0 && begun != nil {
		all, err := begun()
		if err != nil {
			return known, err
		}
		for t := range all {
			if known.chunks[t] {
				open[t] = true
				delete(known.chunks, t)
			}
		}
	}
	if complete && !checks && len(open) == 0 {
		return known, nil
	}
	return known, rewrite(path, func(k *keys) bool { return k.check || open[k.chunk] }, nil)
}

// rewrite replaces the rejects file by one without the entries to drop, and with what
// more writes behind them.
func rewrite(path string, drop func(*keys) bool, more func(*bufio.Writer) error) error {
	return replaceFile(path, func(w *bufio.Writer) error {
		_, err := each(path, func(k *keys, line []byte) error {
			if drop(k) {
				return nil
			}
			_, err := w.Write(line)
			return err
		})
		if err != nil || more == nil {
			return err
		}
		return more(w)
	})
}

// each calls f for each complete line of a rejects file, with its line end. The line
// is valid until f returns. It returns whether the last line was complete.
func each(path string, f func(k *keys, line []byte) error) (complete bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	var dec jx.Decoder
	var long []byte
	r := bufio.NewReaderSize(file, 256<<10)
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); {
			long = append(long, line...)
			line, err = r.ReadSlice('\n')
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return false, err
			}
			if n == 1 && len(line) > 0 && !bytes.HasPrefix(line, []byte(`{"file":`)) {
				return false, errNotRejects
			}
			return len(line) == 0, nil
		}
		k, ok := readKeys(&dec, line)
		if !ok {
			return false, fmt.Errorf("line %d: %w", n, errNotRejects)
		}
		if err := f(&k, line); err != nil {
			return false, err
		}
	}
}
