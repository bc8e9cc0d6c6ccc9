package bulk

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// replaceFile gives the file at path new content: all of it, or on error none.
func replaceFile(path string, write func(*bufio.Writer) error) error {
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(fillFile(f, was.Mode(), write), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func fillFile(f *os.File, mode os.FileMode, write func(*bufio.Writer) error) error {
	if err := f.Chmod(mode.Perm()); err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
