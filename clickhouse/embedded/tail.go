//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
)

// How much of the engine's own words goes into an error.
const (
	tailBytes = 8 << 10
	tailLines = 12
)

// tail keeps the last bytes written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailBytes; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

// lines returns the last lines.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLines(t.buf)
}

// fileTail returns the last lines of a file, nil when it cannot be read.
func fileTail(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return nil
	}
	return lastLines(text)
}

// lastLines returns the last lines of text that say something: stack frames without names are left out.
func lastLines(text []byte) []string {
	var lines []string
	for line := range bytes.Lines(text) {
		s := strings.TrimSpace(string(line))
		if s != "" && !strings.Contains(s, ". ? @ 0x") {
			lines = append(lines, s)
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}
