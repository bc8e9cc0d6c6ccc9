//go:build !unix

package sqlitestore

import (
	"errors"
	"os"
)

// lockFile takes the lock of the writer: here, a file that cannot be opened twice
// is not to be had, so nothing but reading is offered.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("writing is only supported on Unix: open the store read-only")
}
