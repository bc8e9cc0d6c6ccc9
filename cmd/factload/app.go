package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/factload/factload/schemas"
)

// app is what the commands share: the streams, and the configuration once the
// flags have been parsed.
type app struct {
	streams
	cfg config
	log *slog.Logger

	newPassword bool // of serve

	schemaOf map[string]string // the schema of each table that plans are made for
}

// configure reads the configuration. It runs before every command.
func (a *app) configure(cmd *cobra.Command, _ []string) error {
	cfg, err := loadConfiguration(cmd)
	if err != nil {
		return usageError(err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return usageError(err) // validate has seen it
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(a.err, options)
	if cfg.Log.Format == "json" {
		handler = slog.NewJSONHandler(a.err, options)
	}
	a.cfg, a.log = cfg, slog.New(handler)
	if cfg.file.path != "" {
		a.log.Debug("configuration file", "path", cfg.file.path)
	}
	for _, warning := range unknownVariables(os.Environ()) {
		a.log.Warn(warning)
	}
	return nil
}

// registry returns the built-in schemas and those of the configured files and
// directories.
func (a *app) registry() (*schemas.Registry, error) {
	defs := schemas.Builtins()
	for _, path := range a.cfg.Schemas {
		more, err := loadSchemas(path)
		if err != nil {
			return nil, usageError(err)
		}
		defs = append(defs, more...)
	}
	r, err := schemas.NewRegistry(defs...)
	return r, usageError(err)
}

func loadSchemas(path string) ([]schemas.Definition, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("schemas %s: no such file or directory", path)
	}
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	if info.IsDir() {
		return schemas.LoadDir(path)
	}
	return schemas.LoadFile(path)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// readSecret reads a file that holds one secret, without its line end.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
