//go:build linux && (amd64 || arm64)

package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.False(t, HasData(dir))
	require.False(t, HasData(filepath.Join(dir, "none")))
	s := start(t, Config{DataDir: dir})
	check := func(text string) {
		require.Contains(t, text, dir)
		require.Contains(t, text, "process "+strconv.Itoa(s.PID()))
		require.Contains(t, text, "--dsn-file "+s.DSNFile())
		require.NotContains(t, text, s.cfg.Password)
	}
	_, err := Start(t.Context(), Config{DataDir: dir})
	require.ErrorIs(t, err, ErrInUse)
	check(err.Error())
	require.True(t, HasData(dir))
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, InUseError{DataDir: dir, PID: s.PID(), DSNFile: s.DSNFile(), parent: os.Getpid()}, *inUse)

	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	_, err = Start(t.Context(), Config{DataDir: link})
	require.ErrorIs(t, err, ErrInUse, "by another name")

	_, _, line := serve(t, dir)
	require.Contains(t, line, "error: ")
	check(line)
	require.Equal(t, "1", query(t, s, "SELECT 1"), "the first is not disturbed")
	require.FileExists(t, s.DSNFile())
}

// Restart takes the lock anew, since nobody holds it after the engine has died.
func TestRestartWhenTheDirectoryIsTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Config{DataDir: dir})
	require.NoError(t, s.Kill())
	other := start(t, Config{DataDir: dir})
	require.ErrorIs(t, s.Restart(t.Context()), ErrInUse)
	require.NoError(t, other.Stop(t.Context()))
	require.NoError(t, s.Restart(t.Context()))
}

func TestStartsThatRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const racers = 5
	var servers [racers]*Server
	var errs [racers]error
	var group sync.WaitGroup
	for i := range racers {
		group.Go(func() { servers[i], errs[i] = Start(t.Context(), Config{DataDir: dir}) })
	}
	group.Wait()
	winners := 0
	for i, s := range servers {
		if errs[i] != nil {
			require.ErrorIs(t, errs[i], ErrInUse)
			continue
		}
		winners++
		require.Equal(t, "1", query(t, s, "SELECT 1"))
		require.NoError(t, s.Stop(t.Context()))
	}
	require.Equal(t, 1, winners)
}

// When the parent is killed, the engine is gone soon, and a new Start on the directory waits for that. An engine that is
// stopped cannot see that its pipe has closed, so that one is killed by the kernel; TestChildEndsWhenThePipeCloses is
// about the other way.
func TestParentIsKilled(t *testing.T) {
	t.Parallel()
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%t", stopped), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			parent, _, line := serve(t, dir)
			pidText, _, _ := strings.Cut(line, " ")
			pid, err := strconv.Atoi(pidText)
			require.NoError(t, err, line)
			require.True(t, alive(pid))
			if stopped {
				require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
			}
			require.NoError(t, parent.Process.Signal(syscall.SIGKILL))
			require.Error(t, parent.Wait())
			s := start(t, Config{DataDir: dir})
			require.Eventually(t, func() bool { return !alive(pid) }, deadline, tick)
			require.NotEqual(t, pid, s.PID())
			require.Equal(t, "1", query(t, s, "SELECT 1"))
		})
	}
}

// When the parent ends without a word, the engine ends, too.
func TestParentEndsWithoutStop(t *testing.T) {
	t.Parallel()
	parent, stdin, line := serve(t, t.TempDir())
	pidText, _, _ := strings.Cut(line, " ")
	pid, err := strconv.Atoi(pidText)
	require.NoError(t, err, line)
	require.True(t, alive(pid))
	require.NoError(t, stdin.Close())
	require.NoError(t, parent.Wait())
	require.Eventually(t, func() bool { return !alive(pid) }, deadline, tick)
}

// alive reports whether a process runs; one that has died and waits for its parent does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// The lock belongs to the engine process as well, so that nobody else uses the data while it lives.
func TestChildHoldsTheLock(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	lock, err := os.Stat(s.files.lock())
	require.NoError(t, err)
	inherited, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%d", s.PID(), lockFD))
	require.NoError(t, err)
	require.True(t, os.SameFile(lock, inherited))
}

func TestOrphan(t *testing.T) {
	t.Parallel()
	require.False(t, holder{}.orphan(), "nobody has said yet who it is")
	require.False(t, holder{Parent: os.Getpid()}.orphan())
	require.True(t, holder{Parent: 1 << 30}.orphan())
}

// An orphan that does not die keeps the directory.
func TestOrphanThatLives(t *testing.T) {
	t.Parallel()
	files := layout{t.TempDir()}
	lock, err := lockDir(t.Context(), files)
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, writeHolder(lock, holder{PID: 4711, Parent: 1 << 30}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*orphanInterval)
	defer cancel()
	_, err = lockDir(ctx, files)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, "process 4711")
}
