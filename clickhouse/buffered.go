package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
)

// Mode says when Materialize returns.
type Mode int

const (
	// Acknowledged means that Materialize returns when ClickHouse has stored the
	// rows. It is the default.
	Acknowledged Mode = iota
	// Buffered means that Materialize returns when the rows have been accepted
	// into memory. They are stored in the background, and what fails for the
	// moment is repeated for as long as the process lives: when the server is
	// down, memory fills up to Config.MaxPendingBytes and then callers wait.
	// Rows are given up in three cases, and all are reported to Config.OnFailure
	// and counted: the server refuses them, a materialized view of the table
	// fails, or the context of Close ends before they are stored. A process that dies loses what it had
	// accepted; the log has the facts, and a replay heals the table.
	Buffered
)

// Failure tells of buffered facts that will not be stored.
type Failure struct {
	// Table is the name of their table.
	Table string
	// IDs are the IDs of the facts. A fact without an ID has an empty one.
	IDs []string
	// Err says why. With ErrAmbiguous, the facts may be stored nevertheless.
	Err error
}

// Flush sends at once what has been accepted before and waits until it is
// stored. The error says what of that has failed, or that ctx ended first; the
// rows stay accepted then.
func (m *Materializer) Flush(ctx context.Context) error {
	ctx, done, err := m.calls.enter(ctx)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	defer done()
	var problems []error
	for _, b := range m.seal() {
		select {
		case <-b.Answered():
			problems = append(problems, b.Err())
		case <-ctx.Done():
			return fmt.Errorf("flush: %w", chconn.EndOf(ctx, context.Cause(ctx)))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
