// Package bench is what the benchmarks below it have in common: an engine to
// measure, what it is measured on, and tables in Markdown.
package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
)

// Engine is the server that is measured.
type Engine struct {
	// Server is nil for one that somebody else has started.
	Server *embedded.Server
	Client *clickhouse.Client
	// DSN is for the native protocol.
	DSN string
	dir string
}

// StartEngine starts an embedded engine in a new directory. With a DSN it takes
// the server that is there.
func StartEngine(ctx context.Context, dsn string) (*Engine, error) {
	e := &Engine{DSN: dsn}
	var err error
	if dsn == "" {
		if e.dir, err = os.MkdirTemp("", "factload-bench-"); err != nil {
			return nil, err
		}
		if e.Server, err = embedded.Start(ctx, embedded.Config{DataDir: e.dir}); err != nil {
			return nil, errors.Join(err, os.RemoveAll(e.dir))
		}
		e.DSN = e.Server.DSN()
	}
	if e.Client, err = clickhouse.Open(e.DSN); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// Stop ends an engine that StartEngine has started, and removes its data.
func (e *Engine) Stop() {
	if e.Client != nil {
		_ = e.Client.Close() // its server goes away too
	}
	if e.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = e.Server.Stop(ctx)  // it ends with this process in any case
	_ = os.RemoveAll(e.dir) // a directory of temporary files
}

// Version returns the server's version.
func (e *Engine) Version(ctx context.Context) (string, error) {
	return e.Client.SelectText(ctx, "version", "SELECT version()")
}

// CPU returns the CPU time that the engine has used, or 0 where nobody knows.
func (e *Engine) CPU() time.Duration {
	if e.Server == nil {
		return 0
	}
	return processCPU(e.Server.PID())
}

// processCPU returns the CPU time that a process has used, or 0 where there is
// no /proc.
func processCPU(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	if len(fields) <= stime {
		return 0
	}
	user, _ := strconv.ParseInt(fields[utime], 10, 64)
	system, _ := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * tick
}

// InDatabase returns the DSN with another database.
func InDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the DSN is not a URL") // without the error, which holds the password
	}
	u.Path = "/" + name
	return u.String(), nil
}
