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

	inCache := touch(t, filepath.Join(cache, "factload", below))
	find := func(explicit string) string {
		path, err := FindLibrary(explicit)
		require.NoError(t, err)
		return path
	}
	require.Equal(t, inCache, find(""))
	upward := touch(t, filepath.Join(home, ".factload", below))
	require.Equal(t, upward, find(""), "a directory above comes before the cache")
	here := touch(t, filepath.Join(work, ".factload", below))
	require.Equal(t, here, find(""), "the working directory comes first")
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
	require.Contains(t, notFound.Looked, filepath.Join(dir, "cache", "factload", below))
	require.Contains(t, notFound.Looked, "/usr/local/lib/libchdb.so")
	for _, place := range notFound.Looked {
		require.ErrorContains(t, err, place)
	}
	for _, choice := range []string{"make setup", npmPackage + "@" + npmVersion, LibraryEnv, "DSN"} {
		require.ErrorContains(t, err, choice)
	}

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

// The lockfile pins the version that the messages name, by its hash, and names no registry.
func TestManifest(t *testing.T) {
	t.Parallel()
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	text, err := os.ReadFile("npm/package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &manifest))
	require.Equal(t, map[string]string{npmPackage: npmVersion}, manifest.Dependencies)

	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string } `json:"packages"`
	}
	text, err = os.ReadFile("npm/package-lock.json")
	require.NoError(t, err)
	require.NotContains(t, string(text), "://")
	require.NoError(t, json.Unmarshal(text, &lock))
	pinned := lock.Packages["node_modules/"+npmPackage]
	require.Equal(t, npmVersion, pinned.Version)
	require.Regexp(t, `^sha512-[A-Za-z0-9+/]{86}==$`, pinned.Integrity)
	require.Empty(t, pinned.Resolved)
}
