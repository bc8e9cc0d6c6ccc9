package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/bench"
)

// engine is the server that everything is recorded into.
type engine struct {
	*bench.Engine
	schema fact.Schema
	runs   int
}

// place is a database of its own, with an empty table.
type place struct {
	name, dsn string
}

// fresh makes a database with an empty table, as the Materializer would.
func (e *engine) fresh(ctx context.Context) (*place, error) {
	e.runs++
	p := &place{name: fmt.Sprintf("factload_bench_%d_%d", os.Getpid(), e.runs)}
	if err := e.Client.Exec(ctx, "CREATE DATABASE "+p.name); err != nil {
		return nil, err
	}
	var err error
	if p.dsn, err = bench.InDatabase(e.DSN, p.name); err != nil {
		return nil, err
	}
	client, err := clickhouse.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	t, err := ddl.NewTable(e.schema, ddl.Options{})
	if err == nil {
		err = migrate.New(client).Ensure(ctx, t)
	}
	return p, errors.Join(err, client.Close())
}

// drop removes what a run has left.
func (e *engine) drop(ctx context.Context, p *place) error {
	return e.Client.Exec(ctx, "DROP DATABASE "+p.name+" SYNC")
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
	var parts []uint64
	err := e.Client.Select(ctx, &parts, "SELECT value FROM system.events WHERE event = 'MergeTreeDataWriterBlocks'")
	c := counters{cpu: e.CPU()}
	if len(parts) > 0 {
		c.parts = parts[0]
	}
	return c, err
}

// activeParts counts the active parts of a place, and its rows.
func (e *engine) activeParts(ctx context.Context, p *place) (parts, rows uint64, err error) {
	var out []struct {
		Parts uint64 `ch:"parts"`
		Rows  uint64 `ch:"rows"`
	}
	err = e.Client.Select(ctx, &out, "SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE active AND database = {name:String}",
		clickhouse.Param("name", p.name))
	if err != nil || len(out) == 0 {
		return 0, 0, err
	}
	return out[0].Parts, out[0].Rows, nil
}
