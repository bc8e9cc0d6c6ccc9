package erase

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

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
}

// findTables returns the schema's table, the tables of rebuilds, the targets of its
// materialized views and the table of the events.
func (e *eraser) findTables(ctx context.Context, m *migrate.Migrator) ([]table, error) {
	main, err := m.Inspect(ctx, e.Schema.Name)
	if err != nil || main == nil {
		return nil, errors.Join(err, notThere(main, e.Schema.Name))
	}
	found := []table{e.table("table", *main)}
	if !found[0].hasID {
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
		if target := e.table("view", *t); target.hasID || target.hasField {
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
		found = append(found, table{kind: "events", name: events.Name})
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
	return table{kind: kind, name: t.Name, hasID: hasID, hasField: hasField && e.field.Name != ""}
}

// condition returns what is true of rows to erase. It has no values in it, since the
// server writes the conditions of mutations to its files: they are in a table.
func (e *eraser) condition(t table) string {
	among := func(column, kind string) string {
		return column + " IN (SELECT value FROM " + ddl.QuoteIdent(e.memory()) + " WHERE kind = '" + kind + "')"
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

// memory is the name of the table that remembers what is being erased.
func (e *eraser) memory() string { return "factload_erase_" + e.Schema.Name }

// remember writes down what there is to erase.
func (e *eraser) remember(ctx context.Context) error {
	memory := ddl.QuoteIdent(e.memory())
	err := e.exec(ctx, "CREATE TABLE IF NOT EXISTS "+memory+` (kind LowCardinality(String), value String)
		ENGINE = MergeTree ORDER BY (kind, value) COMMENT 'what factload erase is erasing; it goes with it'`)
	if err != nil {
		return err
	}
	switch {
	case e.Field != "":
		err = e.rememberValues(ctx, "value", e.Value)
	case len(e.IDs) > 0:
		err = e.rememberValues(ctx, "id", e.IDs...)
	}
	if err != nil {
		return err
	}
	for _, t := range e.tables {
		if !t.hasID {
			continue
		}
		where, params := e.found(t)
		id := ddl.QuoteIdent(e.idField)
		from := " FROM " + ddl.QuoteIdent(t.name) + " WHERE (" + where + ")"
		if e.Where != "" {
			nameless, err := e.count(ctx, "SELECT count()"+from+" AND "+id+" = ''", params...)
			if err != nil {
				return err
			}
			if nameless > 0 {
				return fmt.Errorf("table %q: %d of the rows have no ID: erase them by a field", t.name, nameless)
			}
		}
		err := e.exec(ctx, "INSERT INTO "+memory+" SELECT 'id', "+id+from+" AND "+id+" != '' GROUP BY "+id, params...)
		if err != nil {
			return err
		}
	}
	return nil
}

// found returns the condition of the Config for a table that has the column of the ID.
func (e *eraser) found(t table) (where string, params []any) {
	switch {
	case e.Where != "":
		return e.Where, nil
	case t.hasField:
		return "ifNull(toString(" + ddl.QuoteIdent(e.field.Name) + "), '') = {value:String}", []any{chconn.Param("value", e.Value)}
	case len(e.IDs) > 0:
		return ddl.QuoteIdent(e.idField) + " IN {ids:Array(String)}", []any{chconn.Param("ids", e.IDs)}
	}
	return "0", nil
}

// rememberValues writes values down before anything that has them is erased.
func (e *eraser) rememberValues(ctx context.Context, kind string, values ...string) error {
	if len(values) == 0 {
		return nil
	}
	return e.exec(ctx, "INSERT INTO "+ddl.QuoteIdent(e.memory())+" SELECT {kind:String}, arrayJoin({values:Array(String)})",
		chconn.Param("kind", kind), chconn.Param("values", values))
}

// ids returns all IDs that are to be erased.
func (e *eraser) ids(ctx context.Context) (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, id := range e.IDs {
		ids[id] = true
	}
	sql, params := "SELECT DISTINCT value AS value FROM "+ddl.QuoteIdent(e.memory())+" WHERE kind = 'id'", []any(nil)
	if e.DryRun {
		var where string
		where, params = e.found(e.tables[0])
		sql = "SELECT DISTINCT " + ddl.QuoteIdent(e.idField) + " AS value FROM " + ddl.QuoteIdent(e.Schema.Name) + " WHERE " + where
	}
	rows, err := e.Client.Query(ctx, sql, params...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	delete(ids, "")
	return ids, rows.Err()
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
	return n, e.dropOldParts(ctx, t.name)
}

// poll is how often the server is asked whether it is done.
const poll = 100 * time.Millisecond

// until asks again and again until the answer is yes.
func until(ctx context.Context, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mutated waits until the server has rewritten the parts of a table.
func (e *eraser) mutated(ctx context.Context, name string) error {
	return until(ctx, func() (bool, error) {
		var left []struct {
			Reason string `ch:"latest_fail_reason"`
		}
		err := e.Client.SelectAs(ctx, "mutations", &left, `SELECT latest_fail_reason FROM system.mutations
			WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done`, chconn.Param("table", name))
		for _, m := range left {
			if m.Reason != "" {
				return false, fmt.Errorf("the server cannot delete the rows: %s", m.Reason)
			}
		}
		return len(left) == 0, err
	})
}

// dropOldParts waits until the server has removed the parts that are not used any
// more. It would keep them for some minutes.
func (e *eraser) dropOldParts(ctx context.Context, name string) error {
	gone := func() (bool, error) {
		// There is no such partition; the server looks for parts to remove on the way.
		if err := e.exec(ctx, "ALTER TABLE "+ddl.QuoteIdent(name)+" DROP PARTITION ID 'factload-none'"); err != nil {
			return false, err
		}
		n, err := e.count(ctx, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND NOT active",
			chconn.Param("table", name))
		return n == 0, err
	}
	own, err := e.ownLifetime(ctx, name)
	if err != nil {
		return err
	}
	if err := e.setLifetime(ctx, name, "0"); err != nil {
		return err
	}
	return errors.Join(until(ctx, gone), e.setLifetime(context.WithoutCancel(ctx), name, own))
}

const lifetime = "old_parts_lifetime"

// ownLifetime returns how long the table keeps old parts, as it was said when the first
// run began: "" is the server's default.
func (e *eraser) ownLifetime(ctx context.Context, name string) (string, error) {
	memory := ddl.QuoteIdent(e.memory())
	kind := chconn.Param("kind", lifetime+" of "+name)
	n, err := e.count(ctx, "SELECT count() FROM "+memory+" WHERE kind = {kind:String}", kind)
	if err == nil && n == 0 {
		err = e.exec(ctx, "INSERT INTO "+memory+" SELECT {kind:String}, extract(engine_full, '"+lifetime+` = .?([0-9]+)')
			FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`, kind, chconn.Param("table", name))
	}
	if err != nil {
		return "", err
	}
	var own []struct {
		Value string `ch:"value"`
	}
	err = e.Client.SelectAs(ctx, lifetime, &own, "SELECT value FROM "+memory+" WHERE kind = {kind:String} LIMIT 1", kind)
	if err != nil || len(own) == 0 || own[0].Value == "" {
		return "", err
	}
	_, err = strconv.Atoi(own[0].Value)
	return own[0].Value, err
}

// setLifetime sets how long the table keeps old parts.
func (e *eraser) setLifetime(ctx context.Context, name, value string) error {
	alter := "ALTER TABLE " + ddl.QuoteIdent(name)
	if value != "" {
		return e.exec(ctx, alter+" MODIFY SETTING "+lifetime+" = "+value)
	}
	n, err := e.count(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String} AND engine_full LIKE '%"+lifetime+"%'",
		chconn.Param("table", name))
	if err != nil || n == 0 {
		return err
	}
	return e.exec(ctx, alter+" RESET SETTING "+lifetime)
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
	if t.kind == "events" {
		ids, err := e.ids(ctx)
		if err != nil {
			return p, err
		}
		list := make([]string, 0, len(ids))
		for id := range ids {
			list = append(list, id)
		}
		p.Left, err = e.count(ctx, "SELECT count() FROM "+name+" WHERE type = {type:String} AND event_id IN {ids:Array(String)}",
			chconn.Param("type", e.Schema.Name), chconn.Param("ids", list))
		return p, err
	}
	where, params := e.found(t)
	p.Left, err = e.count(ctx, "SELECT count() FROM "+name+" WHERE "+where, params...)
	return p, err
}

// forget drops the table that remembers, with its files.
func (e *eraser) forget(ctx context.Context) error {
	return e.exec(ctx, "DROP TABLE IF EXISTS "+ddl.QuoteIdent(e.memory())+" SYNC")
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
