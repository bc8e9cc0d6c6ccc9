package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// shape is a kind of rows to load.
type shape struct {
	name  string
	about string
	// share is how many rows there are for each 100 of the chat shape, so that
	// all files have about the same size.
	share int
	// definition returns the schema and the options of its table.
	definition func() (schemas.Definition, error)
	write      func(ctx context.Context, w io.Writer, rows int) error
}

func (s shape) called() string { return s.name }

func allShapes() []shape {
	return []shape{
		{"chat", "chat messages with long text", 100, builtin("message"), sampled("message")},
		{"eval", "results of evals, many short values", 90, builtin("eval_result"), sampled("eval_result")},
		{"wide", "100 columns of which half are missing", 33, wideDefinition, writeWide},
	}
}

// builtin returns a schema that factload comes with.
func builtin(name string) func() (schemas.Definition, error) {
	return func() (schemas.Definition, error) {
		registry, err := schemas.NewRegistry(schemas.Builtins()...)
		if err != nil {
			return schemas.Definition{}, err
		}
		return registry.Get(name)
	}
}

// sampled writes the sample rows of a schema.
func sampled(schema string) func(context.Context, io.Writer, int) error {
	return func(ctx context.Context, w io.Writer, rows int) error {
		_, err := sample.Write(ctx, w, schema, rows, 1)
		return err
	}
}

// data is a shape that has been written to files.
type data struct {
	shape
	def    schemas.Definition
	rows   int
	bytes  int64
	file   string // JSON lines
	native string // the same rows in ClickHouse's Native format
}

// prepare writes the files of a shape, unless they are there.
func prepare(ctx context.Context, o options, s shape) (data, error) {
	d := data{shape: s, rows: max(1, o.rows*s.share/100)}
	var err error
	if d.def, err = s.definition(); err != nil {
		return d, err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return d, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return d, err
	}
	base := filepath.Join(dir, fmt.Sprintf("%s-%d", s.name, d.rows))
	d.file, d.native = base+".jsonl", base+".native"
	fmt.Fprintf(o.log, "%s: %s rows in %s\n", s.name, thousands(d.rows), d.file)
	// In a process of its own, since the memory that this one has had is told as
	// that of its children.
	j := job{Way: prepareWay, Shape: s.name, Rows: d.rows, File: d.file, Native: d.native}
	paths := []string{d.file, d.native}
	for _, w := range o.ways {
		if f, ok := forms[w.name]; ok {
			j.Forms = append(j.Forms, w.name)
			paths = append(paths, d.file+f.ending)
		}
	}
	if _, err := runChild(ctx, j); err != nil {
		return d, err
	}
	info, err := os.Stat(d.file)
	if err != nil {
		return d, err
	}
	d.bytes = info.Size()
	return d, warm(paths...)
}

// prepareWay is what writeFiles is called in a job.
const prepareWay = "prepare"

// writeFiles writes the files of a job.
func writeFiles(ctx context.Context, j job) error {
	d, err := j.definition()
	if err != nil {
		return err
	}
	if err := writeOnce(j.File, func(w io.Writer) error { return d.write(ctx, w, j.Rows) }); err != nil {
		return err
	}
	if err := writeOnce(j.Native, func(w io.Writer) error { return encodeNative(ctx, w, d) }); err != nil {
		return err
	}
	for _, name := range j.Forms {
		if err := writeForm(j, name); err != nil {
			return err
		}
	}
	return nil
}

// writeOnce writes a file as a whole, unless it exists.
func writeOnce(path string, write func(io.Writer) error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// warm reads files, and those in directories, once, so that no way has to wait for the disk.
func warm(paths ...string) error {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			f, err := os.Open(path) //nolint:gosec // of its own
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(io.Discard, f)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
