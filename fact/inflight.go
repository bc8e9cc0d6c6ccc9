package fact

import (
	"context"
	"sync"
)

// inflight counts the calls that are running, until it is shut and the last one has left.
type inflight struct {
	mu     sync.Mutex
	inside int
	shut   bool
	empty  chan struct{} // closed when shut and nobody is inside; made by close
}

// enter returns false when it is shut. Otherwise leave must be called.
func (f *inflight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return false
	}
	f.inside++
	return true
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside--
	if f.shut && f.inside == 0 {
		close(f.empty)
	}
}

// close shuts it and waits until nobody is inside. It may be called again.
func (f *inflight) close(ctx context.Context) error {
	f.mu.Lock()
	if !f.shut {
		f.shut = true
		f.empty = make(chan struct{})
		if f.inside == 0 {
			close(f.empty)
		}
	}
	empty := f.empty
	f.mu.Unlock()
	select {
	case <-empty:
		return nil
	default:
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
