package bulk

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/internal/soak"
	"github.com/factload/factload/schemas"
	"github.com/factload/factload/schemas/infer"
)

// cellTexts are texts of cells by what they may be taken for.
var cellTexts = [][]string{
	{"1", "0", "-5", "9007199254740993", "18446744073709551615", "123456789012345678901"},
	{"0.5", "1e3", "1.10", "-0", "1e400"},
	{"007", "+1", "1.", "NaN", "1 "},
	{"true", "True", "FALSE", "false"},
	{"2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.123456"},
	{"1760000001", "1760000001255", "20260102"},
	{"a", "b", "a,b \"c\"\n", " ", "[1]", "{}", "null", "é"},
	{"61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
	{""},
}

// randomTable returns a table whose columns have mostly something in common.
func randomTable(t *testing.T, r *rand.Rand) []byte {
	t.Helper()
	names := []string{"id", "run_id", "created_at", "score", "flag", "x"}
	records := [][]string{names}
	for range 1 + r.IntN(30) {
		records = append(records, make([]string, len(names)))
	}
	for column := range names {
		of := cellTexts[r.IntN(len(cellTexts))]
		other := cellTexts[r.IntN(len(cellTexts))]
		rare := r.IntN(3) == 0
		for _, record := range records[1:] {
			from := of
			if rare && r.IntN(5) == 0 {
				from = other
			}
			record[column] = from[r.IntN(len(from))]
		}
	}
	var b bytes.Buffer
	require.NoError(t, csv.NewWriter(&b).WriteAll(records))
	return b.Bytes()
}

// A schema that is inferred from a table takes every row of it, as a load reads them.
func TestSoakInferredSchemaTakesItsTable(t *testing.T) {
	t.Parallel()
	for seed := range soak.Trials(t, 200, 2000) {
		table := randomTable(t, rand.New(rand.NewPCG(uint64(seed), 3)))
		file := filepath.Join(t.TempDir(), "t.csv")
		require.NoError(t, os.WriteFile(file, table, 0o600))
		var in infer.Builder
		for line, err := range Lines(t.Context(), []string{file}, nil, DefaultMaxLineBytes) {
			require.NoError(t, err)
			require.True(t, line.Cells)
			require.NoError(t, in.AddCells(line.Text))
		}
		var text bytes.Buffer
		err := in.WriteYAML(&text, "inferred")
		if errors.Is(err, infer.ErrNothingToInfer) {
			continue
		}
		require.NoError(t, err)
		defs, err := schemas.Parse("inferred.yaml", text.Bytes())
		require.NoError(t, err)
		layout, err := block.Compile(defs[0].Schema, block.Options{})
		require.NoError(t, err)
		cells, b := cellsOf(defs[0].Schema), layout.NewBlock()
		form := input.Form{MaxLine: DefaultMaxLineBytes, Cell: func(key string) (input.Cell, bool) { kind, known := cells[key]; return kind, known }}
		files, err := input.Expand([]string{file}, "")
		require.NoError(t, err)
		rows := 0
		_, err = linesOf(t.Context(), files[0], nil, form, func(line Line, err error) bool {
			require.NoError(t, err, "seed %d\n%s\n%s", seed, table, text.String())
			require.NoError(t, b.AppendJSON(line.Text), "seed %d\n%s\n%s\n%s", seed, line.Text, table, text.String())
			rows++
			return true
		})
		require.NoError(t, err)
		require.Equal(t, in.Rows(), int64(rows), fmt.Sprint(seed))
	}
}
