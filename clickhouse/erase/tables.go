package erase

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/fact"
)

// table is a table with rows of the facts.
type table struct {
	server
	kind, name string
	hasID      bool // as a column of its own
	hasField   bool
	replicated bool
}

// findTables returns the schema's table, the tables of rebuilds, the targets of its
// materialized views and the table of the events, of every server that has them.
func (e *eraser) findTables(ctx context.Context) error {
	places, err := e.places(ctx, e.Schema.Name)
	if err == nil && places == nil {
		err = notThere(e.Schema.Name)
	}
	for i := 0; err == nil && i < len(places); i++ {
		err = e.findAt(ctx, places[i])
	}
	if err != nil || e.Schema.Name == fact.LoggedEventSchema {
		return err
	}
	places, err = e.places(ctx, fact.LoggedEventSchema)
	for i := 0; err == nil && i < len(places); i++ {
		at := places[i]
		var events *ddl.Table
		if events, err = migrate.New(at.client).Inspect(ctx, at.table); err != nil || events == nil {
			continue
		}
		if _, ok := events.Column("event_id"); ok {
			e.add(table{server: at.server, kind: "events", name: events.Name, replicated: events.IsReplicated()})
		}
	}
	return err
}

// add adds a table, and its server if it is a new one.
func (e *eraser) add(t table) {
	e.tables = append(e.tables, t)
	if !slices.Contains(e.servers, t.server) {
		e.servers = append(e.servers, t.server)
	}
}

// findAt finds the tables of the schema on one server.
func (e *eraser) findAt(ctx context.Context, at place) error {
	m := migrate.New(at.client)
	main, err := m.Inspect(ctx, at.table)
	if err == nil && main == nil {
		err = notThere(at.table)
	}
	if err != nil {
		return at.failed(err)
	}
	own := e.table("table", at.server, *main)
	if !own.hasID && !e.Expired {
		return chconn.SchemaError(fmt.Errorf("the table %q has no column %q", at.table, e.idField))
	}
	e.add(own)
	var names []string
	before := "^" + regexp.QuoteMeta(rebuild.BeforeName(at.table, "")) + `\d{8}`
	err = at.client.SelectAs(ctx, "tables of rebuilds", &names,
		"SELECT name FROM system.tables WHERE database = currentDatabase() AND (match(name, {before:String}) OR name = {new:String}) ORDER BY name",
		chconn.Param("before", before), chconn.Param("new", rebuild.NewName(at.table)))
	if err != nil {
		return err
	}
	for _, name := range names {
		t, err := m.Inspect(ctx, name)
		if err != nil {
			return err
		}
		if t != nil {
			e.add(e.table("rebuilt", at.server, *t))
		}
	}
	seen := make(map[string]bool)
	for _, v := range main.Views {
		if seen[v.To.Name] || v.To.Name == "" {
			continue
		}
		seen[v.To.Name] = true
		t, err := m.Inspect(ctx, v.To.Name)
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		if target := e.table("view", at.server, *t); target.hasID && !e.Expired || target.hasField {
			e.add(target)
		} else if !slices.Contains(e.report.Sums, v.To.Name) {
			e.report.Sums = append(e.report.Sums, v.To.Name)
		}
	}
	return nil
}

func notThere(name string) error {
	return chconn.SchemaError(fmt.Errorf("there is no table %q", name))
}

func (e *eraser) table(kind string, at server, t ddl.Table) table {
	_, hasID := t.Column(e.idField)
	_, hasField := t.Column(e.field.Name)
	return table{server: at, kind: kind, name: t.Name, hasID: hasID, hasField: hasField && e.field.Name != "", replicated: t.IsReplicated()}
}

// condition returns what is true of rows to erase. It has no values in it, since the
// server writes the conditions of mutations to its files: they are in a table.
func (e *eraser) condition(t table) string {
	among := func(column, kind string) string {
		return column + " IN (SELECT value FROM " + ddl.QuoteIdent(e.memory()) + " WHERE kind = '" + kind + "')"
	}
	if e.Expired {
		return e.expired(t)
	}
	if t.kind == "events" {
		return "type = " + ddl.QuoteString(e.Schema.Name) + " AND " + among("event_id", "id")
	}
	condition := "0"
	if t.hasID {
		condition += " OR " + among(ddl.QuoteIdent(e.idField), "id")
	}
	if t.hasField {
		condition += " OR " + among("ifNull(toString("+ddl.QuoteIdent(e.field.Name)+"), '')", "value")
	}
	return condition
}

// expired returns what is true of rows that are older than the retention.
func (e *eraser) expired(t table) string {
	older := func(column string) string {
		return fmt.Sprintf("%s + INTERVAL %d DAY < toDateTime64('%s', 3, 'UTC')", column, e.days, e.now.Format("2006-01-02 15:04:05.000"))
	}
	switch {
	case t.kind == "events":
		return "type = " + ddl.QuoteString(e.Schema.Name) + " AND " + older("occurred_at")
	case t.hasField:
		return older(ddl.QuoteIdent(e.field.Name))
	}
	return "0"
}

// eraseTable deletes the rows, and the parts that have had them.
func (e *eraser) eraseTable(ctx context.Context, t table) (uint64, error) {
	name := ddl.QuoteIdent(t.name)
	n, err := t.count(ctx, "SELECT count() FROM "+name+" WHERE "+e.condition(t))
	if err != nil {
		return 0, err
	}
	if n > 0 {
		if err := t.exec(ctx, "ALTER TABLE "+name+" DELETE WHERE "+e.condition(t)); err != nil {
			return 0, err
		}
	}
	if err := t.mutated(ctx); err != nil {
		return 0, err
	}
	if err := t.forgetMutations(ctx); err != nil {
		return 0, err
	}
	return n, e.dropOldParts(ctx, t)
}

// lookAtTable counts the rows that are to be erased.
func (e *eraser) lookAtTable(ctx context.Context, t table) (p Place, err error) {
	p = Place{Kind: t.kind, Name: t.name, Host: t.host}
	name := ddl.QuoteIdent(t.name)
	if p.LookedAt, err = t.count(ctx, "SELECT count() FROM "+name); err != nil {
		return p, err
	}
	if !e.DryRun {
		p.Left, err = t.count(ctx, "SELECT count() FROM "+name+" WHERE "+e.condition(t))
		return p, err
	}
	where, given := e.found(t), e.given
	if t.kind == "events" && !e.Expired {
		ids, err := e.ids(ctx)
		if err != nil {
			return p, err
		}
		where = "type = " + ddl.QuoteString(e.Schema.Name) + " AND event_id IN (SELECT value FROM " + attached + ")"
		given = func(ctx context.Context) (context.Context, error) {
			return attach(ctx, slices.Collect(maps.Keys(ids))...)
		}
	}
	if ctx, err = given(ctx); err != nil {
		return p, err
	}
	p.Left, err = t.count(ctx, "SELECT count() FROM "+name+" WHERE "+where)
	return p, err
}
