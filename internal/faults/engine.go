package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
)

// Engine is an engine on a small disk of its own.
type Engine struct {
	*embedded.Server
	disk string // empty: it is not a disk of its own
}

// Start starts an engine that ends with the test. Without the right to mount a disk for it, the
// faults that use up a disk are left out.
func Start(t testing.TB) *Engine {
	t.Helper()
	dir := t.TempDir()
	e := &Engine{disk: dir}
	if err := mount(t, dir); err != nil {
		t.Logf("NO DISK IS USED UP: one cannot be mounted (%v)", err)
		e.disk = ""
	}
	e.Server = enginetest.Start(t, embedded.Config{DataDir: filepath.Join(dir, "engine")})
	return e
}

// Faults returns the ways to break the engine and its disk. A kill at any moment is
// twice as likely as others.
func (e *Engine) Faults() []Fault {
	all := []Fault{
		{"engine killed", e.kill},
		{"engine killed", e.kill},
		{"engine stopped", e.stop},
		{"engine killed in a rename", e.killInRename},
	}
	if e.disk != "" {
		all = append(all, e.diskFaults()...)
	}
	return all
}

// FullDisk returns the way to leave no byte free on the engine's disk. It is for when no table
// is made or changed meanwhile: the engine keeps empty statements then, and does not start with them.
func (e *Engine) FullDisk() []Fault {
	if e.disk == "" {
		return nil
	}
	return e.fullDisk()
}

func (e *Engine) kill(ctx context.Context, t testing.TB, _ *rand.Rand) (heal func()) {
	require.NoError(t, e.Kill())
	return func() { require.NoError(t, e.Restart(ctx)) }
}

func (e *Engine) stop(ctx context.Context, t testing.TB, _ *rand.Rand) (heal func()) {
	require.NoError(t, e.Stop(ctx))
	return func() { require.NoError(t, e.Restart(ctx)) }
}

// killInRename kills the engine as it gives a new part its name: it has noted the token
// then and does not have the part. Without strace it is killed at any moment.
func (e *Engine) killInRename(ctx context.Context, t testing.TB, rnd *rand.Rand) (heal func()) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("NO ENGINE IS KILLED IN A RENAME: there is no strace")
		return e.kill(ctx, t, rnd)
	}
	const renames = "rename,renameat,renameat2"
	kill := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", os.DevNull, "-p", fmt.Sprint(e.PID()), //nolint:gosec // a process of the test
		"-e", "trace="+renames, "-e", fmt.Sprintf("inject=%s:error=EIO:signal=SIGKILL:when=%d", renames, 1+rnd.IntN(6)))
	require.NoError(t, kill.Start())
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-e.Done():
	case <-timer.C: // nobody inserts
	}
	return func() {
		require.NoError(t, e.Kill())
		_ = kill.Wait() // it ends with the engine
		require.NoError(t, e.Restart(ctx))
	}
}
