package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// flushBytes is the size from which the lines gathered so far are written out.
const flushBytes = 64 << 10

// A generator makes the rows of one schema in order.
type generator interface {
	// next appends the next row to dst as one JSON object without a line end.
	next(dst []byte) []byte
}

// generators holds a constructor for each schema that has sample rows.
var generators = map[string]func(seed uint64) generator{
	"message":      newMessages,
	"conversation": newConversations,
	"tool_call":    newToolCalls,
	"eval_run":     newRuns,
	"eval_result":  newResults,
	"eval_bfcl":    newBFCL,
}

// Schemas returns the names of the schemas that [Write] knows, sorted.
func Schemas() []string {
	names := make([]string, 0, len(generators))
	for name := range generators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Write writes rows of the named built-in schema to w, one JSON object a line, and returns the number of bytes written.
//
// It writes in blocks of some 64 KiB and holds no more than that, whatever the number of rows. It stops between two
// blocks with the error of ctx when ctx is done; what was written then ends with a whole line. An error of w is returned
// wrapped. The times of the rows lie in the 28 days before 2026-11-01 UTC.
func Write(ctx context.Context, w io.Writer, schema string, rows int, seed uint64) (int64, error) {
	newGenerator, ok := generators[schema]
	if !ok {
		return 0, fmt.Errorf("no sample rows for schema %q: known schemas are %s", schema, strings.Join(Schemas(), ", "))
	}
	if rows < 0 {
		return 0, errors.New("the number of sample rows is negative")
	}
	var (
		written int64
		g       = newGenerator(seed)
		buf     = make([]byte, 0, 2*flushBytes)
	)
	for row := range rows {
		buf = append(g.next(buf), '\n')
		if len(buf) < flushBytes && row < rows-1 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return written, fmt.Errorf("write sample rows: %w", err)
		}
		n, err := w.Write(buf)
		written += int64(n)
		if err != nil {
			return written, fmt.Errorf("write sample rows: %w", err)
		}
		buf = buf[:0]
	}
	return written, nil
}
