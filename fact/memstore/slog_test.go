package memstore_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"

	"github.com/factload/factload/fact/internal/storetest"
)

// goexit ends the goroutine, as a failed require in the wrong place does.
func goexit() { runtime.Goexit() }

// logHandler is a slog.Handler that keeps what is logged.
type logHandler struct {
	slog.Handler
	storetest.Recording[string]
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(" " + a.String())
		return true
	})
	h.Add(line.String())
	return nil
}

func (h *logHandler) messages() []string { return h.All() }

// install makes the handler the default logger's, until restore is called.
func (h *logHandler) install() (restore func()) {
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	return func() { slog.SetDefault(before) }
}
