package query

import (
	"bytes"
	"errors"
	"io"
)

// terminalLines is how many lines of an answer a terminal gets. Tables have 1,000 rows at most, by the server.
const terminalLines = 2000

// errEnough ends an answer of which a terminal has seen enough.
var errEnough = errors.New("enough lines")

// firstLines passes the first lines on, as many as are left, and fails with errEnough when there is more.
type firstLines struct {
	w    io.Writer
	left int
}

func (f *firstLines) Write(p []byte) (int, error) {
	end := 0
	for f.left > 0 && end < len(p) {
		line := bytes.IndexByte(p[end:], '\n')
		if line < 0 {
			end = len(p)
			break
		}
		end += line + 1
		f.left--
	}
	n, err := f.w.Write(p[:end])
	if err == nil && n < len(p) {
		err = errEnough
	}
	return n, err
}
