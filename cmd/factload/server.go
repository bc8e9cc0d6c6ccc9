package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/private"
	"github.com/factload/factload/internal/suggest"
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
	from    string // where the DSN comes from
	stop    func() error
}

// access is what a command wants of the server.
type access int

const (
	// reading needs data: an engine is not started on a directory without.
	reading access = iota
	// writing may begin with a new data directory, as a plan of what will be there does.
	writing
)

// openServer finds the configured server, or starts an engine. The caller
// calls close.
func (a *app) openServer(ctx context.Context, how access) (*server, error) {
	dsn := strings.TrimSpace(a.cfg.DSN)
	key, file := "dsn", a.cfg.DSNFile
	if a.cfg.flags["dsn"] != "" && a.cfg.flags["dsn_file"] == "" {
		file = "" // it is from a variable or the configuration file, and a flag wins
	}
	if file != "" {
		key = "dsn_file"
	}
	if data := a.cfg.flags["engine.data"]; data != "" && (file != "" || dsn != embeddedScheme) {
		return nil, usageError(fmt.Errorf("%s names the data of an engine of its own, and %s another server: use one of them", data, a.cfg.from(key)))
	}
	if file != "" {
		a.log.Debug("server", "dsn_file", file)
		return serverOfFile(file)
	}
	dir, isEmbedded := strings.CutPrefix(dsn, embeddedScheme)
	if !isEmbedded {
		a.log.Debug("server", "dsn", clickhouse.RedactDSN(dsn))
		return serverOfDSN(dsn, "", a.cfg.from(key))
	}
	if dir == "" {
		dir = a.cfg.Engine.Data
	}
	if how == reading && !embedded.HasData(dir) {
		return nil, fmt.Errorf("no engine data in %s: load a file or apply a schema first, or say by --data or --dsn where your data is", dir)
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

// open returns a client of the server.
func (s *server) open(options ...clickhouse.Option) (*clickhouse.Client, error) {
	return s.openDSN(s.dsn, options...)
}

// openHTTP is open over HTTP, if the server's DSN for that is known.
func (s *server) openHTTP() (*clickhouse.Client, error) {
	if s.httpDSN != "" {
		return s.openDSN(s.httpDSN)
	}
	return s.open()
}

func (s *server) openDSN(dsn string, options ...clickhouse.Option) (*clickhouse.Client, error) {
	client, err := clickhouse.Open(dsn, options...)
	if err != nil {
		return nil, usageError(fmt.Errorf("the DSN of %s: %s", s.from, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "clickhouse: "), "dsn: ")))
	}
	return client, nil
}

const dsnForms = "use embedded:, clickhouse://USER:PASSWORD@HOST:9000/DATABASE or http://USER:PASSWORD@HOST:8123/DATABASE" //nolint:gosec // no password, but where to write one

// dsnSchemes are what a DSN may begin with, besides embedded: alone.
var dsnSchemes = []string{"clickhouse", "tcp", "native", "http", "https"}

var plainScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

// serverOfDSN returns the server of a DSN. Its errors show nothing of what may
// be a password.
func serverOfDSN(dsn, httpDSN, from string) (*server, error) {
	scheme, _, found := strings.Cut(dsn, "://")
	word, _, _ := strings.Cut(dsn, ":")
	problem := "it lacks a scheme such as clickhouse://"
	switch {
	case found && slices.Contains(dsnSchemes, strings.ToLower(scheme)):
		if strings.HasPrefix(strings.ToLower(scheme), "http") {
			httpDSN = dsn
		}
		return &server{dsn: dsn, httpDSN: httpDSN, from: from}, nil
	case dsn == "":
		problem = "it is empty"
	case found && plainScheme.MatchString(scheme):
		problem = fmt.Sprintf("the scheme %q is none that ClickHouse has%s", scheme, suggest.DidYouMean(scheme, dsnSchemes))
	case word+":" == embeddedScheme || suggest.Name(word, []string{"embedded"}) != "":
		problem = "it looks like embedded: but is not"
	}
	return nil, usageError(fmt.Errorf("the DSN of %s: %s; %s", from, problem, dsnForms))
}

// serverOfFile reads a file that factload serve wrote: the native DSN, then
// the HTTP one. A file that another user may have written is refused: it would
// send facts to a server of theirs.
func serverOfFile(path string) (*server, error) {
	text, err := private.Read(path)
	if err != nil {
		return nil, usageError(fmt.Errorf("dsn file: %w: it is written by factload serve --dsn-file FILE when it is ready", err))
	}
	dsn, httpDSN, _ := strings.Cut(string(text), "\n")
	return serverOfDSN(strings.TrimSpace(dsn), strings.TrimSpace(httpDSN), "the file "+path)
}

// startEngine joins the engine of dir, and starts one when there is none. It
// ends with the last command that uses it.
func (a *app) startEngine(ctx context.Context, dir string) (*server, error) {
	isNew := !embedded.HasData(dir)
	begin := time.Now()
	use, err := embedded.Join(ctx, a.engineConfig(dir))
	if err != nil {
		return nil, err
	}
	if use.Started() == nil {
		a.log.Debug("using the engine that is running", "data", dir, "pid", use.PID())
	} else {
		a.engineStarted(use.Started(), dir, isNew, begin)
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		return use.Close(ctx)
	}
	return &server{dsn: use.DSN(), httpDSN: use.HTTPDSN(), from: "the engine of " + dir, stop: stop}, nil
}

// engineConfig is what the configuration says of an engine on dir.
func (a *app) engineConfig(dir string) embedded.Config {
	e := a.cfg.Engine
	return embedded.Config{DataDir: dir, Library: e.Library, Remote: e.Remote, Backups: cmp.Or(e.Backups, filepath.Join(dir, "backups"))}
}

// engineStarted tells of an engine, and of a data directory that it made.
func (a *app) engineStarted(engine *embedded.Server, dir string, isNew bool, begin time.Time) {
	if isNew {
		a.log.Info("created data directory " + dir)
	}
	if open := engine.Sandbox(); open != nil {
		a.log.Debug("the kernel does not confine the engine", "missing", open)
	}
	a.log.Debug("engine started", "data", dir, "pid", engine.PID(), "took", time.Since(begin).Round(time.Millisecond))
}

// dsnText is what a DSN file holds.
func dsnText(engine *embedded.Server) []byte {
	return []byte(engine.DSN() + "\n" + engine.HTTPDSN() + "\n")
}

// removeDSNFile takes the DSN file of an engine away that has stopped, unless
// it is another engine's by now.
func removeDSNFile(path string, text []byte) error {
	now, err := private.Read(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(now, text) {
		return nil
	}
	return errors.Join(err, os.Remove(path))
}
