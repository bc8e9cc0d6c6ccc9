package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
)

// changing is what is different on every machine and every time, and what stands for it on the screens.
var changing = []struct {
	find *regexp.Regexp
	text string
}{
	{regexp.MustCompile(`time=\S+`), "time=NOW"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "2026-01-02 03:04:05"},
	{regexp.MustCompile(`\d+\.\d\d s\b`), "0.12 s"},
	{regexp.MustCompile(`[\d,]+ rows/s, [\d.]+[KMG]?i?B/s`), "12,345 rows/s, 1.234MiB/s"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:9000"},
	{regexp.MustCompile(`process \d+`), "process 1234"},
	{regexp.MustCompile(`up for \S+`), "up for 0s"},
	{regexp.MustCompile(`[\d.]+[mµ]s a query`), "1.2ms a query"},
	{regexp.MustCompile(`[\d.]+[GT]iB (of|free)`), "100GiB $1"},
	{regexp.MustCompile(`ClickHouse [\d.]+`), "ClickHouse 1.2.3.4"},
	{regexp.MustCompile(`rows, \d+B`), "rows, 725B"},
	// Sizes and parts depend on merges, and tables are as wide as they are.
	{regexp.MustCompile(`[\d.]+(?:Ki)?B( │|\r)`), "1.234KiB$1"},
	{regexp.MustCompile(`(KiB │ +|  parts +)\d+`), "${1}2"},
	{regexp.MustCompile(` +│ +`), " │ "},
	{regexp.MustCompile(`─+`), "─"},
	{regexp.MustCompile(`WRONG  disk.*\r\n.*\r\n`), "ok     disk           more than a tenth of each disk is free\r\n"},
}

// screen runs factload on a terminal of so many columns, in a directory, and returns what a person sees at the end.
func screen(t *testing.T, dir string, columns int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "factload"), args...)
	cmd.Dir = dir
	library, err := embedded.FindLibrary("")
	require.NoError(t, err)
	cmd.Env = append(os.Environ(), embedded.LibraryEnv+"="+library, "HOME="+dir, "TERM=xterm", "NO_COLOR=1")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 60, Cols: uint16(columns)})
	require.NoError(t, err)
	defer file.Close()
	raw, _ := io.ReadAll(file) // it ends with an error when the program ends
	_ = cmd.Wait()             // the exit code is for other tests
	text := strings.ReplaceAll(string(raw), dir, "/home/me")
	for _, c := range changing {
		text = c.find.ReplaceAllString(text, c.text)
	}
	term := vt10x.New(vt10x.WithSize(columns, 60))
	_, err = io.WriteString(term, text)
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(term.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return "$ factload " + strings.Join(args, " ") + "\n" + strings.TrimRight(b.String(), "\n") + "\n"
}

// What people see most, on terminals of several widths: files of a load, plans, the state of things, errors.
// UPDATE_SCRIPTS=1 writes the screens anew: look at them.
func TestScreens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dir, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "bin", "factload")))
	files := map[string]string{
		"answer.yaml":  "name: answer\norder_by: [id]\nfields:\n  - {name: id, type: string}\n  - {name: tokens, type: uint16}\n",
		"changed.yaml": "name: answer\norder_by: [id]\nfields:\n  - {name: id, type: string}\n  - {name: tokens, type: uint32}\n  - {name: model, type: low_cardinality_string}\n",
		"monday.jsonl": strings.Repeat(`{"id":"a","tokens":1}`+"\n", 1000), "wednesday.jsonl": strings.Repeat(`{"id":"c","tokens":3}`+"\n", 3000),
		"a day with a rather long name of its own.jsonl": strings.Repeat(`{"id":"b","tokens":2}`+"\n", 2000) + `{"id":"b","tokens":"many"}` + "\n",
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	days := []string{"monday.jsonl", "a day with a rather long name of its own.jsonl", "wednesday.jsonl"}
	load := slices.Concat([]string{"load", "--schemas", "answer.yaml", "--schema", "answer"}, days)
	for _, s := range []struct {
		name    string
		columns int
		args    []string
	}{
		{"check_80", 80, slices.Concat([]string{"check"}, load[1:])},
		{"load_40", 40, slices.Concat(load, []string{"--data", "narrow"})},
		{"load_200", 200, slices.Concat(load, []string{"--data", "wide"})},
		{"load_80", 80, load},
		{"load_again_80", 80, load},
		{"loads_80", 80, []string{"loads"}},
		{"loads_200", 200, []string{"loads"}},
		{"plan_80", 80, []string{"plan", "--schemas", "changed.yaml", "answer"}},
		{"verify_80", 80, []string{"verify", "--schemas", "changed.yaml", "answer"}},
		{"status_40", 40, []string{"status"}},
		{"status_80", 80, []string{"status"}},
		{"doctor_80", 80, []string{"doctor"}},
		{"error_table_80", 80, []string{"query", "SELECT * FROM answers"}},
		{"error_schema_80", 80, []string{"load", "--schema", "answr", "monday.jsonl"}},
		{"error_server_80", 80, []string{"query", "--dsn", "clickhouse://127.0.0.1:1/x", "SELECT 1"}},
		{"error_command_80", 80, []string{"laod"}},
	} {
		got, path := screen(t, dir, s.columns, s.args...), filepath.Join("testdata", "screens", s.name+".txt")
		if os.Getenv("UPDATE_SCRIPTS") != "" {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, s.name)
	}
}
