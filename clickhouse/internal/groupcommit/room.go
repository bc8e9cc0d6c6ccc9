package groupcommit

import (
	"container/list"
	"context"
	"runtime"
	"sync"
)

// Room bounds the encoded bytes of the calls that have not been answered. A call
// enters before it encodes anything, and says how much it was when that is done:
// so calls that wait hold nothing but what their callers gave them. They enter in
// the order in which they came, as long as the bytes are below the bound, and only
// so many at once encode. What is taken can thus exceed the bound by what these
// encode, and a call that is larger than the bound is not refused.
//
// It is safe for concurrent use.
type Room struct {
	mu       sync.Mutex
	size     int
	encoders int // that there may be at once
	taken    int
	encoding int
	waiting  list.List // of chan struct{}, closed when their owners have entered
}

// minEncoders is how many calls may encode at once on small machines too: one may
// be held up by a method of the caller's.
const minEncoders = 4

// NewRoom returns a Room for so many bytes.
func NewRoom(size int) *Room {
	return &Room{size: size, encoders: max(minEncoders, runtime.GOMAXPROCS(0))}
}

// Enter waits until the caller may encode. It returns the cause of the end of ctx,
// or of stop, when that comes first. Otherwise Encoded or Leave must follow.
func (r *Room) Enter(ctx, stop context.Context) error {
	r.mu.Lock()
	if r.waiting.Len() == 0 && r.open() {
		r.encoding++
		r.mu.Unlock()
		return nil
	}
	entered := make(chan struct{})
	place := r.waiting.PushBack(entered)
	r.mu.Unlock()

	var cause error
	select {
	case <-entered:
		return nil
	case <-ctx.Done():
		cause = context.Cause(ctx)
	case <-stop.Done():
		cause = context.Cause(stop)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-entered: // at the same moment
		r.encoding--
		r.admit()
	default:
		r.waiting.Remove(place)
	}
	return cause
}

// Encoded takes room for so many bytes, by a caller that has entered.
func (r *Room) Encoded(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.encoding--
	r.taken += bytes
	r.admit()
}

// Leave ends the turn of a caller that has entered and has nothing to keep.
func (r *Room) Leave() { r.Encoded(0) }

// Take takes room for bytes that are there whether they fit or not.
func (r *Room) Take(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken += bytes
}

// Release gives room back and lets those in who have waited for it.
func (r *Room) Release(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= bytes
	r.admit()
}

func (r *Room) open() bool { return r.taken < r.size && r.encoding < r.encoders }

// admit lets in who may enter. The caller holds the lock.
func (r *Room) admit() {
	for e := r.waiting.Front(); e != nil && r.open(); e = r.waiting.Front() {
		if entered, ok := r.waiting.Remove(e).(chan struct{}); ok {
			r.encoding++
			close(entered)
		}
	}
}

// Used returns the bytes that are taken, and how many calls wait to enter.
func (r *Room) Used() (taken, waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken, r.waiting.Len()
}
