package embedded

import (
	"fmt"
	"os"
	"path/filepath"
)

// LibraryEnv is the environment variable that names the path of libchdb.
const LibraryEnv = "FACTLOAD_LIBCHDB"

const (
	npmPackage  = "@chdb/lib-linux-x64-gnu"
	libraryFile = "libchdb.so"
)

// FindLibrary returns the absolute path of libchdb. It looks, in this order, at
//
//   - explicit, if not empty,
//   - $FACTLOAD_LIBCHDB, if set,
//   - the default release, where Install puts it, in the user's cache directory,
//   - .factload/engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so in the working directory and upward: what npm has
//     installed there,
//   - the same from the directory of the executable,
//   - /usr/local/lib and /usr/lib.
//
// The first two are binding: when they name no file, the rest is not tried. The error is a *LibraryNotFoundError.
// Whether the file is a libchdb is only seen when an engine is started.
func FindLibrary(explicit string) (string, error) {
	named := explicit
	if named == "" {
		named = os.Getenv(LibraryEnv)
	}
	if named != "" {
		return firstFile([]string{named})
	}
	return firstFile(libraryPlaces())
}

// firstFile returns the first of paths that is a regular file.
func firstFile(paths []string) (string, error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", fmt.Errorf("engine library %s: %w", path, err)
		}
		return abs, nil
	}
	err := &LibraryNotFoundError{Looked: paths}
	if len(paths) == 1 {
		_, err.Err = os.Stat(paths[0])
	} else {
		_, err.Err = InstallDir()
	}
	return "", err
}

func libraryPlaces() []string {
	inPackage := filepath.Join("engine", "node_modules", filepath.FromSlash(npmPackage), libraryFile)
	var places []string
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			places = append(places, path)
		}
	}
	upward := func(dir string) {
		for {
			add(filepath.Join(dir, ".factload", inPackage))
			parent := filepath.Dir(dir)
			if parent == dir {
				return
			}
			dir = parent
		}
	}
	if path, err := installed(Releases()[0].Version); err == nil {
		add(path)
	}
	if dir, err := os.Getwd(); err == nil {
		upward(dir)
	}
	if exe, err := os.Executable(); err == nil {
		upward(filepath.Dir(exe))
	}
	add(filepath.Join("/usr/local/lib", libraryFile))
	add(filepath.Join("/usr/lib", libraryFile))
	return places
}
