package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

var (
	// ErrInUse is matched (errors.Is) by the error of Start or Restart on a data directory that another engine uses.
	// The error itself is an *InUseError.
	ErrInUse = errors.New("engine data directory is in use")

	// ErrUnsupported is matched (errors.Is) by every error that says that this platform cannot run an embedded engine.
	ErrUnsupported = errors.New("embedded engine is not supported on this platform")
)

// InUseError says who uses a data directory. It matches ErrInUse.
type InUseError struct {
	DataDir string // absolute
	PID     int    // of the engine process; 0 when it has not said so yet
	DSNFile string // holds the running engine's DSN, readable by its owner alone; "" when there is none yet

	shared bool // it ends with the last of those who have joined it
	parent int  // the process that has started it
}

// Error says who uses the directory and how to reach it.
func (e *InUseError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "engine data directory %s is in use by another engine", e.DataDir)
	if e.PID != 0 {
		fmt.Fprintf(&b, ", process %d", e.PID)
	}
	if e.DSNFile != "" {
		fmt.Fprintf(&b, ": connect to that one (its DSN is in a file: factload takes --dsn-file %s), ", e.DSNFile)
	} else {
		b.WriteString(": ")
	}
	b.WriteString("wait until it ends, or choose another data directory")
	return b.String()
}

// Ends reports whether the engine ends by itself, with the last program that has joined it, or is just being started. One
// that somebody owns may run for ever.
func (e *InUseError) Ends() bool { return e.shared || e.PID == 0 }

// Is reports whether target is ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// LibraryNotFoundError says that libchdb is in none of the places it is looked for in.
type LibraryNotFoundError struct {
	Looked []string // in this order
	Err    error    // why the one that was named cannot be used, or there is no directory of installed engines; may be nil
}

// Unwrap returns Err.
func (e *LibraryNotFoundError) Unwrap() error { return e.Err }

// Error says how to get one. Looked has the places.
func (e *LibraryNotFoundError) Error() string {
	switch {
	case len(e.Looked) == 1 && errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("engine library %s: this user may not read it: change its permissions, or name none and run factload engine install", e.Looked[0])
	case len(e.Looked) == 1: // it was named
		return fmt.Sprintf("there is no engine library %s: correct the path, or name none and run factload engine install", e.Looked[0])
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("there is no ClickHouse engine on this machine: run factload engine install (180 MB, once for all projects), "+
		"or set %s to the path of a libchdb, or use a ClickHouse server by its DSN", LibraryEnv)
}
