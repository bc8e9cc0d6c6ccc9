package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// engine is the server that everything is recorded into.
type engine struct {
	server *embedded.Server // nil: somebody else's
	dsn    string
	client *clickhouse.Client
	schema fact.Schema
	dir    string
	runs   int
}

// place is a database of its own, with an empty table.
type place struct {
	name, dsn string
}

// startEngine starts an embedded engine in a new directory. With a DSN it takes
// the server that is there.
func startEngine(ctx context.Context, schema fact.Schema, dsn string) (*engine, error) {
	e := &engine{dsn: dsn, schema: schema}
	var err error
	if dsn == "" {
		if e.dir, err = os.MkdirTemp("", "factload-bench-"); err != nil {
			return nil, err
		}
		if e.server, err = embedded.Start(ctx, embedded.Config{DataDir: e.dir}); err != nil {
			return nil, errors.Join(err, os.RemoveAll(e.dir))
		}
		e.dsn = e.server.DSN()
	}
	if e.client, err = clickhouse.Open(e.dsn); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// stop ends the engine and removes its data.
func (e *engine) stop() {
	if e.client != nil {
		_ = e.client.Close() // its server goes away too
	}
	if e.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = e.server.Stop(ctx)  // it ends with this process in any case
	_ = os.RemoveAll(e.dir) // a directory of temporary files
}

// fresh makes a database with an empty table, as the Materializer would.
func (e *engine) fresh(ctx context.Context) (*place, error) {
	e.runs++
	p := &place{name: fmt.Sprintf("factload_bench_%d_%d", os.Getpid(), e.runs)}
	if err := e.client.Exec(ctx, "CREATE DATABASE "+p.name); err != nil {
		return nil, err
	}
	u, err := url.Parse(e.dsn)
	if err != nil {
		return nil, errors.New("the DSN is not a URL")
	}
	u.Path = "/" + p.name
	p.dsn = u.String()
	client, err := clickhouse.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	t, err := ddl.NewTable(e.schema, ddl.Options{})
	if err == nil {
		err = client.Ensure(ctx, t)
	}
	return p, errors.Join(err, client.Close())
}

// drop removes what a run has left.
func (e *engine) drop(ctx context.Context, p *place) error {
	return e.client.Exec(ctx, "DROP DATABASE "+p.name+" SYNC")
}

// driver opens clickhouse-go with that many connections.
func (p *place) driver(conns int) (driver.Conn, error) {
	opt, err := chgo.ParseDSN(p.dsn)
	if err != nil {
		return nil, errors.New("clickhouse-go does not understand the DSN")
	}
	opt.MaxOpenConns, opt.MaxIdleConns, opt.DialTimeout = conns, conns, time.Minute
	return chgo.Open(opt)
}

// counters are what the engine has done so far.
type counters struct {
	cpu   time.Duration
	parts uint64 // written by inserts
}

func (e *engine) counters(ctx context.Context) (counters, error) {
	var rows []struct {
		Value uint64 `ch:"value"`
	}
	err := e.client.Select(ctx, &rows, "SELECT value FROM system.events WHERE event = 'MergeTreeDataWriterBlocks'")
	var c counters
	if e.server != nil {
		c.cpu = processCPU(e.server.PID())
	}
	if len(rows) > 0 {
		c.parts = rows[0].Value
	}
	return c, err
}

// activeParts counts the active parts of a place, and its rows.
func (e *engine) activeParts(ctx context.Context, p *place) (parts, rows uint64, err error) {
	var out []struct {
		Parts uint64 `ch:"parts"`
		Rows  uint64 `ch:"rows"`
	}
	err = e.client.Select(ctx, &out, "SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE active AND database = {name:String}",
		clickhouse.Param("name", p.name))
	if err != nil || len(out) == 0 {
		return 0, 0, err
	}
	return out[0].Parts, out[0].Rows, nil
}

func (e *engine) version(ctx context.Context) (string, error) {
	var rows []struct {
		V string `ch:"v"`
	}
	if err := e.client.Select(ctx, &rows, "SELECT version() AS v"); err != nil {
		return "", err
	}
	return rows[0].V, nil
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
