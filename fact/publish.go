package fact

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

// DefaultPublishQueue is how many events may wait for each publisher unless an
// option says otherwise.
const DefaultPublishQueue = 65536

// ErrQueueFull says that events were not handed to a publisher because too
// many others were waiting for it.
var ErrQueueFull = errors.New("publish queue is full: the publisher is slower than the appends")

// ErrClosed is returned by what is called after Close, and is the reason of a
// PublishError for events that were still waiting when Close gave up.
var ErrClosed = errors.New("closed")

// errGoexit is what a publisher that ends its goroutine gets.
var errGoexit = errors.New("the publisher called runtime.Goexit")

// PublishError says that a publisher did not get, or did not accept, some
// events. They are committed all the same: the log has them.
type PublishError struct {
	// Publisher is the one that missed the events.
	Publisher Publisher
	// Events are the events of one commit, in order. They are copies that
	// belong to whoever receives the error.
	Events []Event
	// Err is what Publish returned, a [*PanicError], [ErrQueueFull] or
	// [ErrClosed].
	Err error
}

// Error says which events are missing where.
func (e *PublishError) Error() string {
	return fmt.Sprintf("publish %s to %T: %v", describeEvents(e.Events), e.Publisher, e.Err)
}

// Unwrap returns Err.
func (e *PublishError) Unwrap() error { return e.Err }

// PanicError is a panic of a projector or a publisher, turned into an error.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is the stack of the goroutine, as debug.Stack gives it.
	Stack []byte
}

// Error returns the value it panicked with. The stack is left out.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns Value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// describeEvents names the events by stream and range of sequences, and by ID
// where the sequence is not known.
func describeEvents(events []Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d event", len(events))
	if len(events) != 1 {
		b.WriteByte('s')
	}
	for start := 0; start < len(events); {
		first := events[start]
		end := start + 1
		for end < len(events) && events[end].Stream == first.Stream && first.Sequence > 0 &&
			events[end].Sequence == events[end-1].Sequence+1 {
			end++
		}
		switch last := events[end-1]; {
		case first.Sequence == 0:
			fmt.Fprintf(&b, ", id %s of stream %q", first.ID, first.Stream)
		case end-start == 1:
			fmt.Fprintf(&b, ", %d of stream %q", first.Sequence, first.Stream)
		default:
			fmt.Fprintf(&b, ", %d to %d of stream %q", first.Sequence, last.Sequence, first.Stream)
		}
		start = end
	}
	return b.String()
}

// publication is the events of one commit on their way to a publisher. The
// events are shared with the store and other publishers, and never changed.
type publication struct {
	ctx    context.Context
	events []Event
}

// publishQueue hands publications to one publisher, one after the other, in
// the order in which they were added. Its goroutine runs only while there is
// something to hand over.
type publishQueue struct {
	publisher Publisher
	limit     int // of waiting events
	report    func(*PublishError)
	abort     context.Context // done when Close has given up
	giveUp    context.CancelFunc

	mu       sync.Mutex
	waiting  []publication
	events   int           // in waiting
	running  bool          // the goroutine exists
	added    int           // publications ever accepted
	finished int           // publications that are done with
	progress chan struct{} // closed and renewed when finished grows
}

func newPublishQueue(p Publisher, limit int, report func(*PublishError)) *publishQueue {
	abort, giveUp := context.WithCancel(context.Background())
	return &publishQueue{
		publisher: p,
		limit:     limit,
		report:    report,
		abort:     abort,
		giveUp:    giveUp,
		progress:  make(chan struct{}),
	}
}

// add takes the publication and returns at once. It returns an error, and does
// not take it, when the queue is full or closed. A publication that is larger
// than the whole queue is taken when nothing else is waiting.
func (q *publishQueue) add(p publication) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abort.Err() != nil {
		return ErrClosed
	}
	if len(q.waiting) > 0 && q.events+len(p.events) > q.limit {
		return ErrQueueFull
	}
	q.waiting = append(q.waiting, p)
	q.events += len(p.events)
	q.added++
	if !q.running {
		q.running = true
		go q.run()
	}
	return nil
}

// run publishes until nothing is waiting.
func (q *publishQueue) run() {
	for {
		p, ok := q.next()
		if !ok {
			return
		}
		q.publish(p)
	}
}

// next takes the first waiting publication, or ends the goroutine's life.
func (q *publishQueue) next() (publication, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		q.waiting = nil
		return publication{}, false
	}
	p := q.waiting[0]
	q.waiting[0] = publication{} // let go of the events
	q.waiting = q.waiting[1:]
	q.events -= len(p.events)
	return p, true
}

// done counts n finished publications and wakes whoever waits. The caller
// holds mu.
func (q *publishQueue) done(n int) {
	q.finished += n
	close(q.progress)
	q.progress = make(chan struct{})
}

// publish hands one publication to the publisher and reports what goes wrong.
func (q *publishQueue) publish(p publication) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(q.abort, cancel)()
	returned := false
	defer func() {
		if !returned { // runtime.Goexit ends this goroutine: go on in another
			q.fail(p, errGoexit)
			defer func() { go q.run() }()
		}
		q.mu.Lock()
		q.done(1)
		q.mu.Unlock()
	}()
	if err := callPublisher(ctx, q.publisher, cloneEvents(p.events)); err != nil {
		q.fail(p, err)
	}
	returned = true
}

// fail reports the events of one publication as not published.
func (q *publishQueue) fail(p publication, err error) {
	q.report(&PublishError{Publisher: q.publisher, Events: cloneEvents(p.events), Err: err})
}

func callPublisher(ctx context.Context, p Publisher, events []Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.Publish(ctx, events)
}

// flush waits until everything that was added before the call is done with.
func (q *publishQueue) flush(ctx context.Context) error {
	q.mu.Lock()
	target := q.added
	for q.finished < target {
		progress := q.progress
		q.mu.Unlock()
		select {
		case <-progress:
		case <-ctx.Done():
			return ctx.Err()
		}
		q.mu.Lock()
	}
	q.mu.Unlock()
	return nil
}

// close drains the queue. When ctx ends first it cancels the running Publish,
// reports what is still waiting, and returns the ctx's error. Nothing may be
// added meanwhile.
func (q *publishQueue) close(ctx context.Context) error {
	err := q.flush(ctx)
	q.giveUp()
	if err == nil {
		return nil
	}
	q.mu.Lock()
	left, events := q.waiting, q.events
	q.waiting, q.events = nil, 0
	q.done(len(left))
	q.mu.Unlock()
	for _, p := range left {
		q.fail(p, ErrClosed)
	}
	return fmt.Errorf("%T still busy, %d events not published: %w", q.publisher, events, err)
}
