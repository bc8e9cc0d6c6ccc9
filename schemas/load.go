package schemas

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LoadFile reads the schemas in a YAML file. Problems in the file are reported as by [Parse].
func LoadFile(path string) ([]Definition, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("schema file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("schema file: %w", err)
	}
	return Parse(path, data)
}

// LoadDir reads the schemas in all files of a directory whose names end in .yaml or .yml, in the order of their names.
// It does not look into directories within, nor at files whose name starts with a dot.
//
// The problems of all files are reported at once. It is an error when the directory has no such file, or when two files
// define the same schema.
func LoadDir(dir string) ([]Definition, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, dirError(dir, err)
	}
	var (
		defs  []Definition
		wrong []error
		files int
	)
	for _, entry := range entries {
		if entry.IsDir() || !isSchemaFile(entry.Name()) {
			continue
		}
		files++
		found, err := LoadFile(filepath.Join(dir, entry.Name()))
		defs, wrong = append(defs, found...), append(wrong, err)
	}
	if files == 0 {
		return nil, fmt.Errorf("schema directory %s: there is no .yaml or .yml file in it", dir)
	}
	if _, err := NewRegistry(defs...); err != nil {
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return defs, nil
}

func isSchemaFile(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

// dirError says what is wrong with a directory.
func dirError(dir string, err error) error {
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		return fmt.Errorf("schema directory %s: it is a file, name the directory that it is in", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("schema directory %s: it does not exist: %w", dir, fs.ErrNotExist)
	}
	return fmt.Errorf("schema directory: %w", err)
}
