package embedded

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Release is a version of the engine that is known by its hash.
type Release struct {
	Version   string // of the npm package, as in 26.7.3-stable.1
	Integrity string // SHA-512 of the package, as npm writes it: sha512- and base64
}

// The default release first.
var lockfiles = []string{"npm/package-lock.json", "npm/second/package-lock.json"}

//go:embed npm/package-lock.json npm/second/package-lock.json
var lockfileFS embed.FS

// Releases returns the releases that Install knows. The first one is the default, which everything is tested with.
func Releases() []Release {
	releases := make([]Release, len(lockfiles))
	for i, name := range lockfiles {
		var lock struct {
			Packages map[string]Release `json:"packages"`
		}
		text, err := lockfileFS.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, &lock)
		}
		if err != nil {
			panic(err) // the file is a part of the program
		}
		releases[i] = lock.Packages["node_modules/"+npmPackage]
	}
	return releases
}

// release returns the release of a version, the default one for "".
func release(version string) (Release, error) {
	releases := Releases()
	var known []string
	for _, r := range releases {
		if version == "" || r.Version == version {
			return r, nil
		}
		known = append(known, r.Version)
	}
	return Release{}, fmt.Errorf("engine version %q is not known by its hash: the known ones are %s", version, strings.Join(known, ", "))
}

// InstallDir returns the directory of installed engines, one directory a version. It is in the user's cache directory,
// and shared by all projects.
func InstallDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("where are the engines? %w: set one of them, or %s to the path of a libchdb, or use a ClickHouse server by its DSN", err, LibraryEnv)
	}
	return filepath.Join(cache, "factload", "engine"), nil
}

// installed returns where Install puts the library of a version.
func installed(version string) (string, error) {
	dir, err := InstallDir()
	return filepath.Join(dir, version, libraryFile), err
}

// Installed returns the versions that are installed, sorted.
func Installed() ([]string, error) {
	dir, err := InstallDir()
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(globQuote(dir), "*", libraryFile))
	if err != nil {
		return nil, err
	}
	for i, path := range found {
		found[i] = filepath.Base(filepath.Dir(path))
	}
	return slices.DeleteFunc(found, func(name string) bool { return strings.HasPrefix(name, unfinished) }), nil
}

// globQuote writes a path as the pattern that matches it alone.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// LibraryOf returns the path of an installed version's library, of the default version for "".
func LibraryOf(version string) (string, error) {
	if version == "" {
		version = Releases()[0].Version
	}
	path, err := installed(version)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("engine %s is not installed: run factload engine install --version %s", version, version)
	}
	return path, nil
}

// Remove takes an installed version away.
func Remove(version string) error {
	path, err := LibraryOf(version)
	if err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(path))
}

// checkPlatform says whether the releases are for this machine.
func checkPlatform() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return fmt.Errorf("%w: engines to install are for Linux on x86-64, and this is %s on %s: set %s to a libchdb for this machine, or use another ClickHouse server by its DSN",
			ErrUnsupported, runtime.GOOS, runtime.GOARCH, LibraryEnv)
	}
	return nil
}
