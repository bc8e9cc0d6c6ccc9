package embedded

import (
	"errors"
	"fmt"
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

// LogFiles returns the files of the log of an engine that has its data in the directory. They may be emptied while it
// runs. Statements that failed are not in them; what failed in the background is, with values that the error quotes.
func LogFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("engine log: %w", err)
	}
	files := make([]string, 0, len(entries))
	for _, entry := range entries {
		files = append(files, filepath.Join(dir, "log", entry.Name()))
	}
	return files, nil
}
