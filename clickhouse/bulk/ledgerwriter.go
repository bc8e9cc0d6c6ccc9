package bulk

import (
	"context"
	"errors"
	"time"
)

// ledgerLinger is how long an entry that nobody waits for may wait for others,
// so that they go in one insert.
const ledgerLinger = 100 * time.Millisecond

// ledgerWriter writes entries in the order they are added, several at a time,
// with one insert under way. It runs in one goroutine; add may be called from
// any.
type ledgerWriter struct {
	write func(context.Context, []ledgerEntry) error
	in    chan ledgerRequest
	// ended is closed when run has returned; err is valid then.
	ended chan struct{}
	err   error
}

type ledgerRequest struct {
	entries []ledgerEntry // that are written in the same insert
	// written is closed when the entry has been written. Nil when nobody waits.
	written chan struct{}
}

func newLedgerWriter(write func(context.Context, []ledgerEntry) error) *ledgerWriter {
	return &ledgerWriter{write: write, in: make(chan ledgerRequest, 16), ended: make(chan struct{})}
}

// add hands over an entry. It fails when the writer has, with a *ledgerError as
// wait does.
func (w *ledgerWriter) add(e ledgerEntry, written chan struct{}) error {
	return w.addAll([]ledgerEntry{e}, written)
}

// addAll hands over entries, of which the ledger gets all or none.
func (w *ledgerWriter) addAll(entries []ledgerEntry, written chan struct{}) error {
	select {
	case w.in <- ledgerRequest{entries: entries, written: written}:
		return nil
	case <-w.ended:
		return w.failure()
	}
}

// wait returns when the entry with the given channel has been written, or when
// it never will be.
func (w *ledgerWriter) wait(written chan struct{}) error {
	select {
	case <-written:
		return nil
	case <-w.ended:
	}
	select { // written last
	case <-written:
		return nil
	default:
		return w.failure()
	}
}

func (w *ledgerWriter) failure() error {
	if w.err != nil {
		return w.err
	}
	return &ledgerError{errors.New("closed")}
}

// close lets run write what it has and return. Nothing may be added after.
func (w *ledgerWriter) close() { close(w.in) }

// run writes until close or until a write fails.
func (w *ledgerWriter) run(ctx context.Context) error {
	defer close(w.ended)
	for {
		batch, open := w.gather()
		if len(batch) > 0 {
			if err := w.flush(ctx, batch); err != nil {
				w.err = &ledgerError{err}
				return w.err
			}
		}
		if !open {
			return nil
		}
	}
}

// gather waits for entries and returns those to be written together: at once
// when somebody waits for one of them.
func (w *ledgerWriter) gather() (batch []ledgerRequest, open bool) {
	first, open := <-w.in
	if !open {
		return nil, false
	}
	batch = append(batch, first)
	linger := time.NewTimer(ledgerLinger)
	defer linger.Stop()
	for urgent := first.written != nil; len(batch) < cap(w.in)*4; {
		if urgent {
			select {
			case r, open := <-w.in:
				if !open {
					return batch, false
				}
				batch = append(batch, r)
				continue
			default:
				return batch, true
			}
		}
		select {
		case r, open := <-w.in:
			if !open {
				return batch, false
			}
			batch = append(batch, r)
			urgent = r.written != nil
		case <-linger.C:
			return batch, true
		}
	}
	return batch, true
}

func (w *ledgerWriter) flush(ctx context.Context, batch []ledgerRequest) error {
	var entries []ledgerEntry
	for i := range batch {
		entries = append(entries, batch[i].entries...)
	}
	if err := w.write(ctx, entries); err != nil {
		return err
	}
	for i := range batch {
		if batch[i].written != nil {
			close(batch[i].written)
		}
	}
	return nil
}
