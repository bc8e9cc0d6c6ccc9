package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// form is another form of the same rows, in which factload loads them.
type form struct {
	ending string
	// write makes the file, or the directory, of the file of JSON lines.
	write func(path string, lines *bufio.Scanner, rows int) error
	// below is the path that the fields are at, with a dot behind.
	below string
}

// forms are the forms by the names of their ways.
var forms = map[string]form{
	"nested": {ending: ".nested.jsonl", write: writeNested, below: "response.body."},
	"array":  {ending: ".array.json", write: writeArray},
	"small":  {ending: ".small", write: writeSmall},
}

// smallFiles is how many files the rows are in.
const smallFiles = 2000

// loadForm loads the rows of a form as [loadBulk] does those of the file.
func loadForm(ctx context.Context, j job) error {
	f := forms[j.Way]
	d, err := j.definition()
	if err != nil {
		return err
	}
	if f.below != "" {
		d.def.Schema.Fields = slices.Clone(d.def.Schema.Fields)
		for i := range d.def.Schema.Fields {
			d.def.Schema.Fields[i].From = f.below + d.def.Schema.Fields[i].Name
		}
	}
	return loadInput(ctx, j, d, j.File+f.ending)
}

// writeForm writes a form of the file of a job, unless it is there.
func writeForm(j job, name string) error {
	f := forms[name]
	if _, err := os.Stat(j.File + f.ending); err == nil {
		return nil
	}
	file, err := os.Open(j.File)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	return errors.Join(f.write(j.File+f.ending, lines, j.Rows), lines.Err())
}

func writeNested(path string, lines *bufio.Scanner, _ int) error {
	return writeOnce(path, func(w io.Writer) (err error) {
		for err == nil && lines.Scan() {
			_, err = fmt.Fprintf(w, "{\"response\":{\"body\":%s}}\n", lines.Bytes())
		}
		return err
	})
}

func writeArray(path string, lines *bufio.Scanner, _ int) error {
	return writeOnce(path, func(w io.Writer) (err error) {
		for before := "[\n"; err == nil && lines.Scan(); before = ",\n" {
			_, err = fmt.Fprintf(w, "%s%s", before, lines.Bytes())
		}
		if err == nil {
			_, err = io.WriteString(w, "\n]\n")
		}
		return err
	})
}

// writeSmall writes smallFiles files, or one for each row where there are fewer.
func writeSmall(path string, lines *bufio.Scanner, rows int) error {
	if err := errors.Join(os.RemoveAll(path+".new"), os.MkdirAll(path+".new", 0o700)); err != nil {
		return err
	}
	each := max(1, (rows+smallFiles-1)/smallFiles)
	for n := 0; ; n++ {
		var text bytes.Buffer
		for i := 0; i < each && lines.Scan(); i++ {
			text.Write(lines.Bytes())
			text.WriteByte('\n')
		}
		if text.Len() == 0 {
			return os.Rename(path+".new", path)
		}
		if err := os.WriteFile(filepath.Join(path+".new", fmt.Sprintf("%04d.jsonl", n)), text.Bytes(), 0o600); err != nil {
			return err
		}
	}
}
