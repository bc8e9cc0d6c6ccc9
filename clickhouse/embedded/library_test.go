//go:build linux && (amd64 || arm64)

package embedded

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const below = "engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"

const pinned = "26.7.3-stable.1"

func touch(t *testing.T, path string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	return path
}

func TestFindLibrary(t *testing.T) {
	home, cache := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv(LibraryEnv, "")
	work := filepath.Join(home, "a", "b")
	require.NoError(t, os.MkdirAll(work, 0o700))
	t.Chdir(work)

	find := func(explicit string) string {
		path, err := FindLibrary(explicit)
		require.NoError(t, err)
		return path
	}
	upward := touch(t, filepath.Join(home, ".factload", below))
	require.Equal(t, upward, find(""), "a directory above")
	here := touch(t, filepath.Join(work, ".factload", below))
	require.Equal(t, here, find(""), "the working directory comes first")
	inCache := touch(t, filepath.Join(cache, "factload", "engine", pinned, "libchdb.so"))
	require.Equal(t, inCache, find(""), "what was installed comes before what lies around")
	named := touch(t, filepath.Join(home, "named.so"))
	t.Setenv(LibraryEnv, named)
	require.Equal(t, named, find(""), "the environment comes before all places")
	explicit := touch(t, filepath.Join(work, "explicit.so"))
	require.Equal(t, explicit, find("explicit.so"), "the caller comes before the environment")
}

func TestFindLibraryNotFound(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv(LibraryEnv, "")
	t.Chdir(dir)
	_, err := FindLibrary("")
	var notFound *LibraryNotFoundError
	require.ErrorAs(t, err, &notFound)
	require.Contains(t, notFound.Looked, filepath.Join(dir, ".factload", below))
	require.Contains(t, notFound.Looked, filepath.Join(dir, "cache", "factload", "engine", pinned, "libchdb.so"))
	require.Contains(t, notFound.Looked, "/usr/local/lib/libchdb.so")
	for _, choice := range []string{"factload engine install", LibraryEnv, "DSN"} {
		require.ErrorContains(t, err, choice)
	}
	require.Less(t, len(err.Error()), 250, "one line, and not a list of places")

	_, err = FindLibrary(dir)
	require.ErrorAs(t, err, &notFound, "a directory is no library")
	t.Setenv(LibraryEnv, "/nowhere/libchdb.so")
	_, err = FindLibrary("")
	require.ErrorAs(t, err, &notFound)
	require.Equal(t, []string{"/nowhere/libchdb.so"}, notFound.Looked, "what is named is binding")
	_, err = Start(t.Context(), Config{DataDir: filepath.Join(dir, "data")})
	require.ErrorAs(t, err, &notFound)
	require.NoDirExists(t, filepath.Join(dir, "data"))
}

// The lockfiles pin versions by their hashes, and name no registry.
func TestManifests(t *testing.T) {
	t.Parallel()
	require.Equal(t, pinned, Releases()[0].Version)
	for i, dir := range []string{"npm", "npm/second"} {
		var manifest struct {
			Dependencies map[string]string `json:"dependencies"`
		}
		require.NoError(t, json.Unmarshal([]byte(readFile(t, dir+"/package.json")), &manifest))
		release := Releases()[i]
		require.Equal(t, map[string]string{npmPackage: release.Version}, manifest.Dependencies)
		require.Regexp(t, `^sha512-[A-Za-z0-9+/]{86}==$`, release.Integrity)
		require.NotContains(t, readFile(t, dir+"/package-lock.json"), "://")
	}
}
