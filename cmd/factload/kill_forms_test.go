package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/compressed"
)

// killForms are the forms in which a load that is killed may have its rows.
var killForms = []string{"jsonl", "jsonl.gz", "json", "csv", "parquet", "zip", "directory"}

// writeKillForm writes JSON lines, of which some are bad, in a form taken at random, and
// returns the input. What is no JSON is left out of forms that cannot have it.
func writeKillForm(t *testing.T, rnd *rand.Rand, dir, name string, text []byte) string {
	t.Helper()
	form := killForms[rnd.IntN(len(killForms))]
	path := filepath.Join(dir, name+"."+form)
	t.Logf("input %s", filepath.Base(path))
	rows := slices.DeleteFunc(bytes.SplitAfter(text, []byte("\n")), func(line []byte) bool { return !json.Valid(line) })
	switch form {
	case "jsonl.gz":
		text = compressed.Gzip(t, text)
	case "json":
		text = fmt.Appendf(nil, "[%s]", bytes.Join(rows, []byte(",")))
	case "csv":
		text = killCSV(t, rows)
	case "parquet":
		text = killParquet(t, rows)
	case "zip":
		text = killZip(t, map[string][]byte{"a.csv": killCSV(t, rows[:len(rows)/2]), "b.jsonl": text[len(text)/2:]})
	case "directory":
		require.NoError(t, os.Mkdir(path, 0o700))
		number := 0
		for lines := range slices.Chunk(bytes.SplitAfter(text, []byte("\n")), 40) {
			number++
			require.NoError(t, os.WriteFile(filepath.Join(path, fmt.Sprintf("%03d.jsonl", number)), bytes.Join(lines, nil), 0o600))
		}
		return path
	}
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// killTable returns rows as a table: the keys that any has, and the values as JSON, nil where
// a row lacks the key.
func killTable(t *testing.T, rows [][]byte) (keys []string, cells [][]json.RawMessage) {
	t.Helper()
	objects, all := make([]map[string]json.RawMessage, len(rows)), make(map[string]bool)
	for i, row := range rows {
		require.NoError(t, json.Unmarshal(row, &objects[i]))
		for key := range objects[i] {
			all[key] = true
		}
	}
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, object := range objects {
		row := make([]json.RawMessage, len(keys))
		for i, key := range keys {
			row[i] = object[key]
		}
		cells = append(cells, row)
	}
	return keys, cells
}

func killCSV(t *testing.T, rows [][]byte) []byte {
	t.Helper()
	keys, cells := killTable(t, rows)
	table := [][]string{keys}
	for _, row := range cells {
		record := make([]string, len(row))
		for i, value := range row {
			if json.Unmarshal(value, &record[i]) != nil { // no string
				record[i] = string(value)
			}
		}
		table = append(table, record)
	}
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	require.NoError(t, w.WriteAll(table))
	return text.Bytes()
}

// killParquet makes columns of JSON of the keys of the first row, in groups of 300 rows. A row
// that lacks a key has the value of the one before, as there is no way to have none.
func killParquet(t *testing.T, rows [][]byte) []byte {
	t.Helper()
	keys, cells := killTable(t, rows)
	columns := make(parquet.Group)
	for i, key := range keys {
		if cells[0][i] != nil {
			columns[key] = parquet.JSON()
		}
	}
	var file bytes.Buffer
	w := parquet.NewWriter(&file, parquet.NewSchema("rows", columns), parquet.MaxRowsPerRowGroup(300))
	last := cells[0]
	for _, values := range cells {
		var row parquet.Row
		for i, value := range values {
			if value != nil {
				last[i] = value
			}
			if columns[keys[i]] != nil {
				row = append(row, parquet.ByteArrayValue(last[i]).Level(0, 0, len(row)))
			}
		}
		_, err := w.WriteRows([]parquet.Row{row})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return file.Bytes()
}

func killZip(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for name, text := range files {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return archive.Bytes()
}
