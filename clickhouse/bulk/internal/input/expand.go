package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Error means that an argument stands for no input that can be read.
type Error struct {
	// File is the argument, or the file that it led to.
	File string
	Err  error
}

// Error returns the file and what is wrong with it.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.File, e.Err) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// File is one input of a load.
type File struct {
	// Index is the position among the inputs.
	Index int
	// Name is how messages, rejects and the summary call the input.
	Name string
	// Path is the absolute path. For standard input it is "-".
	Path string
	// Stdin means that the input is standard input.
	Stdin bool
	// Stream means that the input is no regular file, but standard input or a
	// pipe: what comes out of it at another time is not the same input changed.
	Stream bool
	// Archive is the path of the ZIP archive that the input is in, and Member its name
	// there. They are empty for an input that is a file itself.
	Archive, Member string
	// Size is the size of the file as it is stored, in bytes, or 0 if nobody knows.
	Size int64
}

// stdinName is how standard input is named among the inputs.
const stdinName = "-"

// lineFiles are the endings of the files that are taken from a directory, each
// possibly followed by one of compressedEndings.
var (
	lineFiles         = []string{".jsonl", ".ndjson"}
	compressedEndings = []string{".gz", ".zst", ".zstd", ".bz2", ".xz"}
)

// expander turns arguments into files.
type expander struct {
	without string // real path of a file not to take, the rejects file
	files   []*File
	seen    map[string]bool // real paths
}

// Expand returns the inputs that the arguments stand for, in order and
// each once. A file named without is an error if an argument names it and
// left out if a directory or a pattern has it.
func Expand(args []string, without string) ([]*File, error) {
	x := &expander{seen: make(map[string]bool)}
	if without != "" {
		path, err := filepath.Abs(without)
		if err != nil {
			return nil, fmt.Errorf("rejects file: %w", err)
		}
		x.without = realPath(path)
	}
	for _, arg := range args {
		if err := x.add(arg); err != nil {
			return nil, err
		}
	}
	return x.files, nil
}

func (x *expander) add(arg string) error {
	if arg == stdinName {
		x.take(&File{Name: stdinName, Path: stdinName, Stdin: true, Stream: true})
		return nil
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return x.addDir(arg)
	case err == nil:
		return x.addFile(arg, info, true)
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, "*?["):
		return x.addGlob(arg)
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(arg, "://"):
		return &Error{File: arg, Err: errors.New("files are read from this machine only: fetch it and give it by standard input, as in curl -sSf URL | factload load -")}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{File: arg, Err: fmt.Errorf("%w: check the name and the working directory", fs.ErrNotExist)}
	}
	return &Error{File: arg, Err: Bare(err)}
}

// addGlob adds the files that match a pattern of filepath.Match, sorted, and
// the JSON lines of directories that match. As in a shell, hidden names match
// only a pattern that begins with a dot itself.
func (x *expander) addGlob(pattern string) error {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return &Error{File: pattern, Err: err}
	}
	if !isHidden(pattern) {
		matches = slices.DeleteFunc(matches, isHidden)
	}
	if len(matches) == 0 {
		return &Error{File: pattern, Err: errors.New("no file matches the pattern")}
	}
	for _, m := range matches {
		info, err := os.Stat(m)
		if err != nil {
			return &Error{File: m, Err: Bare(err)}
		}
		if info.IsDir() {
			err = x.addDir(m)
		} else {
			err = x.addFile(m, info, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addDir adds the JSON lines files below a directory, sorted by path. Hidden
// files and directories are left out. Links are followed, but no directory is
// read twice.
func (x *expander) addDir(dir string) error {
	w := walk{expander: x, read: make(map[string]bool)}
	err := w.dir(dir)
	if err == nil && !w.found {
		return &Error{File: dir, Err: fmt.Errorf("the directory has no JSON lines: files named *%s are taken, also compressed as %s; name other files one by one or by a pattern",
			strings.Join(lineFiles, ", *"), strings.Join(compressedEndings, ", "))}
	}
	return err
}

// walk looks for the JSON lines files below one directory.
type walk struct {
	*expander
	read  map[string]bool // real paths of directories
	found bool
}

func (w *walk) dir(dir string) error {
	path, err := filepath.Abs(dir)
	if err != nil {
		return &Error{File: dir, Err: err}
	}
	if path = realPath(path); w.read[path] {
		return nil
	}
	w.read[path] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		return &Error{File: dir, Err: Bare(err)}
	}
	for _, e := range entries {
		if err := w.entry(filepath.Join(dir, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(path string, e fs.DirEntry) error {
	isLink, isLineFile := e.Type()&fs.ModeSymlink != 0, isLineFile(path)
	if isHidden(path) || !isLink && !isLineFile && !e.IsDir() {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case isLink && !isLineFile && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Error{File: path, Err: Bare(err)}
	case info.IsDir():
		return w.dir(path)
	case !isLineFile || !info.Mode().IsRegular():
		return nil
	}
	w.found = true
	return w.addFile(path, info, false)
}

func (x *expander) addFile(name string, info fs.FileInfo, named bool) error {
	path, err := filepath.Abs(name)
	if err != nil {
		return &Error{File: name, Err: err}
	}
	if realPath(path) == x.without {
		if named {
			return &Error{File: name, Err: errors.New("the file is also where rejects go: choose another file for one of them")}
		}
		return nil
	}
	in := &File{Name: name, Path: path, Stream: !info.Mode().IsRegular()}
	if in.Stream {
		x.take(in)
		return nil
	}
	if isArchive(path) {
		return x.addArchive(name, path)
	}
	in.Size = info.Size()
	x.take(in)
	return nil
}

// take adds an input unless it is there already, under whatever name.
func (x *expander) take(in *File) {
	path := realPath(in.Path)
	if x.seen[path] {
		return
	}
	x.seen[path] = true
	in.Index = len(x.files)
	x.files = append(x.files, in)
}

// realPath returns an absolute path without links, as far as it leads to
// anything.
func realPath(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// Key returns the path as the ledger has it.
func (in *File) Key() string { return ValidText(in.Path) }

// ValidText replaces what is not UTF-8 as encoding/json does.
func ValidText(s string) string { return string([]rune(s)) }

func isHidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

func isLineFile(name string) bool {
	return slices.Contains(lineFiles, filepath.Ext(withoutCompression(strings.ToLower(name))))
}

// withoutCompression returns a name in small letters without the ending that says how
// the file is compressed.
func withoutCompression(name string) string {
	for _, ending := range compressedEndings {
		if rest, ok := strings.CutSuffix(name, ending); ok {
			return rest
		}
	}
	return name
}

// Bare strips the operation and the path from an error of package os, for
// messages that name the file themselves.
func Bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
