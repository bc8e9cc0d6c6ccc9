package main

import (
	"fmt"
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
	{regexp.MustCompile(`[\d,]+ rows/s  `), "12,345 rows/s  "},
	{regexp.MustCompile(`\d+(\.\d+)?[KM]iB  `), "1.234MiB  "},
	// Sizes and parts depend on merges, and tables are as wide as they are.
	{regexp.MustCompile(`[\d.]+(?:Ki)?B( │|\r)`), "1.234KiB$1"},
	{regexp.MustCompile(`(KiB │ +|  parts +)\d+`), "${1}2"},
	{regexp.MustCompile(` +│ +`), " │ "},
	{regexp.MustCompile(`─+`), "─"},
	{regexp.MustCompile(`WRONG  disk.*\r\n.*\r\n`), "ok     disk           more than a tenth of each disk is free\r\n"},
}

// screen is of a factload that runs on a terminal of so many columns, in a directory.
type screen struct {
	cmd     *exec.Cmd
	file    *os.File
	columns int
	dir     string
	raw     []byte // what it has printed
}

// screenRows is how many lines a terminal has.
const screenRows = 100

func startScreen(t *testing.T, dir string, columns int, stdin io.Reader, args ...string) *screen {
	t.Helper()
	return startProgram(t, filepath.Join(dir, "bin", "factload"), dir, columns, stdin, args...)
}

func startProgram(t *testing.T, path, dir string, columns int, stdin io.Reader, args ...string) *screen {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir, cmd.Stdin = dir, stdin
	library, err := embedded.FindLibrary("")
	require.NoError(t, err)
	cmd.Env = append(os.Environ(), embedded.LibraryEnv+"="+library, "HOME="+dir, "TERM=xterm", "NO_COLOR=1")
	file, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: screenRows, Cols: uint16(columns)}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return &screen{cmd: cmd, file: file, columns: columns, dir: dir}
}

// until reads until the screen shows a text, and to the end of the program if that is empty.
func (s *screen) until(t *testing.T, text string) string {
	t.Helper()
	some := make([]byte, 4096)
	for {
		n, err := s.file.Read(some)
		s.raw = append(s.raw, some[:n]...)
		shown := s.shown(t)
		if text != "" && strings.Contains(shown, text) {
			return shown
		}
		if err != nil { // the program has ended
			require.Empty(t, text, "%s", shown)
			_ = s.cmd.Wait() // the exit code is for other tests
			return shown
		}
	}
}

// shown is what a person sees.
func (s *screen) shown(t *testing.T) string {
	t.Helper()
	text := strings.ReplaceAll(string(s.raw), s.dir, "/home/me")
	for _, c := range changing {
		text = c.find.ReplaceAllString(text, c.text)
	}
	term := vt10x.New(vt10x.WithSize(s.columns, screenRows))
	_, err := io.WriteString(term, text)
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(term.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return "$ " + filepath.Base(s.cmd.Path) + " " + strings.Join(s.cmd.Args[1:], " ") + "\n" + strings.TrimRight(b.String(), "\n") + "\n"
}

// requireScreen compares a screen with the one that is kept. UPDATE_SCRIPTS=1 writes it anew: look at it.
func requireScreen(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "screens", name+".txt")
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, name)
}

// What people see most, on terminals of several widths: files of a load, plans, the state of things, errors.
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
		requireScreen(t, s.name, startScreen(t, dir, s.columns, nil, s.args...).until(t, ""))
	}
	for _, columns := range []int{40, 80, 200} { // of a load that goes on: its second input waits
		stdin, more, err := os.Pipe()
		require.NoError(t, err)
		args := slices.Concat(load[:5], []string{"monday.jsonl", "-", "--chunk-bytes", "64KiB", "--data", fmt.Sprint("going_on_", columns)})
		s := startScreen(t, dir, columns, stdin, args...)
		_, err = more.WriteString(files["monday.jsonl"] + files["wednesday.jsonl"])
		require.NoError(t, err)
		requireScreen(t, fmt.Sprint("load_going_on_", columns), s.until(t, "3,048 rows"))
		require.NoError(t, more.Close())
		s.until(t, "")
	}
}

// The demo, with a tenth of its rows.
func TestScreenOfDemo(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	factload := filepath.Join(dir, "bin", "factload")
	require.NoError(t, os.Symlink(self, factload))
	demo, err := filepath.Abs("../../demo/run.sh")
	require.NoError(t, err)
	s := startProgram(t, "/usr/bin/env", dir, 120, nil, "FACTLOAD_DEMO_PERCENT=10", "FACTLOAD="+factload, demo, filepath.Join(dir, "demo"))
	shown := strings.ReplaceAll(s.until(t, ""), filepath.Dir(demo), "demo")
	_, shown, _ = strings.Cut(shown, "\n") // the line of the command has paths
	requireScreen(t, "demo_120", shown)
}
