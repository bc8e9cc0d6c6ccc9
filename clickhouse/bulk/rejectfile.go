package bulk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// errNotRejects means that a file is there that is not a rejects file.
var errNotRejects = errors.New("the file exists and is no file of rejects, so it is not overwritten: choose another name or remove it")

// knownCuts are the cut lines that a rejects file had when the load began.
type knownCuts struct {
	// places are those of files.
	places map[cutPlace]bool
	// sums are those of which nobody knows the file: of standard input.
	sums map[cutSum]bool
}

// cutPlace is where a cut line begins.
type cutPlace struct {
	path   string
	offset int64
}

// cutSum is the hash of an entry for a cut line, without its end.
type cutSum = [sha256.Size]byte

// tidyRejects removes from the rejects file what is written anew: the entries
// of dry runs, and for a load those of chunks that were begun and are not done.
// begun tells of these; nil means that this is a dry run, which leaves the
// entries of loads alone. A last line that was cut off in the middle of writing
// goes too. The file is replaced as a whole or not at all.
func tidyRejects(path string, begun func() (map[string]bool, error)) (knownCuts, error) {
	known := knownCuts{places: make(map[cutPlace]bool), sums: make(map[cutSum]bool)}
	tokens, last, checks := make(map[string]bool), "", false
	complete, err := eachReject(path, func(k *rejectKeys, _ []byte) error {
		switch {
		case k.check:
			checks = true
		case k.path != "":
			known.places[cutPlace{k.path, k.offset}] = true
		case len(k.chunk) == 0:
			known.sums[sha256.Sum256(k.body)] = true
		case string(k.chunk) != last:
			last = string(k.chunk)
			tokens[last] = true
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
	if len(tokens) > 0 && begun != nil {
		all, err := begun()
		if err != nil {
			return known, err
		}
		for t := range all {
			if tokens[t] {
				open[t] = true
			}
		}
	}
	if complete && !checks && len(open) == 0 {
		return known, nil
	}
	return known, rewriteRejects(path, func(k *rejectKeys) bool { return k.check || open[string(k.chunk)] }, nil)
}

// rewriteRejects replaces the rejects file by one without the entries to drop,
// and with what more writes behind them.
func rewriteRejects(path string, drop func(*rejectKeys) bool, more func(*bufio.Writer) error) error {
	return replaceFile(path, func(w *bufio.Writer) error {
		_, err := eachReject(path, func(k *rejectKeys, line []byte) error {
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

// rejectKeys is what a load has to know of an entry in the rejects file. It is
// valid as long as the line that it was read from.
type rejectKeys struct {
	offset int64
	chunk  []byte // token; empty for cut lines and dry runs
	path   string // of the input of a cut line, if it is known
	check  bool
	body   []byte // the line without its end
}

// eachReject calls f for each complete line of a rejects file, with its line
// end. The line is valid until f returns. It returns whether the last line was
// complete.
func eachReject(path string, f func(k *rejectKeys, line []byte) error) (complete bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	var long []byte
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = r.ReadSlice('\n')
				long = append(long, line...)
			}
			line = long
		}
		if err != nil {
			if !isEOF(err) {
				return false, err
			}
			if n == 1 && len(line) > 0 && !bytes.HasPrefix(line, []byte(rejectPrefix)) {
				return false, errNotRejects
			}
			return len(line) == 0, nil
		}
		k, ok := readKeys(line)
		if !ok {
			return false, fmt.Errorf("line %d: %w", n, errNotRejects)
		}
		if err := f(&k, line); err != nil {
			return false, err
		}
	}
}

// readKeys reads an entry. It looks at its beginning and its end only, if it is
// as it was written here.
func readKeys(line []byte) (rejectKeys, bool) {
	if k, ok := readWritten(line); ok {
		return k, true
	}
	var e rejectEntry
	if err := json.Unmarshal(line, &e); err != nil || e.File == "" || e.Line == 0 || e.Error == "" || e.Reason == "" {
		return rejectKeys{}, false
	}
	return rejectKeys{offset: e.Offset, chunk: []byte(e.Chunk), path: e.Path, check: e.Check, body: line}, true
}

// readWritten reads an entry with the keys as they are written.
func readWritten(line []byte) (k rejectKeys, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(rejectPrefix+`"`))
	if !ok {
		return k, false
	}
	end := endOfText(rest)
	if end < 1 {
		return k, false
	}
	number, rest, ok := cutNumber(rest[end+1:], lineKey)
	if !ok || number < 1 {
		return k, false
	}
	k.offset, rest, ok = cutNumber(rest, offsetKey)
	if !ok || !bytes.HasPrefix(rest, []byte(schemaKey+`"`)) || !k.readEnd(line) {
		return k, false
	}
	return k, endsWithReason(k.body)
}

// readEnd reads what follows the reason. A quote behind a comma is none of a
// text, where it would have a backslash before it.
func (k *rejectKeys) readEnd(line []byte) bool {
	const tokenChars = 2 * len(token{})
	if rest, ok := bytes.CutSuffix(line, []byte(checkEnd)); ok {
		k.check, k.body = true, rest
		return true
	}
	rest, ok := bytes.CutSuffix(line, []byte(closeText))
	if !ok {
		return false
	}
	if n := len(rest) - tokenChars; n > 0 {
		if k.body, ok = bytes.CutSuffix(rest[:n], []byte(chunkKey)); ok {
			k.chunk = rest[n:]
			return true
		}
	}
	k.body = line[:len(line)-len(closeBare)]
	if endsWithReason(k.body) {
		return true
	}
	at := bytes.LastIndex(rest, []byte(pathKey))
	if at < 0 {
		return false
	}
	k.body = rest[:at]
	quoted := line[at+len(pathKey)-1 : len(line)-len(closeBare)]
	return json.Unmarshal(quoted, &k.path) == nil && k.path != ""
}

// endsWithReason reports whether an entry without its end ends with a reason,
// as all do.
func endsWithReason(body []byte) bool {
	rest, ok := bytes.CutSuffix(body, []byte(`"`))
	if !ok {
		return false
	}
	return bytes.HasSuffix(rest[:bytes.LastIndexByte(rest, '"')+1], []byte(`,"reason":"`))
}

// endOfText returns where the quote is that ends a JSON text, or -1.
func endOfText(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// cutNumber reads a key and its number.
func cutNumber(b []byte, key string) (n int64, rest []byte, ok bool) {
	b, ok = bytes.CutPrefix(b, []byte(key))
	if !ok {
		return 0, nil, false
	}
	end := 0
	for end < len(b) && '0' <= b[end] && b[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 64)
	return n, b[end:], err == nil
}
