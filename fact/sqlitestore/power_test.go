//go:build linux

package sqlitestore_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/soak"
)

// TestSoakPowerLoss: what a disk has at the moment at which the power fails has each
// acknowledged append. The file is on a file system of its own, and a copy of that one's
// image is what the disk has: nothing that was not synced is in it.
func TestSoakPowerLoss(t *testing.T) {
	if os.Getenv(soak.Env) == "" || os.Geteuid() != 0 {
		t.Skip("it mounts file systems: run it as root, with " + soak.Env)
	}
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 64<<20))
	run(t, "mkfs.ext4", "-q", image)
	disk := mount(t, image)
	path := filepath.Join(disk, "log.db")
	var acknowledged []string
	for n := range soak.Trials(t, 1, 100) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimPath+"="+path)
		acknowledged = append(acknowledged, storetest.KilledVictim(t, cmd, time.Duration(rand.IntN(100))*time.Millisecond)...)
		require.NoError(t, os.WriteFile(filepath.Join(disk, "unsynced"), []byte("x"), 0o600))
		after := filepath.Join(dir, "after")
		run(t, "cp", "--sparse=always", image, after)

		t.Run("", func(t *testing.T) {
			left := mount(t, after)
			text, _ := os.ReadFile(filepath.Join(left, "unsynced")) // it may not be there
			require.Empty(t, text, "the copy has what was not synced")
			path := filepath.Join(left, "log.db")
			store := open(t, sqlitestore.Config{Path: path})
			storetest.RequireWhole(t, store, acknowledged)
			require.NoError(t, store.Close(t.Context()))
			require.NoError(t, check(path))
		})
		require.NoError(t, os.Remove(filepath.Join(disk, "unsynced")), n)
	}
	t.Logf("%d acknowledged appends", len(acknowledged))
}

// mount mounts an image until the test ends.
func mount(t *testing.T, image string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	run(t, "mount", "-o", "loop", image, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}
