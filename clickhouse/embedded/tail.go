//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
)

// How much of the engine's own words goes into an error.
const (
	tailBytes = 16 << 10
	tailLines = 12
)

// logFile is a log of the engine, as it was when a process was started.
type logFile struct {
	path string
	size int64
}

func openLog(path string) logFile {
	l := logFile{path: path}
	if info, err := os.Stat(path); err == nil {
		l.size = info.Size()
	}
	return l
}

// lines returns the last lines that were written since, nil when the file cannot be read.
func (l logFile) lines() []string {
	f, err := os.Open(l.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	from := l.size
	if info.Size() < from { // a new file, after a rotation
		from = 0
	}
	from = max(from, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return nil
	}
	return lastLines(text)
}

// noise is what says nothing in the engine's messages: stack frames, and the end of a message with a stack.
var noise = regexp.MustCompile(
	`(^|: )\d+\. \S+ @ 0x[0-9a-f]+$|^(.*: )?\(version [0-9.]+\)$|(^|: )#+$|Stack trace: 0x|<Fatal> \w+:$|^Logging \w+ to /|^$`)

// lastLines returns the last lines of text that say something.
func lastLines(text []byte) []string {
	var lines []string
	for line := range bytes.Lines(text) {
		s := strings.TrimSpace(string(line))
		if !noise.MatchString(s) {
			lines = append(lines, strings.TrimSuffix(s, ", Stack trace (when copying this message, always include the lines below):"))
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}
