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
// [Config.Inputs] has them, one input after the other. Packed ones are unpacked.
// Empty lines are left out. A line of more than maxBytes is an error, as is
// anything that keeps an input from being read; an error comes last.
func Lines(ctx context.Context, inputs []string, stdin io.Reader, maxBytes int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		files, err := expandInputs(inputs, "")
		if err != nil {
			yield(Line{}, err)
			return
		}
		for _, in := range files {
			more, err := linesOf(ctx, in, stdin, maxBytes, yield)
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
	source, err := openSource(in, stdin, &read)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, maxBytes)
	number := int64(0)
	for lines.Scan() {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		number++
		text := lines.Bytes()
		if number == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if !yield(Line{File: in.name, Number: number, Text: text}, nil) {
			return false, nil
		}
	}
	err = lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("line %d is longer than %d bytes", number+1, maxBytes)
	}
	return err == nil, err
}
