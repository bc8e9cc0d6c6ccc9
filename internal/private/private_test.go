//go:build unix

package private

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// stranger is a user that this test is not.
const stranger = 65534

func write(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestWriteReplacesWhatWasPlanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := write(t, filepath.Join(dir, "victim"), 0o644)
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(victim, link))
	open := write(t, filepath.Join(dir, "open"), 0o666)
	for _, path := range []string{link, open, filepath.Join(dir, "new")} {
		require.NoError(t, Write(path, []byte("secret")))
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), path)
		require.Equal(t, "secret", text(t, path))
	}
	require.Equal(t, "precious", text(t, victim))
	require.Error(t, Write(filepath.Join(dir, "none", "x"), nil))
	require.Error(t, Write(dir, nil), "a directory is in the way")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "nothing else is left behind")
}

func TestOpenRefusesWhatWasPlanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := write(t, filepath.Join(dir, "victim"), 0o644)
	link, hard := filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	require.NoError(t, os.Symlink(victim, link))
	_, err := Open(link)
	require.ErrorContains(t, err, "is a link to another file")
	require.NoError(t, os.Link(victim, hard))
	_, err = Open(hard)
	require.ErrorContains(t, err, "is another name of a file elsewhere")
	_, err = Open(write(t, filepath.Join(dir, "open"), 0o666))
	require.ErrorContains(t, err, "every user of this machine may write")
	f, err := Open(filepath.Join(dir, "new"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, "precious", text(t, victim))
}

func TestReadAndCheckDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := Read(write(t, filepath.Join(dir, "mine"), 0o640))
	require.NoError(t, err)
	require.Equal(t, "precious", string(b))
	_, err = Read(write(t, filepath.Join(dir, "open"), 0o666))
	require.ErrorContains(t, err, "chmod o-w")
	require.NoError(t, CheckDir(dir))
	require.NoError(t, os.Chmod(dir, 0o777))
	require.ErrorContains(t, CheckDir(dir), "chmod o-w")
}

// Only root can give files away, and the case needs some that are another user's.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give a file to another user")
	}
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "theirs"), 0o644)
	require.NoError(t, os.Chown(path, stranger, stranger))
	_, err := Read(path)
	require.ErrorContains(t, err, "belongs to user 65534, and this program runs as user 0")
	_, err = Open(path)
	require.ErrorContains(t, err, "belongs to user 65534")
	require.NoError(t, os.Chown(dir, stranger, stranger))
	require.ErrorContains(t, CheckDir(dir), "belongs to user 65534")
}
