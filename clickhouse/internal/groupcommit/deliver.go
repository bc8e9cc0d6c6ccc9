package groupcommit

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/listhash"
)

// deliver stores the rows of a batch and sets the results of its calls.
func (w *Writer) deliver(b *Batch) {
	ctx, span := w.metrics.insertBegins(w.Inserts, b)
	w.deliverCalls(ctx, b, b.calls, b.careful)
	endSpan(span, b.Err())
}

// deliverCalls stores the rows of some calls of a batch. When the server
// refuses them for one of their rows, each half is tried by itself, so that in
// the end only the call with that row fails.
func (w *Writer) deliverCalls(ctx context.Context, b *Batch, calls []*call, careful bool) {
	rows := b.rows
	if len(calls) < len(b.calls) {
		rows = b.pick(calls, &w.pool)
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
		careful = careful || !chconn.ViolatesConstraint(err) || errors.Is(err, chconn.ErrAmbiguous)
		if !careful || w.FactIDs {
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
func (w *Writer) store(ctx context.Context, since time.Time, rows *block.Block, token string, again bool) error {
	err := w.repeat.Repeat(ctx, since, func(ctx context.Context) error {
		begin := time.Now()
		err := w.Sink.Insert(ctx, rows, token, again)
		again = true
		w.metrics.inserted(ctx, rows, time.Since(begin), err)
		return err
	})
	if err != nil {
		w.Log.WarnContext(ctx, "insert failed", "table", w.Table, "rows", rows.Rows(), "error", chconn.ForLog(err))
	}
	return err
}

// storeMissing inserts the rows whose fact IDs the table does not have. It
// looks once no older insert is running, and the writer's own inserts come one
// after the other, so what it sees does not change meanwhile.
func (w *Writer) storeMissing(ctx context.Context, since time.Time, rows *block.Block, calls []*call) error {
	ids := FactIDs(rows)
	var have map[string]bool
	err := w.repeat.Repeat(ctx, since, func(ctx context.Context) (err error) {
		if err = w.Sink.Settle(ctx); err == nil {
			err = w.Sink.Adopt(ctx, rows)
		}
		if err == nil {
			have, err = w.Sink.Stored(ctx, ids)
		}
		if err == nil && len(have) > 0 {
			err = w.Sink.Complete(ctx, rows)
		}
		return err
	})
	if err != nil {
		return err
	}
	fresh := make([]int, 0, len(ids)) // numbers of the missing rows
	row := 0
	for _, c := range calls {
		c.stored = 0
		for range c.to - c.from {
			if id := ids[row]; !have[id] {
				have[id] = true // the same ID once more is a repetition
				fresh = append(fresh, row)
				c.stored++
			}
			row++
		}
	}
	switch len(fresh) {
	case 0:
		return nil
	case len(ids):
		return w.store(ctx, since, rows, tokenOf(calls), true)
	}
	missing := w.pool.take(handOverRows)
	defer w.pool.give(missing, handOverRows)
	var maker TokenMaker
	for _, row := range fresh {
		maker.Add([]byte(ids[row]))
		mustAppend(missing, rows, row, row+1)
	}
	return w.store(ctx, since, missing, maker.Token(w.Table, missing), true)
}

// FactIDs returns the fact IDs of the rows.
func FactIDs(rows *block.Block) []string {
	ids := make([]string, rows.Rows())
	var id []byte
	for i := range ids {
		id = rows.AppendFactID(id[:0], i)
		ids[i] = string(id)
	}
	return ids
}

// tokenOf returns the token for the rows of the calls. That of a single call is
// its own, so that the same call has the same token when it is repeated, also by
// another process.
func tokenOf(calls []*call) string {
	if len(calls) == 1 {
		return calls[0].token
	}
	h := listhash.New(tokenVersion + " group")
	for _, c := range calls {
		h.Add([]byte(c.token))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// refused reports whether an error says that no row was stored.
func refused(err error) bool {
	if e, ok := errors.AsType[*chconn.Error](err); ok && e.Partial {
		return false
	}
	return slices.ContainsFunc([]error{chconn.ErrRejected, chconn.ErrSchema}, func(class error) bool { return errors.Is(err, class) })
}
