package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/internal/soak"
)

// commandLine runs factload, which is this program under another name, in a directory of its own.
type commandLine struct {
	dir string
	env []string
}

func newCommandLine(t *testing.T) *commandLine {
	t.Helper()
	library, err := embedded.FindLibrary("")
	require.NoError(t, err)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return &commandLine{dir: dir, env: append(os.Environ(), embedded.LibraryEnv+"="+library, "HOME="+dir)}
}

// start starts a command. It is killed at the end of the test.
func (c *commandLine) start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.Command(self), done: make(chan struct{})}
	p.cmd.Args = append([]string{"factload"}, args...)
	p.cmd.Dir, p.cmd.Env = c.dir, c.env
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // if the test has failed
		<-p.done
	})
	return p
}

// run runs a command, which must end well, and returns what it prints.
func (c *commandLine) run(t *testing.T, args ...string) string {
	t.Helper()
	p := c.start(t, args...)
	<-p.done
	require.Zero(t, p.cmd.ProcessState.ExitCode(), "factload %s: %s", strings.Join(args, " "), &p.err)
	return strings.TrimSpace(p.out.String())
}

// messages writes a file of sample messages.
func (c *commandLine) messages(ctx context.Context, name string, rows int, seed uint64) error {
	var text bytes.Buffer
	if _, err := sample.Write(ctx, &text, "message", rows, seed); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, name), text.Bytes(), 0o600)
}

// noEngine waits until no engine is left that runs on the data directory.
func (c *commandLine) noEngine(t *testing.T, data string) {
	t.Helper()
	require.Eventually(t, func() bool {
		processes, err := filepath.Glob("/proc/[0-9]*/cwd")
		require.NoError(t, err)
		for _, p := range processes {
			if at, err := os.Readlink(p); err == nil && at == filepath.Join(c.dir, data) {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond, "an engine is left")
}

// TestSoakCommandsTogether starts many commands at once on one data directory, and kills some of
// them at random. Whoever is left ends well; no engine is left; no row is lost or doubled.
func TestSoakCommandsTogether(t *testing.T) {
	t.Parallel()
	const files, rows = 8, 500
	c := newCommandLine(t)
	seed := soak.Seed(t)
	for i := range files {
		require.NoError(t, c.messages(t.Context(), fmt.Sprintf("%d.jsonl", i), rows, uint64(i)))
	}
	c.run(t, "apply", "message", "--yes")
	load := func(i int) []string {
		return []string{"load", "--schema", "message", "--chunk-bytes", "64KiB", fmt.Sprintf("%d.jsonl", i)}
	}
	atOnce := soak.Scale(6, 20)
	tally := make(map[string]int)
	for round := range soak.Trials(t, 1, 60) {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range atOnce {
			args := [][]string{
				load(r.IntN(files)), load(r.IntN(files)),
				{"query", "SELECT count() FROM message"},
				{"query", "SELECT sleep(1)"},
				{"status"},
				{"loads"},
				{"verify", "message"},
				{"apply", "message", "--yes"},
				{"schemas"},
			}[r.IntN(9)]
			how := []syscall.Signal{0, 0, 0, syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}[r.IntN(6)]
			after := time.Duration(r.Int64N(int64(3 * time.Second)))
			p := c.start(t, args...)
			wg.Go(func() {
				word := p.endBy(t, how, after)
				mu.Lock()
				defer mu.Unlock()
				tally[args[0]+" "+word]++
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("ends: %v", tally)
	for i := range files {
		c.run(t, load(i)...)
	}
	require.Equal(t, fmt.Sprintf("%d\t%d", files*rows, files*rows), c.run(t, "query", "--format", "TSV", "SELECT count(), uniqExact(id) FROM message"))
	c.noEngine(t, ".factload/data")
}

// endBy waits for the end of a command, which a signal may hasten, and says how it ended. One
// that was not disturbed must end well, and one that was interrupted must say so or end well.
func (p *process) endBy(t *testing.T, how syscall.Signal, after time.Duration) string {
	if how != 0 {
		select {
		case <-p.done:
		case <-time.After(after):
			_ = p.cmd.Process.Signal(how) // it may have ended at this moment
		}
	}
	select {
	case <-p.done:
	case <-time.After(3 * time.Minute):
		_ = p.cmd.Process.Kill()
		t.Errorf("%v does not end after %v: %s", p.cmd.Args, how, &p.err)
		return "hangs"
	}
	switch code := p.cmd.ProcessState.ExitCode(); {
	case code == 0:
		return "well"
	case how == syscall.SIGKILL && code < 0:
		return "killed"
	case how != 0 && how != syscall.SIGKILL && (code == 128+int(how) || code < 0): // before it listens to signals
		return "interrupted"
	default:
		t.Errorf("%v ended with %d after %v: %s", p.cmd.Args, code, how, &p.err)
		return "badly"
	}
}
