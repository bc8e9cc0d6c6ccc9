package erase

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// memory is the name of the table that remembers what is being erased.
func (e *eraser) memory() string { return "factload_erase_" + e.Schema.Name }

// remember writes down what there is to erase, on every server.
func (e *eraser) remember(ctx context.Context) error {
	for _, at := range e.servers {
		err := at.exec(ctx, "CREATE TABLE IF NOT EXISTS "+ddl.QuoteIdent(e.memory())+` (kind LowCardinality(String), value String)
			ENGINE = MergeTree ORDER BY (kind, value) COMMENT 'what factload erase is erasing; it goes with it'`)
		if err != nil {
			return at.failed(err)
		}
	}
	var err error
	switch {
	case e.Field != "":
		err = e.rememberValues(ctx, "value", e.Value)
	case len(e.IDs) > 0:
		err = e.rememberValues(ctx, "id", e.IDs...)
	}
	if err != nil {
		return err
	}
	given, err := e.given(ctx)
	if err != nil {
		return err
	}
	for _, t := range e.tables {
		if !t.hasID || e.Expired {
			continue
		}
		if err := e.rememberIDs(given, t); err != nil {
			return t.failed(err)
		}
	}
	if len(e.servers) == 1 || e.Expired {
		return nil
	}
	ids, err := e.ids(ctx) // a row may be on one server, and its event on another one
	if err != nil {
		return err
	}
	return e.rememberValues(ctx, "id", slices.Collect(maps.Keys(ids))...)
}

// rememberIDs writes down the IDs of the rows of a table, for a ctx with what was given.
func (e *eraser) rememberIDs(ctx context.Context, t table) error {
	id := ddl.QuoteIdent(e.idField)
	from := " FROM " + ddl.QuoteIdent(t.name) + " WHERE (" + e.found(t) + ")"
	if e.Where != "" {
		nameless, err := t.count(ctx, "SELECT count()"+from+" AND "+id+" = ''")
		if err != nil {
			return err
		}
		if nameless > 0 {
			return fmt.Errorf("table %q: %d of the rows have no ID: erase them by a field", t.name, nameless)
		}
	}
	return t.exec(ctx, "INSERT INTO "+ddl.QuoteIdent(e.memory())+" SELECT 'id', "+id+from+" AND "+id+" != '' GROUP BY "+id)
}

// found returns the condition of the Config, for a statement with what was given, on a
// table that has the column of the ID.
func (e *eraser) found(t table) string {
	switch {
	case e.Expired:
		return e.expired(t)
	case e.Where != "":
		return e.Where
	case t.hasField:
		return "ifNull(toString(" + ddl.QuoteIdent(e.field.Name) + "), '') IN (SELECT value FROM " + attached + ")"
	case len(e.IDs) > 0:
		return ddl.QuoteIdent(e.idField) + " IN (SELECT value FROM " + attached + ")"
	}
	return "0"
}

// given attaches what the Config gives to the statements of ctx.
func (e *eraser) given(ctx context.Context) (context.Context, error) {
	if e.Field != "" {
		return attach(ctx, e.Value)
	}
	return attach(ctx, e.IDs...)
}

// attached is the name of the table that attach sends.
const attached = "factload_attached"

// attach sends the values beside the statements of ctx.
func attach(ctx context.Context, values ...string) (context.Context, error) {
	return chconn.WithValues(ctx, attached, values)
}

// rememberValues writes values down before anything that has them is erased.
func (e *eraser) rememberValues(ctx context.Context, kind string, values ...string) error {
	if len(values) == 0 {
		return nil
	}
	ctx, err := attach(ctx, values...)
	if err != nil {
		return err
	}
	for _, at := range e.servers {
		err := at.exec(ctx, "INSERT INTO "+ddl.QuoteIdent(e.memory())+" SELECT {kind:String}, value FROM "+attached, chconn.Param("kind", kind))
		if err != nil {
			return at.failed(err)
		}
	}
	return nil
}

// ids returns all IDs that are to be erased.
func (e *eraser) ids(ctx context.Context) (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, id := range e.IDs {
		ids[id] = true
	}
	if e.Expired {
		return ids, nil // they are told by their times
	}
	if !e.DryRun {
		for _, at := range e.servers {
			if err := readIDs(ctx, at, ids, "SELECT DISTINCT value FROM "+ddl.QuoteIdent(e.memory())+" WHERE kind = 'id'"); err != nil {
				return nil, at.failed(err)
			}
		}
		return ids, nil
	}
	given, err := e.given(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range e.tables {
		if t.kind != "table" {
			continue
		}
		if err := readIDs(given, t.server, ids, "SELECT DISTINCT "+ddl.QuoteIdent(e.idField)+" FROM "+ddl.QuoteIdent(t.name)+" WHERE "+e.found(t)); err != nil {
			return nil, t.failed(err)
		}
	}
	return ids, nil
}

// readIDs adds the IDs that a statement selects.
func readIDs(ctx context.Context, at server, ids map[string]bool, sql string) error {
	var found []string
	err := at.client.SelectAs(ctx, "IDs", &found, sql)
	for _, id := range found {
		ids[id] = true
	}
	delete(ids, "")
	return err
}

// forget drops the tables that remember, with their files.
func (e *eraser) forget(ctx context.Context) error {
	for _, at := range e.servers {
		if err := at.exec(ctx, "DROP TABLE IF EXISTS "+ddl.QuoteIdent(e.memory())+" SYNC"); err != nil {
			return at.failed(err)
		}
	}
	return nil
}
