package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// StopGrace bounds how long a command waits for its own engine to stop.
const StopGrace = 30 * time.Second

// Server is the ClickHouse that a command talks to.
type Server struct {
	dsn     string
	httpDSN string // empty when it is not known
	from    string // where the DSN comes from

	// Of an embedded engine: its data directory, and the use of it. Else they are empty.
	Dir string
	Use *embedded.Use

	// Client is connected with the server.
	Client *clickhouse.Client

	stop func() error
}

// Access is what a command wants of the server.
type Access int

const (
	// Reading needs data: an engine is not started on a directory without.
	Reading Access = iota
	// Writing may begin with a new data directory, as a plan of what will be there does.
	Writing
)

// Connect finds the configured server, or starts an engine, and makes a client of
// it. The caller calls Close.
func (a *App) Connect(ctx context.Context, how Access, options ...clickhouse.Option) (*Server, error) {
	s, err := a.openServer(ctx, how)
	if err != nil {
		return nil, err
	}
	return s.withClient(s.dsn, options...)
}

// ConnectHTTP is Connect over HTTP, if the server's DSN for that is known.
func (a *App) ConnectHTTP(ctx context.Context, how Access) (*Server, error) {
	s, err := a.openServer(ctx, how)
	if err != nil {
		return nil, err
	}
	return s.withClient(cmp.Or(s.httpDSN, s.dsn))
}

// ConnectTo is Connect for another server than the configured one: that of a DSN, which the
// flag has given, or of a file with it.
func (a *App) ConnectTo(ctx context.Context, flag, dsn, file string) (s *Server, err error) {
	dir, isEmbedded := strings.CutPrefix(dsn, embeddedScheme)
	switch {
	case file != "":
		s, err = serverOfFile(file)
	case isEmbedded && dir != "" && !strings.HasPrefix(dir, "//"):
		s, err = a.startEngine(ctx, dir)
	default:
		s, err = serverOfDSN(strings.TrimSpace(dsn), "", flag)
	}
	if err != nil {
		return nil, err
	}
	return s.withClient(s.dsn)
}

func (a *App) openServer(ctx context.Context, how Access) (*Server, error) {
	dsn := strings.TrimSpace(a.Config.DSN)
	key, file := "dsn", a.Config.DSNFile
	if a.Config.Flag("dsn") != "" && a.Config.Flag("dsn_file") == "" {
		file = "" // it is from a variable or the configuration file, and a flag wins
	}
	if file != "" {
		key = "dsn_file"
	}
	if data := a.Config.Flag("engine.data"); data != "" && (file != "" || dsn != embeddedScheme) {
		return nil, UsageError(fmt.Errorf("%s names the data of an engine of its own, and %s another server: use one of them", data, a.Config.From(key)))
	}
	if file != "" {
		a.Log.Debug("server", "dsn_file", file)
		return serverOfFile(file)
	}
	dir, isEmbedded := strings.CutPrefix(dsn, embeddedScheme)
	if !isEmbedded {
		a.Log.Debug("server", "dsn", clickhouse.RedactDSN(dsn))
		return serverOfDSN(dsn, "", a.Config.From(key))
	}
	if strings.HasPrefix(dir, "//") { // and what follows may be a password
		return nil, UsageError(fmt.Errorf("the DSN of %s: embedded: is followed by a directory, and by no //; %s", a.Config.From(key), dsnForms))
	}
	if dir == "" {
		dir = a.Config.Engine.Data
	}
	if how == Reading && !embedded.HasData(dir) {
		return nil, fmt.Errorf("no engine data in %s: load a file or apply a schema first, or say by --data or --dsn where your data is", dir)
	}
	return a.startEngine(ctx, dir)
}

// withClient makes the client. The server is closed if it cannot be made.
func (s *Server) withClient(dsn string, options ...clickhouse.Option) (*Server, error) {
	client, err := clickhouse.Open(dsn, options...)
	if err != nil {
		err = UsageError(fmt.Errorf("the DSN of %s: %s", s.from, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "clickhouse: "), "dsn: ")))
		return nil, errors.Join(err, s.Close())
	}
	s.Client = client
	return s, nil
}

// Close closes the client, and stops the engine if this command started one.
func (s *Server) Close() error {
	if s.Client != nil {
		_ = s.Client.Close() // what it was used for is over
	}
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

// Where says which server it is, and of the data of make demo, which is somewhere else, where that is.
func (s *Server) Where() string {
	const demo = ".factload/demo/data"
	if s.Use != nil && filepath.Clean(s.Dir) != demo && embedded.HasData(demo) {
		return s.from + "; the data of make demo is in " + demo + " (--data)"
	}
	if s.Use != nil {
		return s.from
	}
	return s.Address()
}

// Address returns the server's DSN without its password.
func (s *Server) Address() string { return clickhouse.RedactDSN(s.dsn) }

const dsnForms = "use embedded:, clickhouse://USER:PASSWORD@HOST:9000/DATABASE or http://USER:PASSWORD@HOST:8123/DATABASE" //nolint:gosec // no password, but where to write one

// dsnSchemes are what a DSN may begin with, besides embedded: alone.
var dsnSchemes = []string{"clickhouse", "tcp", "native", "http", "https"}

var plainScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

// serverOfDSN returns the server of a DSN. Its errors show nothing of what may
// be a password.
func serverOfDSN(dsn, httpDSN, from string) (*Server, error) {
	scheme, _, found := strings.Cut(dsn, "://")
	word, _, _ := strings.Cut(dsn, ":")
	problem := "it lacks a scheme such as clickhouse://"
	switch {
	case found && slices.Contains(dsnSchemes, strings.ToLower(scheme)):
		if strings.HasPrefix(strings.ToLower(scheme), "http") {
			httpDSN = dsn
		}
		return &Server{dsn: dsn, httpDSN: httpDSN, from: from}, nil
	case dsn == "":
		problem = "it is empty"
	case found && plainScheme.MatchString(scheme):
		problem = fmt.Sprintf("the scheme %q is none that ClickHouse has%s", scheme, suggest.DidYouMean(scheme, dsnSchemes))
	case word+":" == embeddedScheme || suggest.Name(word, []string{"embedded"}) != "":
		problem = "it looks like embedded: but is not"
	}
	return nil, UsageError(fmt.Errorf("the DSN of %s: %s; %s", from, problem, dsnForms))
}

// serverOfFile reads a file that factload serve wrote: the native DSN, then
// the HTTP one. A file that another user may have written is refused: it would
// send facts to a server of theirs.
func serverOfFile(path string) (*Server, error) {
	text, err := private.Read(path)
	if err != nil {
		return nil, UsageError(fmt.Errorf("dsn file: %w: it is written by factload serve --dsn-file FILE when it is ready", err))
	}
	dsn, httpDSN, _ := strings.Cut(string(text), "\n")
	return serverOfDSN(strings.TrimSpace(dsn), strings.TrimSpace(httpDSN), "the file "+path)
}

// startEngine joins the engine of dir, and starts one when there is none. It
// ends with the last command that uses it.
func (a *App) startEngine(ctx context.Context, dir string) (*Server, error) {
	isNew := !embedded.HasData(dir)
	begin := time.Now()
	use, err := embedded.Join(ctx, a.EngineConfig(dir))
	if err != nil {
		return nil, err
	}
	if use.Started() == nil {
		a.Log.Debug("using the engine that is running", "data", dir, "pid", use.PID())
	} else {
		a.EngineStarted(use.Started(), dir, isNew, begin)
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopGrace)
		defer cancel()
		return use.Close(ctx)
	}
	return &Server{dsn: use.DSN(), httpDSN: use.HTTPDSN(), from: "the engine of " + dir, Dir: dir, Use: use, stop: stop}, nil
}

// BackupsOf returns the directory of the backups of the engine on dir.
func (a *App) BackupsOf(dir string) string {
	return cmp.Or(a.Config.Engine.Backups, filepath.Join(dir, "backups"))
}

// EngineConfig is what the configuration says of an engine on dir.
func (a *App) EngineConfig(dir string) embedded.Config {
	e := a.Config.Engine
	return embedded.Config{DataDir: dir, Library: e.Library, Remote: e.Remote, Backups: a.BackupsOf(dir)}
}

// EngineStarted tells of an engine, and of a data directory that it made.
func (a *App) EngineStarted(engine *embedded.Server, dir string, isNew bool, begin time.Time) {
	if isNew {
		a.Log.Info("created data directory " + dir)
	}
	if open := engine.Sandbox(); open != nil {
		a.Log.Debug("the kernel does not confine the engine", "missing", open)
	}
	a.Log.Debug("engine started", "data", dir, "pid", engine.PID(), "took", time.Since(begin).Round(time.Millisecond))
}
