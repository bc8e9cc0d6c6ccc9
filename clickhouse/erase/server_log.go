package erase

import (
	"errors"
	"io/fs"
	"os"
)

// emptyServerLogs empties the files of the server's log. The server appends to them, and
// may have removed the oldest meanwhile.
func (e *eraser) emptyServerLogs() error {
	for _, path := range e.ServerLogs {
		e.Progress("server log " + path)
		err := os.Truncate(path, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		e.report.Emptied = append(e.report.Emptied, path)
	}
	return nil
}
