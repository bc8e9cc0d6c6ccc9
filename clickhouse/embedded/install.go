package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// unfinished begins the names of directories that an Install has not finished.
const unfinished = ".new-"

// inTarball is where the library is in the package.
const inTarball = "package/" + libraryFile

// RegistryEnv is npm's own environment variable for the address of its registry.
const RegistryEnv = "npm_config_registry"

// Install fetches a release of the engine into InstallDir, unless it is there, and returns the path of its library: the
// default release for "". What it fetches is checked against the release's hash before anything can find it. It takes
// 180 MB of network and 570 MB of disk. Several programs may install at once.
//
// The package comes from registry, the address of an npm registry, if it is not empty; else from that of
// $npm_config_registry or of .npmrc in the home directory; else npm fetches it, from wherever npm is set up for. Without
// npm and without an address there is nothing to ask.
func Install(ctx context.Context, version, registry string) (string, error) {
	r, err := release(version)
	if err != nil {
		return "", err
	}
	if path, err := LibraryOf(r.Version); err == nil {
		return path, nil
	}
	if err := checkPlatform(); err != nil {
		return "", err
	}
	dir, err := InstallDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("install engine: %w: to install it elsewhere, set XDG_CACHE_HOME to a directory that this user may write", err)
	}
	temp, err := os.MkdirTemp(dir, unfinished)
	if err != nil {
		return "", fmt.Errorf("install engine: %w", err)
	}
	err = r.fetch(ctx, registry, temp)
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, r.Version))
	}
	path, found := LibraryOf(r.Version)
	if err != nil && found != nil { // if it is found, somebody else was faster
		return "", errors.Join(fmt.Errorf("install engine %s: %w", r.Version, err), os.RemoveAll(temp))
	}
	return path, os.RemoveAll(temp)
}

// fetch puts the release's library into dir, if the package is the right one.
func (r Release) fetch(ctx context.Context, registry, dir string) error {
	if registry == "" {
		registry = configuredRegistry()
	}
	var tarball io.ReadCloser
	var err error
	if npm, noNPM := exec.LookPath("npm"); registry == "" && noNPM == nil {
		tarball, err = r.fromNPM(ctx, npm, dir)
	} else if registry == "" {
		return errors.New("no registry to fetch from: say by --registry URL, or in " + RegistryEnv + ", which npm registry to use, or install npm")
	} else {
		tarball, err = r.fromRegistry(ctx, registry)
	}
	if err != nil {
		return err
	}
	defer tarball.Close()
	return r.unpack(tarball, filepath.Join(dir, libraryFile))
}

// configuredRegistry is the registry that npm's own configuration names.
func configuredRegistry() string {
	if url := os.Getenv(RegistryEnv); url != "" {
		return url
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(home, ".npmrc"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, "="); strings.TrimSpace(key) == "registry" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fromNPM has npm fetch the package, with its own configuration, into dir. Npm's cache is not used: it would keep the
// package for good, and the home directory may not be writable.
func (r Release) fromNPM(ctx context.Context, npm, dir string) (_ io.ReadCloser, err error) {
	cache := filepath.Join(dir, "npm")
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	//nolint:gosec // npm, with a version that is pinned
	cmd := exec.CommandContext(ctx, npm, "pack", npmPackage+"@"+r.Version, "--loglevel", "error", "--cache", cache, "--pack-destination", dir)
	cmd.Dir = dir
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, strings.TrimSpace(words.String()))
	}
	path := filepath.Join(dir, filepath.Base(strings.TrimSpace(string(out))))
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return f, os.Remove(path) // it lives as long as it is open
}

// fromRegistry fetches the package by the registry's own protocol: a document says where it is.
func (r Release) fromRegistry(ctx context.Context, registry string) (io.ReadCloser, error) {
	document, err := get(ctx, strings.TrimSuffix(registry, "/")+"/"+npmPackage+"/"+r.Version)
	if err != nil {
		return nil, err
	}
	defer document.Close()
	var about struct {
		Dist struct{ Tarball string }
	}
	if err := json.NewDecoder(io.LimitReader(document, 1<<20)).Decode(&about); err != nil || about.Dist.Tarball == "" {
		return nil, fmt.Errorf("%s does not answer as an npm registry", registry)
	}
	return get(ctx, about.Dist.Tarball)
}

// registryClient gives up on a registry that does not begin to answer. How long a
// package takes is up to the caller's ctx.
var registryClient = &http.Client{Transport: &http.Transport{
	Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
}}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := registryClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %s", req.URL.Redacted(), resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// unpack writes the library of the package to path. The error says if the package is not the one of the release.
func (r Release) unpack(tarball io.Reader, path string) error {
	hash := sha512.New()
	read := io.TeeReader(tarball, hash)
	unpackErr := unpackFile(read, path)
	if _, err := io.Copy(io.Discard, read); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != r.Integrity {
		return fmt.Errorf("the package is not the pinned one: its hash is %s, want %s", got, r.Integrity)
	}
	return unpackErr
}

func unpackFile(tarball io.Reader, path string) error {
	zipped, err := gzip.NewReader(tarball)
	if err != nil {
		return err
	}
	files := tar.NewReader(zipped)
	for {
		header, err := files.Next()
		if err != nil {
			return fmt.Errorf("find %s in the package: %w", inTarball, err)
		}
		if header.Name != inTarball {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, files) //nolint:gosec // whoever made it decides how large it is; the hash is pinned
		return errors.Join(err, f.Close())
	}
}
