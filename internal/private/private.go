// Package private reads and writes files that belong to one user of a machine with several. A file or directory that
// another user may have planted is refused, and what is written can be read by its owner alone.
package private

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFile bounds what Read reads: the files are secrets of a few lines.
const maxFile = 1 << 20

// Write writes a file that its owner alone can read, in one step. What was there under the name, a link to another
// file, say, is replaced and not written through.
func Write(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // new, and of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Read reads a file that others can neither own nor write.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return text, err
}

// Open opens a file for reading and writing, and creates it when it is missing. It refuses a link, a file that has
// another name besides, and one that others own or may write.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		if info, statErr := os.Lstat(path); statErr == nil && info.Mode()&os.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s is a link to another file: remove it", path)
		}
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", path)
	case links(info) > 1:
		err = fmt.Errorf("%s is another name of a file elsewhere: remove it", path)
	default:
		err = check(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// CheckDir refuses a directory that others own or may write.
func CheckDir(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return check(path, info)
}

// check refuses what belongs to a user other than this one and root, and what everybody may write.
func check(path string, info os.FileInfo) error {
	if uid, me := owner(info), os.Geteuid(); uid != 0 && uid != me {
		return fmt.Errorf("%s belongs to user %d, and this program runs as user %d: run it as that user, or choose another path", path, uid, me)
	}
	if mode := info.Mode(); mode&0o002 != 0 {
		return fmt.Errorf("every user of this machine may write %s: take that right away by chmod o-w, and look at what is there", path)
	}
	return nil
}
