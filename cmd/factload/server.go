package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
)

// embeddedScheme is the DSN of an engine that lives as long as the command.
// What follows it is the data directory; nothing means the configured one.
const embeddedScheme = "embedded:"

// stopGrace bounds how long a command waits for its own engine to stop.
const stopGrace = 30 * time.Second

// server is the ClickHouse that a command talks to.
type server struct {
	dsn     string
	httpDSN string // empty when it is not known
	stop    func() error
}

// openServer finds the configured server, or starts an engine. The caller
// calls close.
func (a *app) openServer(ctx context.Context) (*server, error) {
	dsn := a.cfg.DSN
	if a.cfg.DSNFile != "" {
		return serverOfFile(a.cfg.DSNFile)
	}
	if !strings.HasPrefix(dsn, embeddedScheme) {
		return serverOfDSN(dsn, "")
	}
	dir := strings.TrimPrefix(dsn, embeddedScheme)
	if dir == "" {
		dir = a.cfg.Engine.Data
	}
	return a.startEngine(ctx, dir)
}

// close stops the engine if this command started one.
func (s *server) close() error {
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

func serverOfDSN(dsn, httpDSN string) (*server, error) {
	switch {
	case strings.HasPrefix(dsn, "http://"), strings.HasPrefix(dsn, "https://"):
		return &server{dsn: dsn, httpDSN: dsn}, nil
	case strings.HasPrefix(dsn, "clickhouse://"), strings.HasPrefix(dsn, "tcp://"):
		return &server{dsn: dsn, httpDSN: httpDSN}, nil
	default:
		return nil, usageError(fmt.Errorf("dsn %q: use embedded:, clickhouse://user:password@host:9000/database or http://user:password@host:8123/database",
			clickhouse.RedactDSN(dsn)))
	}
}

// serverOfFile reads a file that factload serve wrote: the native DSN, then
// the HTTP one.
func serverOfFile(path string) (*server, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, usageError(fmt.Errorf("dsn file: %w: it is written by factload serve --dsn-file FILE when it is ready", err))
	}
	dsn, httpDSN, _ := strings.Cut(text, "\n")
	return serverOfDSN(strings.TrimSpace(dsn), strings.TrimSpace(httpDSN))
}

// startEngine starts an engine on dir. If one is running there already, and
// its DSN file lets us in, that one is used.
func (a *app) startEngine(ctx context.Context, dir string) (*server, error) {
	engine, err := embedded.Start(ctx, embedded.Config{DataDir: dir, Library: a.cfg.Engine.Library})
	var inUse *embedded.InUseError
	if errors.As(err, &inUse) {
		if s := runningEngine(ctx, inUse.DSNFile); s != nil {
			fmt.Fprintf(a.err, "using the engine that is running on %s (process %d)\n", dir, inUse.PID)
			return s, nil
		}
	}
	if err != nil {
		return nil, err
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		return engine.Stop(ctx)
	}
	return &server{dsn: engine.DSN(), httpDSN: engine.HTTPDSN(), stop: stop}, nil
}

// runningEngine returns the engine that wrote the DSN file, or nil if it does
// not answer.
func runningEngine(ctx context.Context, dsnFile string) *server {
	if dsnFile == "" {
		return nil
	}
	s, err := serverOfFile(dsnFile)
	if err != nil {
		return nil
	}
	client, err := clickhouse.Open(s.dsn)
	if err != nil {
		return nil
	}
	defer client.Close()
	if client.Ping(ctx) != nil {
		return nil
	}
	return s
}

// writeDSNFile writes the two DSNs of an engine for others to read, in one
// step, and readable by the owner alone.
func writeDSNFile(path, native, http string) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, []byte(native+"\n"+http+"\n"), 0o600); err != nil {
		return fmt.Errorf("dsn file: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("dsn file: %w", err)
	}
	return nil
}
