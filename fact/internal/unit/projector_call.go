package unit

import "context"

// projectorCall is one running call of a projector. The ctx of the call carries
// it, under the runner whose unit of work it is part of.
type projectorCall struct {
	unit   *Unit
	parent *projectorCall // of the append that runs the projector; nil for the outermost
	depth  int            // 1 for a projector of the outermost append
	lock   ctxLock        // held by whoever uses the unit of work through this call
	ended  bool           // the projector has returned; guarded by lock
}

// callKey is where a ctx keeps the innermost projector call of a runner.
type callKey struct{ runner any }

// outside is a ctx that belongs to no projector call of any store.
type outside struct{ context.Context }

func (o outside) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return nil
	}
	return o.Context.Value(key)
}

// Outside returns a ctx that belongs to no unit of work and is not cancelled,
// with all other values of the given one.
func Outside(ctx context.Context) context.Context {
	return outside{context.WithoutCancel(ctx)}
}

// level is the depth of the call, and 0 for none.
func (c *projectorCall) level() int {
	if c == nil {
		return 0
	}
	return c.depth
}

// end waits for goroutines that are using the call, and shuts it.
func (c *projectorCall) end() {
	c.lock <- struct{}{}
	c.ended = true
	c.lock.release()
}

// enter takes the lock of the innermost projector call that ctx belongs to and
// that is still running. It returns nil if there is none. The caller releases
// the lock.
func (r *Runner) enter(ctx context.Context) (*projectorCall, error) {
	c, _ := ctx.Value(callKey{r}).(*projectorCall)
	for ; c != nil; c = c.parent {
		if err := c.lock.take(ctx); err != nil {
			return nil, err
		}
		if !c.ended {
			return c, nil
		}
		c.lock.release()
	}
	return nil, nil //nolint:nilnil // that there is no call is an answer, not a failure
}
