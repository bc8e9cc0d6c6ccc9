package sample_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

// write returns the rows of a schema as text.
func write(t testing.TB, schema string, rows int, seed uint64) []byte {
	t.Helper()
	var buf bytes.Buffer
	n, err := sample.Write(t.Context(), &buf, schema, rows, seed)
	require.NoError(t, err)
	require.Equal(t, int64(buf.Len()), n)
	return buf.Bytes()
}

func TestSchemasAreTheBuiltins(t *testing.T) {
	t.Parallel()
	builtins, err := schemas.NewRegistry(sampled()...)
	require.NoError(t, err)
	require.Equal(t, builtins.Names(), sample.Schemas())
}

func TestWriteGolden(t *testing.T) {
	t.Parallel()
	for _, schema := range sample.Schemas() {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			got := write(t, schema, 12, 1)
			file := filepath.Join("testdata", schema+".jsonl")
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		})
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, schema := range sample.Schemas() {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			rows := write(t, schema, 1500, 7)
			require.True(t, bytes.Equal(rows, write(t, schema, 1500, 7)), "the same seed")
			require.False(t, bytes.Equal(rows, write(t, schema, 1500, 8)), "another seed")
			short := write(t, schema, 777, 7)
			require.True(t, bytes.HasPrefix(rows, short), "a short file is the beginning of a long one")
			require.Equal(t, 777, bytes.Count(short, []byte("\n")))
		})
	}
}

func TestWriteNoRows(t *testing.T) {
	t.Parallel()
	require.Empty(t, write(t, "message", 0, 1))
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	_, err := sample.Write(t.Context(), io.Discard, "messages", 1, 1)
	require.EqualError(t, err, `no sample rows for schema "messages": known schemas are `+
		`conversation, eval_bfcl, eval_result, eval_run, message, tool_call`)
	_, err = sample.Write(t.Context(), io.Discard, "message", -1, 1)
	require.EqualError(t, err, "the number of sample rows is negative")
}

func TestWriteStopsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := &countingWriter{after: func(blocks int) {
		if blocks == 3 {
			cancel()
		}
	}}
	n, err := sample.Write(ctx, w, "message", 1_000_000_000, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3, w.blocks)
	require.Equal(t, w.bytes, n)
	require.Equal(t, byte('\n'), w.last)
}

func TestWriteReportsErrorsOfTheWriter(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	w := &countingWriter{fail: full}
	_, err := sample.Write(t.Context(), w, "message", 1000, 1)
	require.ErrorIs(t, err, full)
}

// TestWriteMemoryIsFlat shows that a file ten times as long takes no more memory.
func TestWriteMemoryIsFlat(t *testing.T) {
	for _, schema := range sample.Schemas() {
		allocs := func(rows int) float64 {
			return testing.AllocsPerRun(1, func() {
				_, err := sample.Write(t.Context(), io.Discard, schema, rows, 1)
				require.NoError(t, err)
			})
		}
		require.InDelta(t, allocs(500), allocs(5_000), 20, schema)
	}
}

// A countingWriter counts what it is given.
type countingWriter struct {
	blocks int
	bytes  int64
	last   byte
	fail   error
	after  func(blocks int)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	w.blocks++
	w.bytes += int64(len(p))
	w.last = p[len(p)-1]
	w.after(w.blocks)
	return len(p), nil
}
