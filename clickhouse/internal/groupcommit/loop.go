package groupcommit

import (
	"context"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
)

// wake makes sure that somebody looks at the queue when it is time to. The
// caller holds the lock.
func (w *Writer) wake() {
	switch {
	case !w.running:
		w.running = true
		w.Goroutines.Go(w.run)
	case w.flight == nil && w.sleepsLong():
		select {
		case w.nudge <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// sleepsLong reports whether the goroutine should not sleep as long as it
// means to. The caller holds the lock.
func (w *Writer) sleepsLong() bool {
	if len(w.queue) == 0 || w.queue[0].live() == 0 {
		return true
	}
	due := w.due(w.queue[0])
	return due.Before(w.wakeAt.Add(-w.pacer.base/8)) || !due.After(time.Now())
}

// due returns when a batch may be sent.
func (w *Writer) due(b *Batch) time.Time {
	if b.sealed {
		return time.Time{}
	}
	return w.pacer.due(b.live())
}

// run sends batches until there are none.
func (w *Writer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if w.Inserts.Err() != nil {
			w.drop(context.Cause(w.Inserts))
			return
		}
		b, wait := w.next()
		switch {
		case b != nil:
			w.send(b)
		case wait == 0:
			return
		default:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-w.nudge:
			case <-w.Inserts.Done():
			}
		}
	}
}

// next takes the oldest batch from the queue, or says how long to wait for it.
// When there is none, the goroutine's life is over and it says zero.
func (w *Writer) next() (*Batch, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 && w.queue[0].live() == 0 {
		b := w.queue[0] // all of its calls were withdrawn
		w.pool.give(b.rows, handOverRows)
		w.queue = w.queue[1:]
		close(b.answered) // for Flush
	}
	if len(w.queue) == 0 {
		w.queue, w.running = nil, false
		return nil, 0
	}
	b := w.queue[0]
	if due := w.due(b); !due.IsZero() {
		if wait := time.Until(due); wait > 0 {
			w.wakeAt = due
			return nil, wait
		}
	}
	w.queue[0] = nil
	w.queue = w.queue[1:]
	b.compact(&w.pool)
	w.flight = b
	w.pacer.start()
	return b, 0
}

// send sends a batch and gives its calls their results.
func (w *Writer) send(b *Batch) {
	w.deliver(b)
	w.report(b.calls)
	w.mu.Lock()
	w.pacer.answer(b.rows.Rows(), w.waiting())
	w.flight = nil
	for _, c := range b.calls {
		if c.err != nil && !refused(c.err) {
			w.doubt(b.rows, c.from, c.to)
		}
	}
	w.finish(b)
	w.mu.Unlock()
	w.pool.give(b.rows, handOverRows)
	w.countParts()
}

// waiting returns the number of rows in the queue. The caller holds the lock.
func (w *Writer) waiting() int {
	rows := 0
	for _, b := range w.queue {
		rows += b.live()
	}
	return rows
}

// finish answers the calls of a batch. The caller holds the lock.
func (w *Writer) finish(b *Batch) {
	bytes := 0
	for _, c := range b.calls {
		bytes += c.bytes
		w.metrics.answered(w.Inserts, c)
	}
	w.room.Release(bytes)
	close(b.answered)
}

// drop fails what has not been sent.
func (w *Writer) drop(cause error) {
	w.mu.Lock()
	dropped := w.queue
	w.queue, w.running = nil, false
	var calls []*call
	for _, b := range dropped {
		for _, c := range b.calls {
			c.err = w.notSent(w.Inserts, cause)
		}
		calls = append(calls, b.calls...) // those who wait may still withdraw theirs
	}
	w.mu.Unlock()
	w.report(calls)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range dropped {
		w.finish(b)
	}
}

// countParts looks now and then how many parts the table has, and lets the
// pacer know. It does not hold up the inserts.
func (w *Writer) countParts() {
	w.mu.Lock()
	due := time.Since(w.counted) >= partsEvery
	if due {
		w.counted = time.Now()
	}
	w.mu.Unlock()
	if !due {
		return
	}
	w.Goroutines.Go(func() {
		parts, err := w.Sink.Parts(w.Looks)
		if err != nil {
			return // the user may not see them, or the server is down
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pacer.parts = parts
	})
}

// report tells of buffered calls that have failed. It is called before they are
// answered, so that who waits in Flush finds them reported, and without the
// lock.
func (w *Writer) report(calls []*call) {
	for _, c := range calls {
		if c.err == nil || c.awaited {
			continue
		}
		w.metrics.gaveUp(w.Inserts, c.to-c.from, c.err)
		w.Log.ErrorContext(w.Inserts, "buffered rows are given up", "table", w.Table, "rows", c.to-c.from, "error", chconn.ForLog(c.err))
		if w.GaveUp != nil {
			w.GaveUp(c.ids, c.err)
		}
	}
}
