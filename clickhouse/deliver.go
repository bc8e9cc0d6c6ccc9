package clickhouse

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
)

// deliver stores the rows of a batch and sets the results of its calls.
func (w *tableWriter) deliver(b *batch) {
	ctx, span := w.observer.insertBegins(w.ctx, b)
	w.deliverCalls(ctx, b, b.calls, b.careful)
	endSpan(span, b.err())
}

// deliverCalls stores the rows of some calls of a batch. When the server
// refuses them for one of their rows, each half is tried by itself, so that in
// the end only the call with that row fails.
func (w *tableWriter) deliverCalls(ctx context.Context, b *batch, calls []*call, careful bool) {
	rows := b.rows
	if len(calls) < len(b.calls) {
		rows = b.pick(calls, w.pool)
		defer w.pool.give(rows, handOverRows)
	}
	var err error
	if careful {
		err = w.storeMissing(ctx, b.since, rows, calls)
	} else {
		err = w.store(ctx, b.since, rows, tokenOf(calls), false)
	}
	if err != nil && len(calls) > 1 && refusesRows(err) {
		// Of rows that break a constraint none is stored, unless the answer to
		// an earlier try was lost. Whether there are some, only their IDs tell.
		careful = careful || !violatesConstraint(err) || errors.Is(err, chconn.ErrAmbiguous)
		if !careful || w.factIDs {
			half := len(calls) / 2
			w.deliverCalls(ctx, b, calls[:half], careful)
			w.deliverCalls(ctx, b, calls[half:], careful)
			return
		}
	}
	for _, c := range calls {
		c.err = err
	}
}

// store inserts rows and repeats that as long as it may help. Again says that
// the same rows may have been sent with the same token before.
func (w *tableWriter) store(ctx context.Context, since time.Time, rows *block.Block, token string, again bool) error {
	err := w.Repeat(ctx, since, func(ctx context.Context) error {
		begin := time.Now()
		err := w.sink.insert(ctx, rows, token, again)
		again = true
		w.observer.inserted(ctx, rows, time.Since(begin), err)
		return err
	})
	if err != nil {
		w.log.WarnContext(ctx, "insert failed", "table", w.table, "rows", rows.Rows(), "error", err)
	}
	return err
}

// storeMissing inserts the rows whose fact IDs the table does not have. It
// looks once no older insert is running, and the writer's own inserts come one
// after the other, so what it sees does not change behind its back.
func (w *tableWriter) storeMissing(ctx context.Context, since time.Time, rows *block.Block, calls []*call) error {
	ids := factIDs(rows)
	var have map[string]bool
	err := w.Repeat(ctx, since, func(ctx context.Context) (err error) {
		if err = w.sink.settle(ctx); err == nil {
			have, err = w.sink.stored(ctx, ids)
		}
		return err
	})
	if err != nil {
		return err
	}
	missing := w.pool.take(handOverRows)
	defer w.pool.give(missing, handOverRows)
	var maker tokenMaker
	row := 0
	for _, c := range calls {
		c.stored = 0
		for range c.to - c.from {
			if id := ids[row]; !have[id] {
				have[id] = true // the same ID once more is a repetition
				maker.add([]byte(id))
				mustAppend(missing, rows, row, row+1)
				c.stored++
			}
			row++
		}
	}
	if missing.Rows() == 0 {
		return nil
	}
	return w.store(ctx, since, missing, maker.token(w.table, missing), true)
}

// factIDs returns the fact IDs of the rows.
func factIDs(rows *block.Block) []string {
	ids := make([]string, rows.Rows())
	var id []byte
	for i := range ids {
		id = rows.AppendFactID(id[:0], i)
		ids[i] = string(id)
	}
	return ids
}

// tokenOf returns the token for the rows of the calls. That of a single call is
// its own, so that the same call, made again by whomever, has the same.
func tokenOf(calls []*call) string {
	if len(calls) == 1 {
		return calls[0].token
	}
	var h textHash
	h.begin(tokenVersion + " group")
	for _, c := range calls {
		h.add([]byte(c.token))
	}
	return h.token()
}

// refused reports whether an error says that no row was stored.
func refused(err error) bool {
	var e *chconn.Error
	if errors.As(err, &e) && e.Partial {
		return false
	}
	return slices.ContainsFunc([]error{chconn.ErrRejected, chconn.ErrSchema}, func(class error) bool { return errors.Is(err, class) })
}
