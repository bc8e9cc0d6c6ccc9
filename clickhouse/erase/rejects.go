package erase

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/factload/factload/fact"
)

// rejected is what matters of a line of a rejects file.
type rejected struct {
	Schema    string `json:"schema"`
	Raw       string `json:"raw"`
	RawBase64 []byte `json:"raw_base64"`
}

// quotedTexts returns the IDs and the value as they are written in JSON.
func (e *eraser) quotedTexts(ctx context.Context) ([][]byte, error) {
	ids, err := e.ids(ctx)
	if err != nil {
		return nil, err
	}
	if e.Field != "" {
		ids[e.Value] = true
	}
	texts := make([][]byte, 0, len(ids))
	for text := range ids {
		quoted, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		texts = append(texts, quoted)
	}
	return texts, nil
}

// scanRejects reads a rejects file and gives every line to keep to keep, with its line
// break.
func (e *eraser) scanRejects(ctx context.Context, path string, keep func(line []byte) error) (p Place, err error) {
	p = Place{Kind: "rejects", Name: path}
	quoted, err := e.quotedTexts(ctx)
	if err != nil {
		return p, err
	}
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	for r := bufio.NewReaderSize(f, 1<<16); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			p.LookedAt++
			if e.isOfSubject(line, quoted) {
				p.Left++
			} else if err := keep(line); err != nil {
				return p, err
			}
		}
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, fmt.Errorf("rejects file %s: %w", path, err)
		}
	}
}

// isOfSubject reports whether a line has a row of the schema with one of the texts, as a
// text of its own, or with the value in the field. A row that is no JSON has it if it has
// the value anywhere.
func (e *eraser) isOfSubject(line []byte, quoted [][]byte) bool {
	var r rejected
	if json.Unmarshal(line, &r) != nil || r.Schema != "" && r.Schema != e.Schema.Name {
		return false
	}
	raw := append([]byte(r.Raw), r.RawBase64...)
	if slices.ContainsFunc(quoted, func(text []byte) bool { return bytes.Contains(raw, text) }) {
		return true
	}
	if e.Field == "" {
		return false
	}
	row, err := fact.FactFromEvent(fact.Event{Type: e.Schema.Name, Data: raw})
	if err != nil {
		return bytes.Contains(raw, []byte(e.Value))
	}
	return e.hasValue(row)
}

// eraseRejects writes the file anew without the lines, in its place.
func (e *eraser) eraseRejects(ctx context.Context, path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	// One of an earlier run is overwritten.
	fresh, err := os.OpenFile(path+".factload-erase", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return 0, err
	}
	defer os.Remove(fresh.Name()) //nolint:errcheck // it has been renamed
	w := bufio.NewWriterSize(fresh, 1<<16)
	p, err := e.scanRejects(ctx, path, func(line []byte) error { _, err := w.Write(line); return err })
	err = errors.Join(err, w.Flush(), fresh.Sync(), fresh.Close())
	if err != nil || p.Left == 0 {
		return 0, err
	}
	return p.Left, os.Rename(fresh.Name(), path)
}

func (e *eraser) lookAtRejects(ctx context.Context, path string) (Place, error) {
	return e.scanRejects(ctx, path, func([]byte) error { return nil })
}
