package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrLineTooLong means that a line has more bytes than it may have.
var ErrLineTooLong = errors.New("line is too long")

// TooLong returns the error of kind ErrLineTooLong for a line of n bytes.
func TooLong(n int64, limit int) error {
	return fmt.Errorf("%w: it has %d bytes, and the limit is %d", ErrLineTooLong, n, limit)
}

// BOM is the byte order mark, which some programs put in front of UTF-8.
var BOM = []byte("\xEF\xBB\xBF")

// lineBuffer is how much is read at a time.
const lineBuffer = 64 << 10

// LineReader cuts an input into lines. It belongs to one goroutine.
type LineReader struct {
	r    *bufio.Reader
	most int    // bytes of a line
	long []byte // a line that does not fit into the reader's buffer
	last int64  // bytes of the last line, its end included
}

// NewLineReader returns the reader of the lines of r, of which none may have more
// than most bytes.
func NewLineReader(r io.Reader, most int) *LineReader {
	return &LineReader{r: bufio.NewReaderSize(r, lineBuffer), most: most}
}

// CheckText refuses an input that is no text by what comes first.
func (l *LineReader) CheckText() error {
	if _, err := l.r.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	}
	head, err := l.r.Peek(l.r.Buffered())
	if err != nil {
		return err
	}
	return CheckText(head)
}

// Next returns the next line without its end; it is valid until the one after.
// At the end of the input the error is io.EOF. Of a line that is too long no
// more is kept than the limit; the error is of kind ErrLineTooLong then, and the
// next call returns the line behind it.
func (l *LineReader) Next() ([]byte, error) {
	l.long, l.last = l.long[:0], 0
	length := int64(0)
	for {
		part, err := l.r.ReadSlice('\n')
		l.last += int64(len(part))
		ended := err == nil
		if ended {
			part = part[:len(part)-1]
		}
		length += int64(len(part))
		if ended && length == int64(len(part)) {
			return l.whole(part, length)
		}
		if room := l.most + len("\r") - len(l.long); room > 0 {
			l.long = append(l.long, part[:min(len(part), room)]...)
		}
		switch {
		case ended, errors.Is(err, io.EOF) && length > 0:
			return l.whole(l.long, length)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// Passed returns how many bytes the last line has in the input, its end included.
func (l *LineReader) Passed() int64 { return l.last }

// whole returns a line without a carriage return at its end, if it is not too
// long. Length counts also what has not been kept of it.
func (l *LineReader) whole(line []byte, length int64) ([]byte, error) {
	if int64(len(line)) == length {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		length = int64(len(line))
	}
	if length > int64(l.most) {
		return nil, TooLong(length, l.most)
	}
	return line, nil
}
