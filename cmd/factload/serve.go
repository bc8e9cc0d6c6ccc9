package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/private"
)

const serveLong = `Run a ClickHouse engine in the foreground, for services, other factload commands
and ClickHouse's own query page in the browser. It stops on Ctrl-C; what it has
acknowledged is kept in the data directory.

When it is ready it writes --dsn-file, readable by you alone: the native DSN on
the first line, the same over HTTP on the second. The password is random, and kept in the data
directory, so that a DSN outlives a restart; --new-password makes another one. It may be
given, too, by --password-file or FACTLOAD_SERVE_PASSWORD.

In a container, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_PASSWORD_FILE and
CLICKHOUSE_DB mean the same as for the official server image.`

func newServe(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the embedded engine as a server",
		Long:  serveLong,
		Example: `  factload serve
  factload query --dsn-file .factload/data/run/dsn "SELECT 1"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.String("data", ".factload/data", "data `directory`")
	flags.String("native", "127.0.0.1:9000", "native `address`; port 0 takes a free one")
	flags.String("http", "127.0.0.1:8123", "HTTP `address`; port 0 takes a free one")
	flags.String("user", "factload", "`name` of the user")
	flags.String("password-file", "", "`file` with the password (default: a random one that is kept)")
	flags.BoolVar(&a.newPassword, "new-password", false, "make a new random password")
	flags.String("database", "factload", "`name` of the database")
	flags.String("dsn-file", "", "`file` to write the DSNs to (default: run/dsn in the data directory)")
	bind(flags, "data", "engine.data")
	bind(flags, "native", "serve.native")
	bind(flags, "http", "serve.http")
	bind(flags, "user", "serve.user")
	bind(flags, "password-file", "serve.password_file")
	bind(flags, "database", "serve.database")
	bind(flags, "dsn-file", "dsn_file")
	return cmd
}

// serve runs an engine until ctx is done or the engine dies.
func (a *app) serve(ctx context.Context) (err error) {
	c, err := a.serveConfig()
	if err != nil {
		return usageError(err)
	}
	engine, err := a.ownEngine(ctx, c)
	if err != nil {
		return err
	}
	dsnFile := engine.DSNFile() // the engine's own goes with the engine
	if a.cfg.DSNFile != "" {
		dsnFile = a.cfg.DSNFile
		text := dsnText(engine)
		if err = private.Write(dsnFile, text); err != nil {
			err = fmt.Errorf("dsn file: %w", err)
		} else {
			defer func() { err = errors.Join(err, removeDSNFile(dsnFile, text)) }()
		}
	}
	if err == nil {
		a.warnOpen(engine)
		a.announce(engine, dsnFile)
		select {
		case <-ctx.Done():
			fmt.Fprintln(a.err, "stopping")
		case <-engine.Done():
			err = fmt.Errorf("the engine has died: %w", engine.Err())
		}
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return errors.Join(err, engine.Stop(stopCtx))
}

// busyInterval is how often serve looks whether other commands still use the
// engine of its directory.
const busyInterval = 100 * time.Millisecond

// ownEngine starts an engine for serve. While other commands use one on the
// same directory it waits; another serve it does not wait for.
func (a *app) ownEngine(ctx context.Context, c embedded.Config) (*embedded.Server, error) {
	isNew := !embedded.HasData(c.DataDir)
	begin := time.Now()
	for told := false; ; told = true {
		engine, err := embedded.Start(ctx, c)
		var inUse *embedded.InUseError
		if err == nil {
			a.engineStarted(engine, c.DataDir, isNew, begin)
			return engine, nil
		}
		if !errors.As(err, &inUse) || !inUse.Ends() {
			return nil, err
		}
		if !told {
			a.log.Info("waiting for the commands that use the engine of "+c.DataDir+" to end", "pid", inUse.PID)
		}
		select {
		case <-time.After(busyInterval):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// warnOpen tells of what confines the engine on other machines, and not here.
func (a *app) warnOpen(engine *embedded.Server) {
	if open := engine.Sandbox(); open != nil {
		a.log.Warn("the kernel does not confine the engine: whoever has the password can reach more of this machine than elsewhere", "missing", open)
	}
}

// announce tells the user how to reach the engine, without its password.
func (a *app) announce(engine *embedded.Server, dsnFile string) {
	native, _ := url.Parse(engine.DSN())
	http, _ := url.Parse(engine.HTTPDSN())
	fmt.Fprintf(a.err, `ClickHouse is ready.
  native     %s
  HTTP       http://%s
  query page http://%s/play
  user       %s, database %s
  DSN        in %s: the first line is for the native protocol, the second for HTTP;
             the query page asks for the password that is between : and @
Try: factload query --dsn-file %s "SHOW TABLES"
Stop with Ctrl-C.
`, native.Host, http.Host, http.Host, native.User.Username(), native.Path[1:], dsnFile, dsnFile)
}

// serveConfig is the engine's configuration: the container variables of the
// official image, over which the flags and keys of factload win.
func (a *app) serveConfig() (embedded.Config, error) {
	s := a.cfg.Serve
	password := s.Password
	file := s.PasswordFile
	if password == "" && file == "" {
		password, file = os.Getenv("CLICKHOUSE_PASSWORD"), os.Getenv("CLICKHOUSE_PASSWORD_FILE")
	}
	if file != "" {
		if password != "" {
			return embedded.Config{}, errors.New("both a password and a password file are given: use one")
		}
		var err error
		if password, err = readSecret(file); err != nil {
			return embedded.Config{}, fmt.Errorf("password file: %w", err)
		}
		if password == "" {
			return embedded.Config{}, fmt.Errorf("password file %s is empty", file)
		}
	}
	c := a.engineConfig(a.cfg.Engine.Data)
	if password == "" {
		var err error
		if password, err = keptPassword(c.DataDir, a.newPassword); err != nil {
			return embedded.Config{}, err
		}
	}
	c.Native, c.HTTP, c.Password = s.Native, s.HTTP, password
	c.User = orEnv(s.User, embedded.DefaultUser, "CLICKHOUSE_USER")
	c.Database = orEnv(s.Database, embedded.DefaultDatabase, "CLICKHOUSE_DB")
	return c, nil
}

// keptPassword returns the random password that the data directory keeps, so
// that a DSN outlives a restart. It makes one when there is none, or when a new
// one is asked for.
func keptPassword(dir string, renew bool) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	if err := private.CheckDir(dir); err != nil {
		return "", fmt.Errorf("engine data directory: %w", err)
	}
	path := filepath.Join(dir, "password")
	text, err := private.Read(path)
	if kept := strings.TrimSpace(string(text)); err == nil && kept != "" && !renew {
		return kept, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("password: %w", err)
	}
	password := rand.Text() + rand.Text()
	return password, private.Write(path, []byte(password+"\n"))
}

// orEnv returns value, or the environment variable if value is the default.
func orEnv(value, def, name string) string {
	if env := os.Getenv(name); env != "" && value == def {
		return env
	}
	return value
}
