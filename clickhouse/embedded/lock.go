//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// holder is what the lock file says about the engine that holds the lock.
type holder struct {
	PID    int `json:"pid"`
	Parent int `json:"parent"`
}

// lockDir takes the lock of the data directory, or returns an *InUseError. The lock belongs to the open file, so it is
// shared with a child that inherits the file, and is gone when the last process that has the file ends.
func lockDir(l layout) (*os.File, error) {
	f, err := os.OpenFile(l.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("engine data directory %s: %w", l.root, mend(err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	defer f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("engine data directory %s: lock: %w", l.root, err)
	}
	return nil, inUse(l, f)
}

func inUse(l layout, f *os.File) error {
	e := &InUseError{DataDir: l.root}
	var h holder
	if json.NewDecoder(f).Decode(&h) == nil {
		e.PID = h.PID
	}
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
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("engine lock: %w", err)
	}
	if _, err := f.WriteAt(append(text, '\n'), 0); err != nil {
		return fmt.Errorf("engine lock: %w", err)
	}
	return nil
}
