package erase

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/fact"
)

// table is a table with rows of the facts.
type table struct {
	kind, name string
	hasID      bool // as a column of its own
	hasField   bool
	replicated bool
}

// findTables returns the schema's table, the tables of rebuilds, the targets of its
// materialized views and the table of the events.
func (e *eraser) findTables(ctx context.Context, m *migrate.Migrator) ([]table, error) {
	main, err := m.Inspect(ctx, e.Schema.Name)
	if err != nil || main == nil {
		return nil, errors.Join(err, notThere(main, e.Schema.Name))
	}
	found := []table{e.table("table", *main)}
	if !found[0].hasID && !e.Expired {
		return nil, chconn.SchemaError(fmt.Errorf("the table %q has no column %q", e.Schema.Name, e.idField))
	}
	var names []struct {
		Name string `ch:"name"`
	}
	before := "^" + regexp.QuoteMeta(rebuild.BeforeName(e.Schema.Name, "")) + `\d{8}`
	err = e.Client.SelectAs(ctx, "tables of rebuilds", &names,
		"SELECT name FROM system.tables WHERE database = currentDatabase() AND (match(name, {before:String}) OR name = {new:String}) ORDER BY name",
		chconn.Param("before", before), chconn.Param("new", rebuild.NewName(e.Schema.Name)))
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		t, err := m.Inspect(ctx, n.Name)
		if err != nil {
			return nil, err
		}
		if t != nil {
			found = append(found, e.table("rebuilt", *t))
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
			return nil, err
		}
		if t == nil {
			continue
		}
		if target := e.table("view", *t); target.hasID && !e.Expired || target.hasField {
			found = append(found, target)
		} else {
			e.report.Sums = append(e.report.Sums, v.To.Name)
		}
	}
	events, err := m.Inspect(ctx, fact.LoggedEventSchema)
	if err != nil || events == nil {
		return found, err
	}
	if _, ok := events.Column("event_id"); ok && e.Schema.Name != fact.LoggedEventSchema {
		found = append(found, table{kind: "events", name: events.Name, replicated: isReplicated(*events)})
	}
	return found, nil
}

func notThere(t *ddl.Table, name string) error {
	if t != nil {
		return nil
	}
	return chconn.SchemaError(fmt.Errorf("there is no table %q", name))
}

func (e *eraser) table(kind string, t ddl.Table) table {
	_, hasID := t.Column(e.idField)
	_, hasField := t.Column(e.field.Name)
	return table{kind: kind, name: t.Name, hasID: hasID, hasField: hasField && e.field.Name != "", replicated: isReplicated(t)}
}

func isReplicated(t ddl.Table) bool { return strings.HasPrefix(t.Engine, "Replicated") }

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
	n, err := e.count(ctx, "SELECT count() FROM "+name+" WHERE "+e.condition(t))
	if err != nil {
		return 0, err
	}
	if n > 0 {
		if err := e.exec(ctx, "ALTER TABLE "+name+" DELETE WHERE "+e.condition(t)); err != nil {
			return 0, err
		}
	}
	if err := e.mutated(ctx, t.name); err != nil {
		return 0, err
	}
	if err := e.forgetMutations(ctx, t); err != nil {
		return 0, err
	}
	return n, e.dropOldParts(ctx, t.name)
}

// lookAtTable counts the rows that are to be erased.
func (e *eraser) lookAtTable(ctx context.Context, t table) (p Place, err error) {
	p = Place{Kind: t.kind, Name: t.name}
	name := ddl.QuoteIdent(t.name)
	if p.LookedAt, err = e.count(ctx, "SELECT count() FROM "+name); err != nil {
		return p, err
	}
	if !e.DryRun {
		p.Left, err = e.count(ctx, "SELECT count() FROM "+name+" WHERE "+e.condition(t))
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
	p.Left, err = e.count(ctx, "SELECT count() FROM "+name+" WHERE "+where)
	return p, err
}

func (e *eraser) exec(ctx context.Context, sql string, params ...any) error {
	return e.Client.ExecAs(ctx, "erase", sql, params...)
}

func (e *eraser) count(ctx context.Context, sql string, params ...any) (uint64, error) {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := e.Client.SelectAs(ctx, "count", &rows, "SELECT toUInt64(("+sql+")) AS n", params...); err != nil {
		return 0, err
	}
	return rows[0].N, nil
}
