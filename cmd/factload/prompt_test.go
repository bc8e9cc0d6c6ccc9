package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
)

// terminal is a program on a terminal of its own.
type terminal struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	seen bytes.Buffer // since the last expect
	done chan struct{}
}

// startTerminal runs factload, which is this test binary, on a terminal of 24 lines.
func startTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	library, err := embedded.FindLibrary("")
	require.NoError(t, err)
	dir := t.TempDir()
	// testscript.Main makes a program of the test binary when it has the name of a command.
	program := dir + "/factload"
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, program))
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), embedded.LibraryEnv+"="+library, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "TERM=xterm", "PAGER=cat")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 120})
	require.NoError(t, err)
	term := &terminal{t: t, file: file, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		buf := make([]byte, 4096)
		for {
			n, err := file.Read(buf)
			term.mu.Lock()
			term.seen.Write(buf[:n])
			term.mu.Unlock()
			// A terminal is asked where its cursor is.
			for range strings.Count(string(buf[:n]), "\x1b[6n") {
				_, _ = file.WriteString("\x1b[1;1R")
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = file.Close()
		<-term.done
	})
	return term
}

// typed types a line when the prompt waits for one.
func (c *terminal) typed(text string) {
	c.t.Helper()
	c.expect("factload> ")
	c.expect("\x1b[?25h") // the cursor is shown when all is drawn
	c.press(text)
}

func (c *terminal) press(keys string) {
	c.t.Helper()
	_, err := c.file.WriteString(keys)
	require.NoError(c.t, err)
}

// expectWait is how long a text may take to be shown, on a busy machine.
const expectWait = time.Minute

// expect waits until the terminal shows a text, and forgets what it has shown until then.
func (c *terminal) expect(text string) {
	c.t.Helper()
	shows := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, rest, found := strings.Cut(c.seen.String(), text)
		if found {
			c.seen.Reset()
			c.seen.WriteString(rest)
		}
		return found
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(expectWait); !shows(); <-tick.C {
		if time.Now().After(end) {
			c.mu.Lock()
			defer c.mu.Unlock() //nolint:gocritic // the test ends here
			require.FailNow(c.t, "not shown", "%q; the terminal shows %q", text, c.seen.String()[max(0, c.seen.Len()-2000):])
		}
	}
}

// A person at the prompt: statements over several lines, completion, history, a mistake, Ctrl-C, Ctrl-D.
func TestPrompt(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{})
	client, err := clickhouse.Open(engine.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	running := func() int {
		var rows []struct {
			ID string `ch:"query_id"`
		}
		require.NoError(t, client.Select(t.Context(), &rows, "SELECT query_id FROM system.processes WHERE query LIKE '%AS once%' AND query NOT LIKE '%system.processes%'"))
		return len(rows)
	}
	c := startTerminal(t, "query", "--config", "none", "--dsn", engine.HTTPDSN())
	c.expect("Ctrl-D to leave")
	c.typed("SELECT 40\r+ 2 AS answer;\r")
	c.expect("─answer─")
	c.expect("42")

	c.typed("CREATE TABLE some_long_name (number_of_things UInt8) ENGINE = Memory; INSERT INTO some_long_name VALUES (77); SELECT concat('rea', 'dy');\r")
	c.expect("│ ready")
	c.typed("SELECT number_of_t\t FROM some_lo\t;\r")
	c.expect("number_of_things─")
	c.expect("77")
	c.typed("\\d some_long_name\r")
	c.expect("│ UInt8")
	c.typed("\\timing\r")
	c.expect("timing is on")
	c.typed("SELEC 1;\r")
	c.expect("SYNTAX_ERROR")
	c.expect(" s\r\n")

	c.typed("SELECT 'once' AS once, sleepEachRow(3) FROM numbers(1000) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0;\r")
	require.Eventually(t, func() bool { return running() == 1 }, time.Minute, 50*time.Millisecond)
	c.press("\x03")
	c.expect("cancelled")
	require.Eventually(t, func() bool { return running() == 0 }, time.Minute, 50*time.Millisecond, "the server has ended it as well")

	c.typed("\x1b[A") // what was typed last
	c.expect("once")
	c.press("\x03")
	c.typed("\x04")
	require.NoError(t, c.cmd.Wait())
}

// A terminal gets the first lines of an answer that has a billion, and is told how to get the others.
func TestTerminalGetsFirstLines(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{})
	c := startTerminal(t, "query", "--config", "none", "--dsn", engine.HTTPDSN(), "--format", "CSV", "SELECT number FROM numbers(1000000000)")
	c.expect("\n1999\r\n")
	c.expect("these are the first 2,000 lines: --output FILE, or a pipe, gets all")
	require.NoError(t, c.cmd.Wait())
}
