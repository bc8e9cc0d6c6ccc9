package unit

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// slowWait is how long an append waits for others before it says so in the log.
const slowWait = 10 * time.Second

// ctxLock is a lock that is waited for with a ctx, first come, first served.
type ctxLock chan struct{} // holds one value while taken

func newCtxLock() ctxLock { return make(ctxLock, 1) }

// take waits for the lock until ctx ends.
func (l ctxLock) take(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	default:
	}
	slow := time.NewTimer(slowWait)
	defer slow.Stop()
	for {
		select {
		case l <- struct{}{}:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for another append: %w", ctx.Err())
		case <-slow.C:
			slog.WarnContext(ctx, "fact: an append still waits for another one: a projector is slow, "+
				"or waits for an append that was not given the ctx of Handle", "waited", slowWait)
		}
	}
}

func (l ctxLock) release() { <-l }
