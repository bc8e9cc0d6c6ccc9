package clickhouse

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/readrow"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// Select yields rows of the schema's table as structs of type T, as they were
// recorded by [fact.Of]. An error comes last.
//
// Clauses is what follows the name of the table, such as
//
//	WHERE model = {model:String} ORDER BY created_at LIMIT 10
//
// or FINAL where versions replace each other; "" is all rows, in no order. The
// values in braces are given as params, by [Param], and are put in by the server.
//
// The struct may have fewer fields than the schema, and other Go types than it was
// recorded from, as long as they can hold the field's type. Each must be in the
// schema, and its column in the table of the schema's type, or of one that is wider or
// narrower: everything else is [ErrSchema]. A value is read as it is or not at all:
//
//   - A number that does not fit, and NULL where the Go type has no word for it, are
//     errors. NULL is nil, and the zero of a field with omitzero.
//   - Text, decimals as json.Number or string, UUIDs, enums and times come back
//     exactly; times are in UTC, decimals without zeros at the end.
//   - Fields of type json give a string or json.RawMessage the stored text byte for
//     byte, and are decoded into everything else. Numbers in an any are json.Number.
//   - Types that write their own JSON have to read it.
//   - Arrays are never nil. What was missing when it was recorded has its column's
//     default.
//
// The rows come as they are ranged over: a few of the server's blocks are in memory,
// however many rows there are. A block has at most 65,409 rows unless the DSN sets
// another max_block_size. The query holds one of the client's connections until the
// loop ends, and breaking out of it cancels the query.
func Select[T any](ctx context.Context, client *Client, schema fact.Schema, clauses string, params ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		fail := func(err error) { yield(none, fmt.Errorf("select from table %q: %w", schema.Name, err)) }
		plan, err := planSelect(ctx, client, reflect.TypeFor[T](), schema)
		if err != nil {
			fail(err)
			return
		}
		sql := "SELECT " + plan.Columns() + " FROM " + ddl.QuoteIdent(schema.Name) + " " + clauses
		rows, err := client.Query(ctx, sql, params...)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close() //nolint:errcheck // below, where it matters
		for rows.Next() {
			var row T
			if err := plan.Read(rows.Scan, reflect.ValueOf(&row).Elem()); err != nil {
				fail(err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		err = rows.Err()
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			fail(err)
		}
	}
}

// planSelect compares the struct, the schema and the table.
func planSelect(ctx context.Context, client *Client, t reflect.Type, schema fact.Schema) (*readrow.Plan, error) {
	var columns []ddl.CatalogColumn
	err := client.SelectAs(ctx, "columns", &columns, ddl.InspectColumnsSQL,
		Param("database", client.Database()), Param("table", schema.Name))
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, chconn.SchemaError(fmt.Errorf("there is no such table in the database %q: EnsureSchema creates it", client.Database()))
	}
	plan, err := readrow.New(t, schema, columns)
	if err != nil {
		return nil, chconn.SchemaError(err)
	}
	return plan, nil
}
