package groupcommit

import (
	"container/list"
	"context"
)

// quota bounds the bytes of the calls that have not been answered. Those that
// do not fit wait in the order in which they came; one that is larger than all
// of the room waits until it is alone. The writer's lock guards it.
type quota struct {
	size    int
	taken   int
	waiting list.List // of *roomWaiter
}

type quotaWaiter struct {
	bytes   int
	granted chan struct{}
}

func (r *quota) fits(bytes int) bool { return r.taken == 0 || r.taken+bytes <= r.size }

// release gives room back and lets those in who have waited for it.
func (r *quota) release(bytes int) {
	r.taken -= bytes
	r.grant()
}

func (r *quota) grant() {
	for e := r.waiting.Front(); e != nil; e = r.waiting.Front() {
		waiter, ok := e.Value.(*quotaWaiter)
		if !ok || !r.fits(waiter.bytes) {
			return
		}
		r.waiting.Remove(e)
		r.taken += waiter.bytes
		close(waiter.granted)
	}
}

// reserve takes room for so many bytes, or waits until there is some.
func (w *Writer) reserve(ctx context.Context, bytes int) error {
	w.mu.Lock()
	r := &w.room
	if r.waiting.Len() == 0 && r.fits(bytes) {
		r.taken += bytes
		w.mu.Unlock()
		return nil
	}
	waiter := &quotaWaiter{bytes: bytes, granted: make(chan struct{})}
	place := r.waiting.PushBack(waiter)
	w.mu.Unlock()

	var cause error
	select {
	case <-waiter.granted:
		return nil
	case <-ctx.Done():
		cause = context.Cause(ctx)
	case <-w.Inserts.Done():
		cause = context.Cause(w.Inserts)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-waiter.granted: // at the same moment
		r.release(bytes)
	default:
		r.waiting.Remove(place)
		r.grant() // those behind may be smaller
	}
	return cause
}
