package clickhouse

import (
	"context"
	"fmt"
	"sync"
)

// errMaterializerClosed is what calls on a closed Materializer fail with.
var errMaterializerClosed = fmt.Errorf("materializer is %w", ErrClosed)

// inflight counts the calls that are running, so that Close can wait for them.
type inflight struct {
	cancelled context.Context // ends the running calls
	cancel    context.CancelCauseFunc

	open context.Context // ends when close is called
	shut context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running int
	idle    chan struct{} // closed when no call is running and none can begin
}

func (g *inflight) init() {
	g.cancelled, g.cancel = context.WithCancelCause(context.Background())
	g.open, g.shut = context.WithCancel(context.Background())
	g.idle = make(chan struct{})
}

// enter begins a call. The call uses the context that is returned, and calls
// done at its end.
func (g *inflight) enter(ctx context.Context) (_ context.Context, done func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ctx, nil, errMaterializerClosed
	}
	g.running++
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(g.cancelled, func() { cancel(context.Cause(g.cancelled)) })
	return ctx, func() {
		stop()
		cancel(nil)
		g.leave()
	}, nil
}

func (g *inflight) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.closed && g.running == 0 {
		close(g.idle)
	}
}

func (g *inflight) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// close lets no further call begin, calls hurry and waits for those that are
// running. When ctx ends first it cancels them, waits for them to notice, and
// returns the context's error.
func (g *inflight) close(ctx context.Context, hurry func()) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		if g.running == 0 {
			close(g.idle)
		}
	}
	g.mu.Unlock()
	g.shut()
	hurry()
	select {
	case <-g.idle:
		g.cancel(nil)
		return nil
	case <-ctx.Done():
	}
	select {
	case <-g.idle: // both at once: nothing was cut short
		g.cancel(nil)
		return nil
	default:
	}
	g.cancel(errMaterializerClosed)
	<-g.idle
	return context.Cause(ctx)
}
