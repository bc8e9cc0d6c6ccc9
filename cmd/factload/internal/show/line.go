package show

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// LogEvery is the time between two log lines about progress where there is no terminal.
const LogEvery = 10 * time.Second

// usualWidth is the width of a terminal that does not tell its own.
const usualWidth = 80

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	switch w := w.(type) {
	case *Line:
		return w.terminal
	case Writer:
		return IsTerminal(w.To)
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns how many characters a line of the terminal has.
func Width(w any) int {
	if safe, ok := w.(Writer); ok {
		w = safe.To
	}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return usualWidth
}

// Line is a stream with a status line below what is written to it: the status line is
// taken away before each write, and drawn again after it. Where the stream is no terminal,
// there is no status line. A Line may be used by several goroutines.
type Line struct {
	w        io.Writer
	terminal bool
	width    func() int

	mu     sync.Mutex
	status string // as it is on the terminal
}

// NewLine returns a Line that writes to w.
func NewLine(w io.Writer) *Line {
	return &Line{w: w, terminal: IsTerminal(w) && os.Getenv("TERM") != "dumb", width: func() int { return Width(w) }}
}

// Still makes the stream one without a status line.
func (l *Line) Still() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw("")
	l.terminal = false
}

// Width returns how long a status line may be: some terminals wrap a full line.
func (l *Line) Width() int { return l.width() - 1 }

// Write writes p above the status line.
func (l *Line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	status := l.status
	l.draw("")
	n, err := l.w.Write(p)
	if strings.HasSuffix(string(p), "\n") {
		l.draw(status)
	}
	return n, err
}

// Set changes the status line. The empty text takes it away.
func (l *Line) Set(status string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.terminal {
		l.draw(status)
	}
}

// draw writes over the status line that is there. On a terminal that has become narrower
// it takes several rows by now.
func (l *Line) draw(status string) {
	if l.status == "" && status == "" {
		return
	}
	up := ""
	if rows := (utf8.RuneCountInString(l.status) - 1) / max(l.width(), 1); rows > 0 {
		up = fmt.Sprintf("\x1b[%dA", rows)
	}
	fmt.Fprint(l.w, "\r", up, "\x1b[J", status)
	l.status = status
}
