package sqlitestore

import "fmt"

// InUseError says that another Store writes to the file.
type InUseError struct {
	// Path is the lock file.
	Path string
	// PID is the process that holds it, and 0 if that is not known.
	PID int
}

// Error says who holds the lock and what to do.
func (e *InUseError) Error() string {
	by := "another process"
	if e.PID != 0 {
		by = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is writing to it (it holds %s): end it, or open the store read-only", by, e.Path)
}
