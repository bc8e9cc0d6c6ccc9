// Package engine is the commands for engines and servers: serve, engine, doctor, backup and
// restore.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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
given, too, by --password-file or FACTLOAD_SERVE_PASSWORD. --reader adds a user who can read
everything and change nothing, for analysts, dashboards and metrics: that password is kept
in the same way, and run/reader-dsn in the data directory has the DSNs.

Over HTTP there are a start page at /, the shipped questions as a live report at /report,
ClickHouse's query page at /play, /healthz for whoever asks whether the engine answers, and
/metrics in the text format of Prometheus, for the reader or the user.

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
	flags.BoolVar(&newPassword, "new-password", false, "make new random passwords")
	flags.String("reader", "", "`name` of a second user, who can read and change nothing")
	flags.String("database", "factload", "`name` of the database")
	flags.String("dsn-file", "", "`file` to write the DSNs to (default: run/dsn in the data directory)")
	config.Bind(flags, "data", "engine.data")
	config.Bind(flags, "native", "serve.native")
	config.Bind(flags, "http", "serve.http")
	config.Bind(flags, "user", "serve.user")
	config.Bind(flags, "password-file", "serve.password_file")
	config.Bind(flags, "reader", "serve.reader")
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
	err = serveUntil(ctx, a, c, engine)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cli.StopGrace)
	defer cancel()
	return errors.Join(err, engine.Stop(stopCtx))
}

// serveUntil has the DSN files written while the engine runs and ctx is not done.
func serveUntil(ctx context.Context, a *cli.App, c embedded.Config, engine *embedded.Server) (err error) {
	dsnFile := engine.DSNFile() // the engine's own goes with the engine
	if a.Config.DSNFile != "" {
		dsnFile = a.Config.DSNFile
		text := dsnText(engine)
		if err := private.Write(dsnFile, text); err != nil {
			return fmt.Errorf("dsn file: %w", err)
		}
		defer func() { err = errors.Join(err, removeDSNFile(dsnFile, text)) }()
	}
	readerFile := ""
	if len(c.Users) > 0 {
		readerFile = filepath.Join(filepath.Dir(engine.DSNFile()), "reader-dsn")
		text := readerDSNText(engine, c.Users[0])
		if err := private.Write(readerFile, text); err != nil {
			return fmt.Errorf("dsn file of the reader: %w", err)
		}
		defer func() { err = errors.Join(err, removeDSNFile(readerFile, text)) }()
	}
	warnOpen(a, engine)
	announce(a, engine, dsnFile, readerFile)
	select {
	case <-ctx.Done():
		a.Say("stopping")
		return nil
	case <-engine.Done():
		return fmt.Errorf("the engine has died: %w", engine.Err())
	}
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

// announce tells the user how to reach the engine, without its passwords.
func announce(a *cli.App, engine *embedded.Server, dsnFile, readerFile string) {
	native, _ := url.Parse(engine.DSN())
	http, _ := url.Parse(engine.HTTPDSN())
	page, user, database := "http://"+http.Host+"/", native.User.Username(), native.Path[1:]
	if a.JSONLog() {
		a.Log.Info("ready", "native", native.Host, "http", http.Host, "start_page", page, "user", user, "database", database,
			"dsn_file", dsnFile, "reader", a.Config.Serve.Reader, "reader_dsn_file", readerFile)
		return
	}
	fmt.Fprintf(a.Err, `ClickHouse is ready.
  native     %s
  HTTP       http://%s
  start page %s has the tables, and leads to the query page
  user       %s, database %s
  DSN        in %s: the first line is for the native protocol, the second for HTTP;
             the pages ask for the password that is between : and @
`, native.Host, http.Host, page, user, database, dsnFile)
	if readerFile != "" {
		fmt.Fprintf(a.Err, "  reader     %s, who can change nothing: the DSN is in %s\n", a.Config.Serve.Reader, readerFile)
	}
	fmt.Fprintf(a.Err, `Try: factload query --dsn-file %s "SHOW TABLES"
Stop with Ctrl-C.
`, dsnFile)
}

// dsnText is what a DSN file holds.
func dsnText(engine *embedded.Server) []byte {
	return []byte(engine.DSN() + "\n" + engine.HTTPDSN() + "\n")
}

// readerDSNText is what the DSN file of the reader holds.
func readerDSNText(engine *embedded.Server, reader embedded.User) []byte {
	text := ""
	for _, dsn := range []string{engine.DSN(), engine.HTTPDSN()} {
		u, _ := url.Parse(dsn)
		u.User = url.UserPassword(reader.Name, reader.Password)
		text += u.String() + "\n"
	}
	return []byte(text)
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
