//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/factload/factload/internal/private"
)

// holder is what the lock file says about the engine that holds the lock.
type holder struct {
	PID    int  `json:"pid"`
	Parent int  `json:"parent"`
	Shared bool `json:"shared"` // it does not end with its parent
}

// How long a lock is waited for whose holder is about to die, and how often it is tried.
const (
	orphanTimeout  = 5 * time.Second
	orphanInterval = 10 * time.Millisecond
)

// lockDir takes the lock of the data directory, or returns an *InUseError. The lock belongs to the open file, so it is
// shared with a child that inherits the file, and is gone when the last process that has the file ends.
//
// If the holder is an engine whose parent is dead, it is about to die, too, and lockDir waits for that a moment.
func lockDir(ctx context.Context, l layout) (*os.File, error) {
	f, err := private.Open(l.lock())
	if err != nil {
		return nil, fmt.Errorf("engine data directory %s: %w", l.root, withAdvice(err))
	}
	if err := lockFile(ctx, l, f); err != nil {
		closeAll(f)
		return nil, err
	}
	if err := f.Truncate(0); err != nil { // nobody shall take the last holder for the present one
		closeAll(f)
		return nil, fmt.Errorf("engine lock: %w", err)
	}
	return f, nil
}

func lockFile(ctx context.Context, l layout, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, orphanTimeout)
	defer cancel()
	tick := time.NewTicker(orphanInterval)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("engine data directory %s: lock: %w", l.root, err)
		}
		h := readHolder(f)
		if !h.orphan() {
			return inUse(l, h)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return inUse(l, h)
		}
	}
}

// readHolder returns what the lock file says, which is nothing while an engine is being started.
func readHolder(f *os.File) holder {
	var h holder
	if json.NewDecoder(io.NewSectionReader(f, 0, 1<<10)).Decode(&h) != nil {
		return holder{}
	}
	return h
}

// orphan reports whether the holder ends because its parent is dead.
func (h holder) orphan() bool {
	return h.Parent > 0 && !h.Shared && errors.Is(syscall.Kill(h.Parent, 0), syscall.ESRCH)
}

func inUse(l layout, h holder) error {
	e := &InUseError{DataDir: l.root, PID: h.PID, shared: h.Shared, parent: h.Parent}
	if _, err := os.Stat(l.dsn()); err == nil {
		e.DSNFile = l.dsn()
	}
	return e
}

// writeHolder says in the lock file who holds it.
func writeHolder(f *os.File, h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(append(text, '\n'), 0); err != nil {
		return fmt.Errorf("engine lock: %w", err)
	}
	return nil
}
