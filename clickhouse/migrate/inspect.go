package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// Inspect returns the table as the server describes it, or nil when there is
// no such table in the DSN's database. Its materialized views are those of the
// same database.
func (m *Migrator) Inspect(ctx context.Context, table string) (*ddl.Table, error) {
	return m.inspect(ctx, ddl.TableName{Name: table}, nil)
}

// inspect returns also what has one of the names of views, whatever it is.
func (m *Migrator) inspect(ctx context.Context, name ddl.TableName, views []string) (*ddl.Table, error) {
	op := fmt.Sprintf("inspect table %q", name)
	params := []any{chconn.Param("database", name.Database), chconn.Param("table", name.Name)}
	var (
		tables []ddl.CatalogTable
		err    error
	)
	if err := m.client.SelectAs(ctx, op, &tables, ddl.InspectTableSQL, params...); err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, nil // documented: no table, no error
	}
	if tables[0].CreateQuery == "" {
		return nil, &chconn.Error{Op: op, Class: chconn.ErrRetryable, Text: "the table is being dropped, renamed or exchanged at this moment"}
	}
	catalog := ddl.Catalog{Table: tables[0]}
	if err := m.client.SelectAs(ctx, op, &catalog.Columns, ddl.InspectColumnsSQL, params...); err != nil {
		return nil, err
	}
	if err := m.client.SelectAs(ctx, op, &catalog.Indexes, ddl.InspectIndexesSQL, params...); err != nil {
		return nil, err
	}
	if strings.Contains(tables[0].CreateQuery, "PROJECTION") {
		if err := m.client.SelectAs(ctx, op, &catalog.Projections, ddl.InspectProjectionsSQL, params...); err != nil {
			return nil, err
		}
	}
	if tables[0].Views > 0 || len(views) > 0 {
		if catalog.Views, err = m.inspectViews(ctx, op, views, params); err != nil {
			return nil, err
		}
	}
	table, err := ddl.FromCatalog(catalog)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	if table, err = m.printed(ctx, table); err != nil {
		return nil, err
	}
	return &table, nil
}

func (m *Migrator) inspectViews(ctx context.Context, op string, names []string, params []any) ([]ddl.CatalogView, error) {
	list, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		return nil, fmt.Errorf("%s: names of views: %w", op, err)
	}
	var views []ddl.CatalogView
	err = m.client.SelectAs(ctx, op, &views, ddl.InspectViewsSQL, append(slices.Clone(params), chconn.Param("views", string(list)))...)
	return views, err
}

// printed returns the table with all SQL in it as the server prints it.
func (m *Migrator) printed(ctx context.Context, table ddl.Table) (ddl.Table, error) {
	for range ddl.PrintRounds {
		sql := table.PrintSQL()
		if sql == "" {
			break
		}
		op := fmt.Sprintf("table %q", table.TableName())
		answer, err := m.client.SelectText(ctx, op, sql)
		if err != nil {
			return ddl.Table{}, err
		}
		var functions ddl.Functions
		if table.CallsFunctions() {
			if functions, err = m.serverFunctions(ctx, op); err != nil {
				return ddl.Table{}, err
			}
		}
		var settled bool
		if table, settled, err = table.Printed(answer, functions); err != nil {
			return ddl.Table{}, chconn.SchemaError(err)
		}
		if settled {
			break
		}
	}
	return table, nil
}

// serverFunctions asks the server for its functions, once: the schemas of a program
// use none that a server gets while the program runs.
func (m *Migrator) serverFunctions(ctx context.Context, op string) (ddl.Functions, error) {
	if known := m.functions.Load(); known != nil {
		return *known, nil
	}
	answer, err := m.client.SelectText(ctx, op, ddl.FunctionsSQL)
	if err != nil {
		return nil, err
	}
	functions := ddl.ParseFunctions(answer)
	m.functions.Store(&functions)
	return functions, nil
}
