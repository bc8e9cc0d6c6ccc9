// Package engine is the commands for engines and servers: serve, engine, doctor, backup and
// restore.
package engine

import (
	"bytes"
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
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/config"
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

// NewServe makes the command serve.
func NewServe(a *cli.App) *cobra.Command {
	var newPassword bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the embedded engine as a server",
		Long:  serveLong,
		Example: `  factload serve
  factload query --dsn-file .factload/data/run/dsn "SELECT 1"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), a, newPassword) },
	}
	flags := cmd.Flags()
	flags.String("data", ".factload/data", "data `directory`")
	flags.String("native", "127.0.0.1:9000", "native `address`; port 0 takes a free one")
	flags.String("http", "127.0.0.1:8123", "HTTP `address`; port 0 takes a free one")
	flags.String("user", "factload", "`name` of the user")
	flags.String("password-file", "", "`file` with the password (default: a random one that is kept)")
	flags.BoolVar(&newPassword, "new-password", false, "make a new random password")
	flags.String("database", "factload", "`name` of the database")
	flags.String("dsn-file", "", "`file` to write the DSNs to (default: run/dsn in the data directory)")
	config.Bind(flags, "data", "engine.data")
	config.Bind(flags, "native", "serve.native")
	config.Bind(flags, "http", "serve.http")
	config.Bind(flags, "user", "serve.user")
	config.Bind(flags, "password-file", "serve.password_file")
	config.Bind(flags, "database", "serve.database")
	config.Bind(flags, "dsn-file", "dsn_file")
	return cmd
}

// runServe runs an engine until ctx is done or the engine dies.
func runServe(ctx context.Context, a *cli.App, newPassword bool) (err error) {
	c, err := serveConfig(a, newPassword)
	if err != nil {
		return cli.UsageError(err)
	}
	engine, err := ownEngine(ctx, a, c)
	if err != nil {
		return err
	}
	dsnFile := engine.DSNFile() // the engine's own goes with the engine
	if a.Config.DSNFile != "" {
		dsnFile = a.Config.DSNFile
		text := dsnText(engine)
		if err = private.Write(dsnFile, text); err != nil {
			err = fmt.Errorf("dsn file: %w", err)
		} else {
			defer func() { err = errors.Join(err, removeDSNFile(dsnFile, text)) }()
		}
	}
	if err == nil {
		warnOpen(a, engine)
		announce(a, engine, dsnFile)
		select {
		case <-ctx.Done():
			fmt.Fprintln(a.Err, "stopping")
		case <-engine.Done():
			err = fmt.Errorf("the engine has died: %w", engine.Err())
		}
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cli.StopGrace)
	defer cancel()
	return errors.Join(err, engine.Stop(stopCtx))
}

// busyInterval is how often serve looks whether other commands still use the
// engine of its directory.
const busyInterval = 100 * time.Millisecond

// ownEngine starts an engine for serve. While other commands use one on the
// same directory it waits; another serve it does not wait for.
func ownEngine(ctx context.Context, a *cli.App, c embedded.Config) (*embedded.Server, error) {
	isNew := !embedded.HasData(c.DataDir)
	begin := time.Now()
	for told := false; ; told = true {
		engine, err := embedded.Start(ctx, c)
		var inUse *embedded.InUseError
		if err == nil {
			a.EngineStarted(engine, c.DataDir, isNew, begin)
			return engine, nil
		}
		if !errors.As(err, &inUse) || !inUse.Ends() {
			return nil, err
		}
		if !told {
			a.Log.Info("waiting for the commands that use the engine of "+c.DataDir+" to end", "pid", inUse.PID)
		}
		select {
		case <-time.After(busyInterval):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// warnOpen tells of what confines the engine on other machines, and not here.
func warnOpen(a *cli.App, engine *embedded.Server) {
	if open := engine.Sandbox(); open != nil {
		a.Log.Warn("the kernel does not confine the engine: whoever has the password can reach more of this machine than elsewhere", "missing", open)
	}
}

// announce tells the user how to reach the engine, without its password.
func announce(a *cli.App, engine *embedded.Server, dsnFile string) {
	native, _ := url.Parse(engine.DSN())
	http, _ := url.Parse(engine.HTTPDSN())
	fmt.Fprintf(a.Err, `ClickHouse is ready.
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
func serveConfig(a *cli.App, newPassword bool) (embedded.Config, error) {
	s := a.Config.Serve
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
	c := a.EngineConfig(a.Config.Engine.Data)
	if password == "" {
		var err error
		if password, err = keptPassword(c.DataDir, newPassword); err != nil {
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

// readSecret reads a file that holds one secret, without its line end.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
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
