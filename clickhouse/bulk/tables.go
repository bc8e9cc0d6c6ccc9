package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
)

// table is a target with everything derived from its schema.
type table struct {
	name string
	// definition is what is kept of the schema.
	definition string
	layout     *block.Layout
	ddl        ddl.Table

	mu    sync.Mutex
	ready bool
	// picky means that the server may refuse rows and can be asked which: the table
	// has constraints, which are checked before anything is stored, and no
	// materialized views, which may fail after. Or text of the rows goes into columns of
	// JSON, which is looked at before anything is sent. It is valid when ready.
	picky bool
}

// newTables compiles the targets. With a name, only that one.
func newTables(targets map[string]Target, only string, decode block.Options) (map[string]*table, error) {
	tables := make(map[string]*table, len(targets))
	for name, target := range targets {
		if only != "" && name != only {
			continue
		}
		layout, err := block.Compile(target.Schema, decode)
		if err != nil {
			return nil, fmt.Errorf("%w: target %q: %w", ErrConfig, name, err)
		}
		t, err := ddl.NewTable(target.Schema, target.Table)
		if err != nil {
			return nil, fmt.Errorf("%w: target %q: %w", ErrConfig, name, err)
		}
		tables[name] = &table{name: name, definition: target.Definition, layout: layout, ddl: t}
	}
	return tables, nil
}

// widest returns the number of columns of the widest table.
func widest(tables map[string]*table) int {
	most := 0
	for _, t := range tables {
		most = max(most, len(t.ddl.Columns))
	}
	return most
}

const pickySQL = `SELECT position(create_table_query, ' CHECK ') > 0 AND empty(dependencies_table) AS picky
FROM system.tables WHERE database = currentDatabase() AND name = {name:String}`

// prepare creates the table, or adds missing columns, the first time it is
// called. A table that differs, and cannot or may not be changed, is left as it
// is, and takes the rows if its columns hold them. warn gets what the user should
// know about a table that others made.
func (t *table) prepare(ctx context.Context, s server, warn func(string), keep func(context.Context, *table) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready {
		return nil
	}
	refused := s.Ensure(ctx, t.ddl)
	if refused != nil && !errors.As(refused, new(*migrate.UnchangedError)) {
		return refused
	}
	have, err := s.Inspect(ctx, t.name)
	if err != nil {
		return err
	}
	if refused != nil {
		if have == nil || !have.Takes(t.ddl.Columns) {
			return refused
		}
		first, _, _ := strings.Cut(refused.Error(), "\n")
		warn(fmt.Sprintf("table %q differs from its schema and stays as it is; its columns hold the rows, so they are loaded: %s; see factload plan", t.name, first))
	}
	if have != nil {
		if err := warnOfWindows(ctx, s, have, warn); err != nil {
			return err
		}
		outside, _ := s.OutsideViews(ctx, t.name, t.layout) // a user who may not look is told when it matters
		for _, view := range outside {
			warn(fmt.Sprintf("what materialized view %q fills may lack rows if a load is interrupted, and is not completed: %s", view.Name, view.Reason))
		}
	}
	picky, err := isPicky(ctx, s, t.name)
	if err != nil {
		return err
	}
	if err := keep(ctx, t); err != nil {
		return err
	}
	t.ready = true
	t.picky = picky || have != nil && textForJSON(*have, t.ddl.Columns)
	return nil
}

// isPicky reports whether the table, or that of a shard, has constraints that the server can be
// asked about.
func isPicky(ctx context.Context, s server, name string) (bool, error) {
	places, err := s.Places(ctx, name)
	if err != nil {
		return false, err
	}
	for _, at := range places {
		var picky []bool
		if err := at.Client.Select(ctx, &picky, pickySQL, chconn.Param("name", at.Table)); err != nil {
			return false, err
		}
		if len(picky) == 1 && picky[0] {
			return true, nil
		}
	}
	return false, nil
}

// textForJSON reports whether one of the columns is of text, and of JSON in the table.
func textForJSON(have ddl.Table, columns []ddl.Column) bool {
	return slices.ContainsFunc(columns, func(c ddl.Column) bool {
		stored, ok := have.Column(c.Name)
		return ok && stored.JSON && !c.JSON
	})
}
