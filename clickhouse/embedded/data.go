package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// HasData reports whether an engine has been started on the directory before, so that there may be data in it. It is
// true when that cannot be told, for want of permission, say.
func HasData(dir string) bool {
	for _, name := range []string{"engine.lock", "data"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
