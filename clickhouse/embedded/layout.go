//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/factload/factload/internal/private"
)

// layout names the files of a data directory.
type layout struct{ root string }

func (l layout) data() string   { return filepath.Join(l.root, "data") }
func (l layout) log() string    { return filepath.Join(l.root, "log") }
func (l layout) run() string    { return filepath.Join(l.root, "run") }
func (l layout) lock() string   { return filepath.Join(l.root, "engine.lock") }
func (l layout) config() string { return filepath.Join(l.run(), "config.xml") }
func (l layout) users() string  { return filepath.Join(l.run(), "users.xml") }
func (l layout) start() string  { return filepath.Join(l.run(), "start.sql") }
func (l layout) stderr() string { return filepath.Join(l.log(), "stderr.log") }
func (l layout) uses() string   { return filepath.Join(l.root, "uses.lock") }
func (l layout) dsn() string    { return filepath.Join(l.run(), "dsn") }
func (l layout) engineLog() string {
	return filepath.Join(l.log(), "clickhouse.log")
}

// makeRoot creates the data directory when it is missing, and refuses one that others own or may write.
func (l layout) makeRoot() error {
	if err := os.MkdirAll(l.root, 0o700); err != nil {
		return fmt.Errorf("engine data directory %s: %w", l.root, withAdvice(err))
	}
	if err := private.CheckDir(l.root); err != nil {
		return fmt.Errorf("engine data directory: %w", err)
	}
	return nil
}

// prepare empties the run directory and creates the others, that of backups included. The lock must be held.
func (l layout) prepare(backups string) error {
	if err := os.RemoveAll(l.run()); err != nil {
		return fmt.Errorf("engine data directory %s: %w", l.root, withAdvice(err))
	}
	for _, dir := range []string{l.run(), l.data(), l.log()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("engine data directory %s: %w", l.root, withAdvice(err))
		}
	}
	if backups == "" {
		return nil
	}
	if err := os.MkdirAll(backups, 0o700); err != nil {
		return fmt.Errorf("backup directory %s: %w", backups, withAdvice(err))
	}
	return nil
}

// withAdvice adds to a file error what its user can do about it.
func withAdvice(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: choose a directory that this user may write", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: an engine writes into its data directory, also to read: copy it to where it can be written, and name that", err)
	case errors.Is(err, errNotDir):
		return fmt.Errorf("%w: choose a path that is a directory, or does not exist yet", err)
	default:
		return err
	}
}
