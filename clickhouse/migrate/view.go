package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// checkView checks that the query of a materialized view returns no column that
// its target lacks. The server checks that when it creates a view. When the
// query changes it does not, and drops the values of such a column silently.
func (m *Migrator) checkView(ctx context.Context, v ddl.View) error {
	have, err := m.targetColumns(ctx, v)
	if err != nil {
		return err
	}
	names, err := m.describe(ctx, v.Select)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(names, func(name string) bool { return !have[name] }); i >= 0 {
		return &viewColumnError{view: v.Name, column: names[i], target: v.To.Name}
	}
	return nil
}

// targetColumns returns the names of the columns that the target of a
// materialized view has. A target that does not exist is an error.
func (m *Migrator) targetColumns(ctx context.Context, v ddl.View) (map[string]bool, error) {
	var columns []struct {
		Name string `ch:"name"`
	}
	const sql = "SELECT name FROM system.columns WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}"
	err := m.client.SelectAs(ctx, fmt.Sprintf("materialized view %q", v.Name), &columns, sql, chconn.Param("database", v.To.Database), chconn.Param("table", v.To.Name))
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, chconn.SchemaError(fmt.Errorf("materialized view %q: its target %q does not exist: give that a schema of its own and apply both, or describe it under the view's key target", v.Name, v.To.Name))
	}
	have := make(map[string]bool, len(columns))
	for _, column := range columns {
		have[column.Name] = true
	}
	return have, nil
}

// describe returns the names of the columns that a query returns.
func (m *Migrator) describe(ctx context.Context, query string) ([]string, error) {
	rows, err := m.client.Query(ctx, "DESCRIBE TABLE (\n"+query+"\n)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		texts := make([]string, len(rows.Columns())) // the name, the type and what else the server tells
		into := make([]any, len(texts))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		names = append(names, texts[0])
	}
	return names, rows.Err()
}

// viewColumnError says that a view would insert into a column that is not there.
type viewColumnError struct{ view, column, target string }

func (e *viewColumnError) Error() string {
	return fmt.Sprintf("materialized view %q: its query returns %q, and the target %q has no such column: add the column, or give the expression the name of one by AS", e.view, e.column, e.target)
}

func (e *viewColumnError) Is(target error) bool { return target == chconn.ErrSchema }
