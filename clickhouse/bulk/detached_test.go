//go:build unix

package bulk

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/compressed"
)

// fifo makes a named pipe. At the end of the test it gets a writer for a moment,
// so that no open waits any longer.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo.jsonl")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	t.Cleanup(func() {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	})
	return path
}

// soon runs f and fails the test if that takes long.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		require.FailNow(t, "it still waits")
	}
}

func TestLoadReadsPipes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(fifo(t))
	var total int64
	cfg.Progress = func(p Progress) { total = p.Total }
	for i := range 3 { // each time another content by the same name, as <(command) has it
		text := compressed.Gzip(t, lines(i*1000, i*1000+1000))
		go func() { _ = os.WriteFile(cfg.Inputs[0], text, 0o600) }()
		require.EqualValues(t, 1000, r.load(cfg).Rows)
		require.Zero(t, total, "nobody knows")
	}
}

func TestLoadInterruptedWhileItWaitsForAPipe(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(fifo(t))
	writer, err := os.OpenFile(cfg.Inputs[0], os.O_RDWR, 0)
	require.NoError(t, err)
	defer writer.Close()
	_, err = writer.Write(lines(0, 10))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.progressEvery = time.Millisecond
	cfg.Progress = func(p Progress) {
		if p.Read > 0 {
			cancel()
		}
	}
	soon(t, func() { _, err = Load(ctx, cfg) })
	require.ErrorIs(t, err, context.Canceled)
}

func TestLoadInterruptedWhileNobodyWritesToAPipe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	soon(t, func() {
		_, err = Load(ctx, Config{DryRun: true, Targets: map[string]Target{"items": items()}, Schema: "items", Inputs: []string{fifo(t)}})
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestLinesInterruptedWhileTheyWait(t *testing.T) {
	t.Parallel()
	path := fifo(t)
	writer, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer writer.Close()
	stdin, stdinWriter := io.Pipe()
	defer stdinWriter.Close()
	go func() { _, _ = stdinWriter.Write(lines(0, 1000)) }()
	_, err = writer.Write(lines(0, 1000))
	require.NoError(t, err)
	for _, input := range []string{path, "-"} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var last error
		soon(t, func() {
			for _, last = range Lines(ctx, []string{input}, stdin, 100) {
				if n++; n == 1000 {
					cancel()
				}
			}
		})
		require.Equal(t, 1001, n, input)
		require.ErrorIs(t, last, context.Canceled)
		require.Equal(t, input+": context canceled", last.Error())
	}
}
