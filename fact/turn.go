package fact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// ErrForeignContext is returned by a call inside a projector that would wait
// for that very projector, because it did not use the ctx the projector was
// given.
var ErrForeignContext = errors.New(
	"a call inside a projector would wait for that projector: use the ctx that was given to Handle")

// slowWait is how long an append waits for others before it says so in the log.
const slowWait = 10 * time.Second

// turn is a lock that is waited for with a ctx.
type turn struct {
	held        chan struct{} // holds one value while taken
	byProjector atomic.Bool   // the holder may run projectors
}

func newTurn() *turn { return &turn{held: make(chan struct{}, 1)} }

// take waits for the turn until ctx ends. byProjector says whether the new
// holder may run projectors while it holds it.
//
// depth is the number of projector calls that may rightly be on the caller's
// stack. With more of them, this goroutine would wait for itself.
func (t *turn) take(ctx context.Context, depth int, byProjector bool) error {
	select {
	case t.held <- struct{}{}:
	default:
		if t.byProjector.Load() && projectorsOnStack() > depth {
			return ErrForeignContext
		}
		if err := t.wait(ctx); err != nil {
			return err
		}
	}
	t.byProjector.Store(byProjector)
	return nil
}

func (t *turn) wait(ctx context.Context) error {
	slow := time.NewTimer(slowWait)
	defer slow.Stop()
	for {
		select {
		case t.held <- struct{}{}:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for another append: %w", ctx.Err())
		case <-slow.C:
			slog.WarnContext(ctx, "fact: an append still waits for another one: "+
				"a projector is slow, or waits for code that appends without its ctx", "waited", slowWait)
		}
	}
}

func (t *turn) release() {
	t.byProjector.Store(false)
	<-t.held
}

// callProjector runs the projector and turns a panic into an error. Its name
// on the stack is what projectorsOnStack counts.
//
//go:noinline
func callProjector(ctx context.Context, p Projector, e Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.Handle(ctx, e)
}

// projectorsOnStack returns how many projectors are running on the calling
// goroutine. It is slow, and called only before waiting.
func projectorsOnStack() int {
	pcs := make([]uintptr, 64)
	n := runtime.Callers(1, pcs)
	for n == len(pcs) {
		pcs = make([]uintptr, 2*len(pcs))
		n = runtime.Callers(1, pcs)
	}
	count := 0
	frames := runtime.CallersFrames(pcs[:n])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "/fact.callProjector") {
			count++
		}
		if !more {
			return count
		}
	}
}
