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
	// Rows are given up in two cases, and both are reported to
	// Config.OnFailure and counted: the server refuses them, or the context of
	// Close ends before they are stored. A process that dies loses what it had
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

// report tells of buffered calls that have failed. It is called before they are
// answered, so that who waits in Flush finds them reported, and without the
// lock.
func (w *tableWriter) report(calls []*call) {
	for _, c := range calls {
		if c.err == nil || c.awaited {
			continue
		}
		w.observer.gaveUp(w.ctx, c.to-c.from, c.err)
		w.log.ErrorContext(w.ctx, "buffered rows are given up", "table", w.table, "rows", c.to-c.from, "error", c.err)
		if w.onFailure != nil {
			w.onFailure(Failure{Table: w.table, IDs: c.ids, Err: c.err})
		}
	}
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
		case <-b.answered:
			problems = append(problems, b.err())
		case <-ctx.Done():
			return fmt.Errorf("flush: %w", chconn.EndOf(ctx, context.Cause(ctx)))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
