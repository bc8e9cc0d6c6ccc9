package clickhouse

import (
	"context"
	"fmt"

	"github.com/factload/factload/ddl"
)

// Inspect returns the table as the server describes it, or nil when there is
// no such table in the DSN's database.
func (c *Client) Inspect(ctx context.Context, table string) (*ddl.Table, error) {
	return c.inspect(ctx, ddl.TableName{Name: table})
}

func (c *Client) inspect(ctx context.Context, name ddl.TableName) (*ddl.Table, error) {
	op := fmt.Sprintf("inspect table %q", name)
	params := []any{Param("database", name.Database), Param("table", name.Name)}
	var tables []ddl.CatalogTable
	if err := c.selectInto(ctx, op, &tables, ddl.InspectTableSQL, params...); err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, nil // documented: no table, no error
	}
	catalog := ddl.Catalog{Table: tables[0]}
	if err := c.selectInto(ctx, op, &catalog.Columns, ddl.InspectColumnsSQL, params...); err != nil {
		return nil, err
	}
	if err := c.selectInto(ctx, op, &catalog.Indexes, ddl.InspectIndexesSQL, params...); err != nil {
		return nil, err
	}
	table, err := ddl.FromCatalog(catalog)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	return &table, nil
}
