package fact

import "context"

// frame is one running call of a projector. The ctx of the call carries it.
type frame struct {
	unit   *unitOfWork
	parent *frame // of the append that runs the projector; nil for the outermost
	depth  int    // 1 for a projector of the outermost append
	turn   *turn  // held by whoever uses the unit of work through this frame
	ended  bool   // the projector has returned; guarded by turn
}

type frameKey struct{}

func frameOf(ctx context.Context) *frame {
	f, _ := ctx.Value(frameKey{}).(*frame)
	return f
}

// withoutFrame returns a ctx that belongs to no projector call.
func withoutFrame(ctx context.Context) context.Context {
	if frameOf(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, frameKey{}, (*frame)(nil))
}

// newFrame returns the frame of a call made by an append in the parent frame,
// and the ctx to call with.
func newFrame(ctx context.Context, u *unitOfWork, parent *frame) (context.Context, *frame) {
	f := &frame{unit: u, parent: parent, depth: parent.level() + 1, turn: newTurn()}
	return context.WithValue(ctx, frameKey{}, f), f
}

// level is the depth of the frame, and 0 for no frame.
func (f *frame) level() int {
	if f == nil {
		return 0
	}
	return f.depth
}

// end waits for goroutines that are using the frame, and shuts it.
func (f *frame) end() {
	f.turn.held <- struct{}{}
	f.ended = true
	f.turn.release()
}

// enterFrame takes the turn of the innermost projector call that ctx belongs
// to and that is still running. It returns nil if there is none. The caller
// releases the turn.
func enterFrame(ctx context.Context) (*frame, error) {
	for f := frameOf(ctx); f != nil; f = f.parent {
		if err := f.turn.take(ctx, f.depth, true); err != nil {
			return nil, err
		}
		if !f.ended {
			return f, nil
		}
		f.turn.release()
	}
	return nil, nil //nolint:nilnil // that there is no frame is an answer, not a failure
}
