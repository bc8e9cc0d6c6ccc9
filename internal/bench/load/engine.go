package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/bench"
)

// engine is the server that everything is loaded into.
type engine struct {
	*bench.Engine
	runs int
}

// place is a database of its own for one run, and the two DSNs of it.
type place struct {
	client       *clickhouse.Client
	dsn, httpDSN string
}

// fresh makes an empty table in a new database. Nothing is dropped before the
// engine ends: some file systems are slow to make files where files have just
// been removed.
func (e *engine) fresh(ctx context.Context, d data) (*place, error) {
	table, err := ddl.NewTable(d.def.Schema, d.def.Table)
	if err != nil {
		return nil, err
	}
	e.runs++
	name := fmt.Sprintf("run_%d", e.runs)
	if err := e.Client.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	p := &place{}
	if p.dsn, err = bench.InDatabase(e.DSN, name); err != nil {
		return nil, err
	}
	if p.httpDSN, err = bench.InDatabase(e.Server.HTTPDSN(), name); err != nil {
		return nil, err
	}
	if p.client, err = clickhouse.Open(p.dsn); err != nil {
		return nil, err
	}
	if err := p.client.Exec(ctx, ddl.CreateSQL(table)); err != nil {
		return nil, errors.Join(err, p.client.Close())
	}
	return p, nil
}

// close ends what the server still does with the tables, so that the next run
// has it for itself.
func (p *place) close(ctx context.Context) error {
	var tables []string
	err := p.client.Select(ctx, &tables, "SELECT name FROM system.tables WHERE database = currentDatabase()")
	for _, name := range tables {
		err = errors.Join(err, p.client.Exec(ctx, "DETACH TABLE "+ddl.QuoteIdent(name)+" SYNC"))
	}
	return errors.Join(err, p.client.Close())
}

// content is what a table holds.
type content struct {
	Rows uint64 `ch:"rows"`
	Sum  uint64 `ch:"sum"`
}

// content counts the rows of a table and sums their hashes. JSON fields are left
// out if they may have been written anew, with keys in another order and 1 for
// 1.0.
func (p *place) content(ctx context.Context, d data, rewritten bool) (content, error) {
	var columns []string
	for _, f := range d.def.Schema.Fields {
		if !rewritten || f.Type != fact.JSON {
			columns = append(columns, ddl.QuoteIdent(f.Name))
		}
	}
	sql := "SELECT count() AS rows, sum(cityHash64(tuple(" + strings.Join(columns, ", ") + "))) AS sum FROM " + ddl.QuoteIdent(d.def.Schema.Name)
	var rows []content
	if err := p.client.Select(ctx, &rows, sql); err != nil {
		return content{}, err
	}
	if len(rows) != 1 {
		return content{}, fmt.Errorf("%d rows in the answer to %s", len(rows), sql)
	}
	return rows[0], nil
}

// serverWork is what the server has done since it started, or between two
// looks.
type serverWork struct {
	cpu    time.Duration
	events map[string]uint64
}

const eventsSQL = `SELECT event, value FROM system.events`

func (e *engine) work(ctx context.Context) (serverWork, error) {
	var rows []struct {
		Event string `ch:"event"`
		Value uint64 `ch:"value"`
	}
	if err := e.Client.Select(ctx, &rows, eventsSQL); err != nil {
		return serverWork{}, err
	}
	w := serverWork{events: make(map[string]uint64, len(rows))}
	for _, r := range rows {
		w.events[r.Event] = r.Value
	}
	w.cpu = e.CPU()
	return w, nil
}

// since returns what was done after an earlier look.
func (w serverWork) since(before serverWork) serverWork {
	out := serverWork{cpu: w.cpu - before.cpu, events: make(map[string]uint64)}
	for name, value := range w.events {
		out.events[name] = value - before.events[name]
	}
	return out
}
