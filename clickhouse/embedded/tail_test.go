//go:build linux && (amd64 || arm64)

package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLastLinesLeavesOutNoise(t *testing.T) {
	t.Parallel()
	text := `Logging warning to /data/log/clickhouse.log
2026.11.23 02:06:47 [ 1 ] {} <Error> executeQuery: Code: 47. DB::Exception: Unknown x. (UNKNOWN_IDENTIFIER), Stack trace (when copying this message, always include the lines below):

0. ? @ 0x000000001c8fa4b3
25. start_thread @ 0x00000000000891f5
 (version 26.7.2.1)
2026.11.23 02:06:48 [ 1 ] {} <Fatal> ClientBase: 5. abort @ 0x0000000000026472
the end`
	require.Equal(t, []string{
		"2026.11.23 02:06:47 [ 1 ] {} <Error> executeQuery: Code: 47. DB::Exception: Unknown x. (UNKNOWN_IDENTIFIER)",
		"the end",
	}, lastLines([]byte(text)))
}

func TestLogFileLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	require.Empty(t, openLog(path).lines(), "no file yet")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("old\n")
	log := openLog(path)
	require.Empty(t, log.lines())
	write("old\nnew\n")
	require.Equal(t, []string{"new"}, log.lines())
	write("a\n")
	require.Equal(t, []string{"a"}, log.lines(), "rotated")
	write("old\n" + strings.Repeat("x", tailBytes) + "\nlast\n")
	require.Equal(t, "last", log.lines()[len(log.lines())-1], "only the end of a long file is read")
}

func TestReadReport(t *testing.T) {
	t.Parallel()
	read := func(text string) (report, error) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		_, err = w.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		defer r.Close()
		return readReport(t.Context(), r)
	}
	got, err := read("9000\t8123\n")
	require.NoError(t, err)
	require.Equal(t, report{native: 9000, http: 8123}, got)
	got, err = read(reportOpen + "\"no landlock\"\n9000\t8123\n")
	require.NoError(t, err)
	require.Equal(t, uint16(8123), got.http)
	require.EqualError(t, got.open, "no landlock")
	for line, want := range map[string]string{
		"\n":                             `"" as a port`,
		"9000\n":                         `"" as a port`,
		"9000\t0\n":                      `"0" as a port`,
		"9000\t70000\n":                  `"70000" as a port`,
		"9000\t8123":                     errNoReport.Error(),
		reportFailure + `"a\nb"` + "\n":  "a\nb",
		reportFailure + `no json` + "\n": "no json",
	} {
		_, err := read(line)
		require.ErrorContains(t, err, want)
	}
}
