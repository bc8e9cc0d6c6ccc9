// Package cli is what all commands of factload share: streams, configuration, exit codes,
// interruptions, and the server that a command talks to.
package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/config"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/schemas"
)

// App is what the commands share: the streams, and the configuration once the flags have been
// parsed.
type App struct {
	In  io.Reader
	Out io.Writer
	Err *show.Line // the error stream, with a status line on a terminal

	Config  config.Config
	Log     *slog.Logger
	Version string
	Quiet   bool // nothing but answers, what was rejected, and errors
}

// NewApp returns an App that logs nothing yet.
func NewApp(in io.Reader, out, err io.Writer, version string) *App {
	return &App{In: in, Out: out, Err: show.NewLine(err), Log: slog.New(slog.DiscardHandler), Version: version}
}

// Configure reads the configuration. It runs before every command.
func (a *App) Configure(cmd *cobra.Command, _ []string) error {
	cfg, err := config.Read(cmd)
	if err != nil {
		return UsageError(err)
	}
	level := cfg.Log.Level
	if a.Quiet {
		a.Err.Still()
		if cfg.From("log.level") == "" {
			level = slog.LevelError
		}
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(a.Err, options)
	if cfg.Log.Format == "json" {
		handler = slog.NewJSONHandler(a.Err, options)
	}
	a.Config, a.Log = cfg, slog.New(handler)
	if cfg.File() != "" {
		a.Log.Debug("configuration file", "path", cfg.File())
	}
	for _, warning := range config.UnknownVariables(os.Environ()) {
		a.Log.Warn(warning)
	}
	return nil
}

// Notes is where commands write what they have done, which nobody has asked for.
func (a *App) Notes() io.Writer {
	if a.Quiet {
		return io.Discard
	}
	return a.Out
}

// JSONLog reports whether messages are wanted as JSON, one object a line.
func (a *App) JSONLog() bool { return a.Config.Log.Format == "json" }

// Say writes a line for people to the error stream, or the same as a log line in JSON.
func (a *App) Say(line string) {
	if a.JSONLog() {
		a.Log.Info(line)
		return
	}
	fmt.Fprintln(a.Err, line)
}

// Registry returns the built-in schemas and those of the configured files and
// directories.
func (a *App) Registry() (*schemas.Registry, error) {
	defs := schemas.Builtins()
	for _, path := range a.Config.Schemas {
		more, err := loadSchemas(path)
		if err != nil {
			return nil, UsageError(err)
		}
		defs = append(defs, more...)
	}
	r, err := schemas.NewRegistry(defs...)
	return r, UsageError(err)
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
