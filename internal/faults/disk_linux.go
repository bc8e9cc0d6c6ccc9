package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/enginetest"
)

// mount makes the directory a small disk of its own until the test ends.
func mount(t testing.TB, dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1g,nr_inodes=20000,mode=0700"); err != nil {
		return err
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return nil
}

// diskFaults are those of a small disk.
func (e *Engine) diskFaults() []Fault { return []Fault{{"no inodes", e.takeInodes}} }

func (e *Engine) fullDisk() []Fault { return []Fault{{"no free byte", e.takeBytes}} }

// takeInodes leaves no file to be made on the engine's disk.
func (e *Engine) takeInodes(_ context.Context, t testing.TB, _ *rand.Rand) (heal func()) {
	dir := filepath.Join(e.disk, "taken")
	err := os.Mkdir(dir, 0o700)
	for i := 0; err == nil; i++ {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return func() { require.NoError(t, os.RemoveAll(dir)) }
}

// takeBytes leaves no byte free on the engine's disk. The last ones go when no insert and no merge is
// running that found some: an engine acknowledges what it could not write in full.
func (e *Engine) takeBytes(ctx context.Context, t testing.TB, _ *rand.Rand) (heal func()) {
	path := filepath.Join(e.disk, "filler")
	file, err := os.Create(path)
	require.NoError(t, err)
	size := fill(t, file, 0, lastBytes)
	began := time.Now()
	db := &enginetest.DB{HTTPDSN: e.HTTPDSN()}
	require.Eventually(t, func() bool {
		sql := fmt.Sprintf("SELECT (SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND elapsed > %f) + (SELECT count() FROM system.merges WHERE elapsed > %[1]f)", time.Since(began).Seconds())
		running, err := db.Try(ctx, sql)
		return err == nil && strings.TrimSpace(running) == "0"
	}, time.Minute, 20*time.Millisecond, "inserts that began before the disk was full do not end")
	fill(t, file, size, 0)
	require.NoError(t, file.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// lastBytes is less than the engine keeps free.
const lastBytes = 32 << 20

// fill makes a file so long that just that many bytes, or a few less, are left on its disk. It returns the new size.
func fill(t testing.TB, file *os.File, size, left int64) int64 {
	var disk syscall.Statfs_t
	require.NoError(t, syscall.Statfs(file.Name(), &disk))
	piece := max(int64(disk.Bavail)*disk.Bsize-left, disk.Bsize) //nolint:gosec // a small disk
	for piece > 0 {
		if err := syscall.Fallocate(int(file.Fd()), 0, size, piece); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			piece /= 2
			continue
		}
		size += piece
		if left > 0 {
			break
		}
	}
	return size
}
