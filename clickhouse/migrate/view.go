package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// checkView checks that the target of a materialized view has every column that
// the query returns, and that these hold all values. The server checks the names
// when it creates a view. When the query changes it does not, and drops the
// values of such a column silently; and it converts values that do not fit into
// others, or makes the target unreadable.
func (m *Migrator) checkView(ctx context.Context, v ddl.View) error {
	have, err := m.targetColumns(ctx, v)
	if err != nil {
		return err
	}
	columns, err := m.client.Describe(ctx, v.Select)
	if err != nil {
		return err
	}
	return compareView(v, columns, have)
}

// checkViews does the same for the views of a table as it is wanted, before
// anything is done: they may read columns, and insert into targets, that are not
// there yet. A query that cannot be asked about is left to the server.
func (m *Migrator) checkViews(ctx context.Context, table ddl.Table) error {
	for _, v := range table.Views {
		target := make(map[string]string)
		if v.Target != nil {
			printed, err := m.printed(ctx, *v.Target)
			if err != nil {
				return err
			}
			for _, c := range printed.Columns {
				target[c.Name] = c.Type
			}
		} else if have, err := m.inspect(ctx, ddl.TableName{Database: table.Database, Name: v.To.Name}, nil); err != nil {
			return err
		} else if have != nil {
			for _, c := range have.Columns {
				target[c.Name] = c.Type
			}
		}
		columns, err := m.client.Describe(ctx, table.Read(v.Select))
		if errors.Is(err, chconn.ErrSchema) || errors.Is(err, chconn.ErrRejected) || len(target) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		if err := compareView(v, columns, target); err != nil {
			return err
		}
	}
	return nil
}

// compareView compares what a query returns with the types of a target.
func compareView(v ddl.View, columns []ddl.Column, target map[string]string) error {
	for _, c := range columns {
		to, ok := target[c.Name]
		if !ok || !ddl.Holds(to, c.Type) {
			return &viewColumnError{view: v.Name, column: c.Name, target: v.To.Name, from: c.Type, to: to}
		}
	}
	return nil
}

// targetColumns returns the types of the columns, by name, that the target of a
// materialized view has. A target that does not exist is an error.
func (m *Migrator) targetColumns(ctx context.Context, v ddl.View) (map[string]string, error) {
	var columns []struct {
		Name string `ch:"name"`
		Type string `ch:"type"`
	}
	const sql = "SELECT name, type FROM system.columns WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}"
	err := m.client.SelectAs(ctx, fmt.Sprintf("materialized view %q", v.Name), &columns, sql, chconn.Param("database", v.To.Database), chconn.Param("table", v.To.Name))
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, chconn.SchemaError(fmt.Errorf("materialized view %q: its target %q does not exist: give that a schema of its own and apply both, or describe it under the view's key target", v.Name, v.To.Name))
	}
	have := make(map[string]string, len(columns))
	for _, column := range columns {
		have[column.Name] = column.Type
	}
	return have, nil
}

// viewColumnError says that a view would insert into a column that is not there,
// or that does not hold what it inserts.
type viewColumnError struct{ view, column, target, from, to string }

func (e *viewColumnError) Error() string {
	if e.to == "" {
		return fmt.Sprintf("materialized view %q: its query returns %q, and the target %q has no such column: add the column, or give the expression the name of one by AS", e.view, e.column, e.target)
	}
	return fmt.Sprintf("materialized view %q: its query returns %q as %s, and the column of the target %q is %s, which does not hold every such value: give the target a column of that type, or convert in the query", e.view, e.column, e.from, e.target, e.to)
}

func (e *viewColumnError) Is(target error) bool { return target == chconn.ErrSchema }
