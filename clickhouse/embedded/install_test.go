//go:build linux && amd64

package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// npmTarball is a package of the shape that npm has, with its hash.
func npmTarball(t *testing.T, files map[string]string) (tarball []byte, integrity string) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	for name, text := range files {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := archive.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())
	sum := sha512.Sum512(b.Bytes())
	return b.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// registry answers as an npm registry does for one version of the package.
func registry(t *testing.T, version string, tarball []byte) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/npm/"+npmPackage+"/"+version, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"dist":{"tarball":"` + server.URL + `/files/x.tgz"}}`))
	})
	mux.HandleFunc("/files/x.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tarball) })
	return server.URL + "/npm/"
}

func TestFetch(t *testing.T) {
	t.Parallel()
	tarball, integrity := npmTarball(t, map[string]string{"package/package.json": "{}", inTarball: "the library"})
	dir := t.TempDir()
	r := Release{Version: "1.2.3", Integrity: integrity}
	require.NoError(t, r.fetch(t.Context(), registry(t, "1.2.3", tarball), dir))
	require.Equal(t, "the library", readFile(t, filepath.Join(dir, libraryFile)))

	other, _ := npmTarball(t, map[string]string{inTarball: "another library"})
	require.ErrorContains(t, r.fetch(t.Context(), registry(t, "1.2.3", other), t.TempDir()), "not the pinned one")
	require.ErrorContains(t, r.fetch(t.Context(), registry(t, "1.2.3", tarball[:len(tarball)/2]), t.TempDir()), "not the pinned one")
	require.ErrorContains(t, r.fetch(t.Context(), registry(t, "4.5.6", tarball), t.TempDir()), "404")
	none, sum := npmTarball(t, map[string]string{"package/package.json": "{}"})
	require.ErrorContains(t, Release{Version: "1.2.3", Integrity: sum}.fetch(t.Context(), registry(t, "1.2.3", none), t.TempDir()), "find package/libchdb.so")
}

// What is not the pinned package leaves nothing behind that could be found.
func TestInstall(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", "")
	t.Setenv(RegistryEnv, "")
	_, err := Install(t.Context(), "", "")
	require.ErrorContains(t, err, "no registry to fetch from: say by --registry URL")
	tarball, _ := npmTarball(t, map[string]string{inTarball: "not the engine"})
	t.Setenv(RegistryEnv, registry(t, pinned, tarball))
	_, err = Install(t.Context(), "", "")
	require.ErrorContains(t, err, "install engine "+pinned+": the package is not the pinned one")
	left, err := os.ReadDir(filepath.Join(cache, "factload", "engine"))
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = Install(t.Context(), "1.2.3", "")
	require.ErrorContains(t, err, `engine version "1.2.3" is not known by its hash: the known ones are `+pinned)

	path := touch(t, filepath.Join(cache, "factload", "engine", pinned, libraryFile))
	touch(t, filepath.Join(cache, "factload", "engine", unfinished+"1", libraryFile))
	found, err := Install(t.Context(), "", "")
	require.NoError(t, err)
	require.Equal(t, path, found)
	versions, err := Installed()
	require.NoError(t, err)
	require.Equal(t, []string{pinned}, versions)
	require.NoError(t, Remove(pinned))
	_, err = LibraryOf("")
	require.ErrorContains(t, err, "is not installed: run factload engine install --version "+pinned)
	require.Error(t, Remove(pinned))
}

func TestConfiguredRegistry(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv(RegistryEnv, "")
	require.Empty(t, configuredRegistry())
	require.NoError(t, os.WriteFile(filepath.Join(home, ".npmrc"), []byte("fund=false\nregistry = http://example.test/npm\n"), 0o600))
	require.Equal(t, "http://example.test/npm", configuredRegistry())
	t.Setenv(RegistryEnv, "http://example.test/env")
	require.Equal(t, "http://example.test/env", configuredRegistry())
}

// npm needs no home that can be written to, says what went wrong, and leaves nothing behind.
func TestFromNPM(t *testing.T) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed")
	}
	t.Setenv("HOME", touch(t, filepath.Join(t.TempDir(), "no directory")))
	t.Setenv(RegistryEnv, "http://127.0.0.1:1")
	t.Setenv("npm_config_fetch_retries", "0")
	dir := t.TempDir()
	_, err = Release{Version: "1.2.3"}.fromNPM(t.Context(), npm, dir)
	require.ErrorContains(t, err, "ECONNREFUSED")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
