package bulk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
)

// Line is a line of an input.
type Line struct {
	// File is the name of the input, and - for standard input.
	File string
	// Number counts the lines of the input from 1.
	Number int64
	// Text is the line without its end. It is valid until the next one.
	Text []byte
}

// Lines reads the lines of inputs that are files, directories, patterns or -, as
// [Config.Inputs] has them, one input after the other. Packed ones are unpacked,
// and what is no text is refused, as Load does. Empty lines are left out.
//
// A line of more than maxBytes comes without its text and with an error of kind
// [ErrLineTooLong]; whoever goes on gets the lines behind it. Any other error
// comes last: it is an [*InputError], or says what keeps the inputs from being
// found.
//
// The end of ctx ends the lines, also while an input keeps them waiting, with an
// [*InputError] that wraps the cause. A Read of stdin that waits then is left
// alone, and what it reads later is lost.
func Lines(ctx context.Context, inputs []string, stdin io.Reader, maxBytes int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		files, err := expandInputs(inputs, "")
		if err != nil {
			yield(Line{}, err)
			return
		}
		for _, in := range files {
			more, err := linesOf(ctx, in, stdin, maxBytes, yield)
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(Line{}, &InputError{File: in.name, Err: bare(err)})
				return
			}
			if !more {
				return
			}
		}
	}
}

// linesOf reads the lines of one input. It returns false when nobody wants more.
func linesOf(ctx context.Context, in *inputFile, stdin io.Reader, maxBytes int, yield func(Line, error) bool) (more bool, err error) {
	var read atomic.Int64
	source, err := openSource(ctx, in, stdin, &read)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	lines := lineReader{r: bufio.NewReaderSize(source, lineBuffer), most: maxBytes}
	if err := lines.checkText(); err != nil {
		return false, err
	}
	for number := int64(1); ; number++ {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		line := Line{File: in.name, Number: number}
		if errors.Is(err, ErrLineTooLong) {
			if !yield(line, &InputError{File: in.name, Err: fmt.Errorf("line %d: %w", number, err)}) {
				return false, nil
			}
			continue
		}
		if err != nil {
			return false, err
		}
		if number == 1 {
			text = bytes.TrimPrefix(text, bom)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if line.Text = text; !yield(line, nil) {
			return false, nil
		}
	}
}

// lineBuffer is how much is read at a time.
const lineBuffer = 64 << 10

// lineReader cuts an input into lines.
type lineReader struct {
	r    *bufio.Reader
	most int    // bytes of a line
	long []byte // a line that does not fit into the reader's buffer
}

// checkText refuses an input that is no text by what comes first.
func (l *lineReader) checkText() error {
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
	return checkText(head)
}

// next returns the next line without its end; it is valid until the one after.
// At the end of the input the error is io.EOF. Of a line that is too long no
// more is kept than the limit.
func (l *lineReader) next() ([]byte, error) {
	l.long = l.long[:0]
	length := int64(0)
	for {
		part, err := l.r.ReadSlice('\n')
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

// whole returns a line without a carriage return at its end, if it is not too
// long. Length counts also what has not been kept of it.
func (l *lineReader) whole(line []byte, length int64) ([]byte, error) {
	if int64(len(line)) == length {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		length = int64(len(line))
	}
	if length > int64(l.most) {
		return nil, tooLong(length, l.most)
	}
	return line, nil
}
