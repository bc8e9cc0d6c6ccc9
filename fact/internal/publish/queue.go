package publish

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/factload/factload/fact/eventlog"
)

// errGoexit is what a publisher that ends its goroutine gets.
var errGoexit = errors.New("the publisher called runtime.Goexit")

// publication is the events of one commit on their way to a publisher. The
// events are shared with the store and other publishers, and never changed.
type publication struct {
	ctx    context.Context
	events []eventlog.Event
}

// queue hands publications to one publisher, one after the other, in the order
// in which they were added. Its goroutine runs only while there is something to
// hand over.
type queue struct {
	publisher eventlog.Publisher
	config    *Config
	abort     context.Context // done when close has given up
	giveUp    context.CancelFunc

	mu       sync.Mutex
	waiting  []publication
	events   int           // in waiting
	running  bool          // the goroutine exists
	added    int           // publications ever accepted
	finished int           // publications that are done with
	progress chan struct{} // closed and renewed when finished grows
}

func newQueue(p eventlog.Publisher, config *Config) *queue {
	abort, giveUp := context.WithCancel(context.Background())
	return &queue{
		publisher: p,
		config:    config,
		abort:     abort,
		giveUp:    giveUp,
		progress:  make(chan struct{}),
	}
}

// add takes the publication and returns at once. It returns an error, and does
// not take it, when the queue is full or closed. A publication that is larger
// than the whole queue is taken when nothing else is waiting.
func (q *queue) add(p publication) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abort.Err() != nil {
		return eventlog.ErrClosed
	}
	if len(q.waiting) > 0 && q.events+len(p.events) > q.config.Limit {
		return eventlog.ErrQueueFull
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
func (q *queue) run() {
	for {
		p, ok := q.next()
		if !ok {
			return
		}
		q.publish(p)
	}
}

// next takes the first waiting publication, or ends the goroutine's life.
func (q *queue) next() (publication, bool) {
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
func (q *queue) done(n int) {
	q.finished += n
	close(q.progress)
	q.progress = make(chan struct{})
}

// publish hands one publication to the publisher and reports what goes wrong.
func (q *queue) publish(p publication) {
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
	if err := q.call(ctx, eventlog.CloneEvents(p.events)); err != nil {
		q.fail(p, err)
	}
	returned = true
}

// call runs the publisher and turns a panic into an error.
func (q *queue) call(ctx context.Context, events []eventlog.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &eventlog.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return q.publisher.Publish(ctx, events)
}

// fail reports the events of one publication as not published.
func (q *queue) fail(p publication, err error) {
	q.config.report(&eventlog.PublishError{Publisher: q.publisher, Events: eventlog.CloneEvents(p.events), Err: err})
}

// flush waits until everything that was added before the call is done with.
func (q *queue) flush(ctx context.Context) error {
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
func (q *queue) close(ctx context.Context) error {
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
		q.fail(p, eventlog.ErrClosed)
	}
	return fmt.Errorf("%T still busy, %d events not published: %w", q.publisher, events, err)
}
