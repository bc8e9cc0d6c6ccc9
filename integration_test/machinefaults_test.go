package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inodes is how many files there may be on a small disk.
const inodes = 20_000

// smallDisk mounts a disk of its own for an engine, whose files can be used up. Without
// the right to mount it is a usual directory, and that fault is left out. A disk without a
// free byte is not among the faults: the engine itself may keep a part then whose marks
// it could not write.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=1g,nr_inodes=%d,mode=0700", inodes)); err != nil {
		t.Logf("NO TRIAL RUNS OUT OF INODES: a disk cannot be mounted (%v)", err)
		return dir
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// isSmallDisk reports whether a directory is a disk whose files may be used up.
func isSmallDisk(dir string) bool {
	var disk syscall.Statfs_t
	return syscall.Statfs(dir, &disk) == nil && disk.Files == inodes
}

// takeInodes leaves no file to be made on the engine's disk.
func takeInodes(_ context.Context, tr *trial) (heal func()) {
	if !isSmallDisk(tr.dir) {
		return func() {}
	}
	dir := filepath.Join(tr.dir, "taken")
	err := os.Mkdir(dir, 0o700)
	for i := 0; err == nil; i++ {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600)
	}
	require.ErrorIs(tr, err, syscall.ENOSPC)
	return func() { require.NoError(tr, os.RemoveAll(dir)) }
}

// killInRename kills the engine as it gives a new part its name: it has noted the token
// then and does not have the part. Without strace it is killed at any moment.
func killInRename(ctx context.Context, tr *trial) (heal func()) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		tr.Log("NO ENGINE IS KILLED IN A RENAME: there is no strace")
		return killEngine(ctx, tr)
	}
	const renames = "rename,renameat,renameat2"
	kill := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", os.DevNull, "-p", fmt.Sprint(tr.engine.PID()),
		"-e", "trace="+renames, "-e", fmt.Sprintf("inject=%s:error=EIO:signal=SIGKILL:when=%d", renames, 1+tr.rng.IntN(6)))
	require.NoError(tr, kill.Start())
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-tr.engine.Done():
	case <-timer.C: // nobody inserts
	}
	return func() {
		require.NoError(tr, tr.engine.Kill())
		_ = kill.Wait() // it ends with the engine
		require.NoError(tr, tr.engine.Restart(ctx))
	}
}
