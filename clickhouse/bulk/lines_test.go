package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/compressed"
)

// bufferSize is how much is read at a time.
const bufferSize = 64 << 10

// readLines reads standard input by lines, with marks for those that are too long.
func readLines(t *testing.T, stdin io.Reader, most int) (lines []string, last error) {
	t.Helper()
	for line, err := range Lines(t.Context(), []string{"-"}, stdin, most) {
		require.NoError(t, last, "it comes last")
		switch {
		case errors.Is(err, ErrLineTooLong):
			require.Nil(t, line.Text)
			require.ErrorContains(t, err, fmt.Sprintf("-: line %d: line is too long: it has ", line.Number))
			lines = append(lines, fmt.Sprintf("%d too long", line.Number))
		case err != nil:
			last = err
		default:
			lines = append(lines, fmt.Sprintf("%d %s", line.Number, line.Text))
		}
	}
	return lines, last
}

// Lines of any length around the limit and around the buffer come out whole, however they are read.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 2, 63, bufferSize - 2, bufferSize - 1, bufferSize, bufferSize + 1, 2*bufferSize - 1, 2 * bufferSize} {
		x := strings.Repeat("x", length)
		text := "\ufeff" + x + "\n\n \t\r\n" + x + "\r\n" + x + "y\n" + x + "y\r\n" + x + "yy\na\n" + x
		want := []string{"1 " + x, "4 " + x, "5 too long", "6 too long", "7 too long", "8 a", "9 " + x}
		if length > 1 {
			for name, r := range map[string]io.Reader{"at once": strings.NewReader(text[3:]), "halves": iotest.HalfReader(strings.NewReader(text[3:]))} {
				got, err := readLines(t, r, length)
				require.NoError(t, err)
				require.Equal(t, want, got, "%d bytes, %s", length, name)
			}
		}
		got, err := readLines(t, strings.NewReader(text), length+3)
		require.NoError(t, err)
		require.Equal(t, []string{"1 " + x, "4 " + x, "5 " + x + "y", "6 " + x + "y", "7 " + x + "yy", "8 a", "9 " + x}, got)
	}
}

func TestLinesRefusesInputs(t *testing.T) {
	t.Parallel()
	lines, err := readLines(t, strings.NewReader("{}\n\x00"), 100)
	require.ErrorIs(t, err, ErrNotText)
	require.Empty(t, lines)
	lines, err = readLines(t, io.MultiReader(strings.NewReader("a\n"+strings.Repeat("b", 10_000)), iotest.ErrReader(io.ErrClosedPipe)), 100_000)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Equal(t, []string{"1 a"}, lines)
	lines, err = readLines(t, bytes.NewReader(compressed.Gzip(t, []byte("a\nb\n"))[:20]), 100)
	require.ErrorContains(t, err, "the file is cut")
	require.Less(t, len(lines), 3)
	lines, err = readLines(t, strings.NewReader(""), 100)
	require.NoError(t, err)
	require.Empty(t, lines)
}

// Reading stops when nobody wants more, also behind a line that is too long.
func TestLinesStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.jsonl", "b.jsonl"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("long line\nx\n"), 0o600))
	}
	for most, want := range map[int]int{5: 1, 100: 1} {
		n := 0
		for range Lines(t.Context(), []string{dir}, nil, most) {
			n++
			break
		}
		require.Equal(t, want, n)
	}
}
