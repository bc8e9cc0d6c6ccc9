package chconn

import (
	"context"
	"reflect"
	"time"

	"github.com/factload/factload/ddl"
)

// Select runs one query and puts its rows in place of what is in dest, a pointer to a slice of
// structs. Columns go to the fields whose ch tag or name they have. For a query of one column,
// dest may point to a slice of its values instead: of texts, numbers, slices or [time.Time].
func (c *Client) Select(ctx context.Context, dest any, sql string, params ...any) error {
	return c.SelectAs(ctx, "select", dest, sql, params...)
}

// SelectAs is [Client.Select] with op as what its errors say was tried.
func (c *Client) SelectAs(ctx context.Context, op string, dest any, sql string, params ...any) error {
	release, err := c.Acquire(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Read)
	}
	defer release()
	return c.SelectWithSlot(ctx, op, dest, sql, params...)
}

// SelectWithSlot is SelectAs for a caller that holds a connection slot.
func (c *Client) SelectWithSlot(ctx context.Context, op string, dest any, sql string, params ...any) error {
	choose := c.conn.Select
	if isOfValues(dest) {
		choose = c.selectValues
	}
	if err := choose(ctx, dest, sql, params...); err != nil {
		return c.Fail(ctx, op, err, Read)
	}
	return nil
}

// isOfValues reports whether dest points to a slice of anything but structs of columns.
func isOfValues(dest any) bool {
	t := reflect.TypeOf(dest)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Slice {
		return false // the driver says what is wrong with it
	}
	of := t.Elem().Elem()
	return of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]()
}

// selectValues is the driver's Select for a query of one column.
func (c *Client) selectValues(ctx context.Context, dest any, sql string, params ...any) error {
	rows, err := c.conn.Query(ctx, sql, params...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // below, where it matters
	values := reflect.ValueOf(dest).Elem()
	values.SetZero()
	for rows.Next() {
		value := reflect.New(values.Type().Elem())
		if err := rows.Scan(value.Interface()); err != nil {
			return err
		}
		values.Set(reflect.Append(values, value.Elem()))
	}
	if err := rows.Close(); err != nil {
		return err
	}
	return rows.Err()
}

// Incomplete is the error of an answer that lacks a row which every answer has: a server that is
// told to end may end its answers early without a word.
func Incomplete(op string) error {
	return &Error{Op: op, Class: ErrRetryable, Text: "the answer is not complete"}
}

// One runs a query that is answered with one row of one column, and returns the value. Without
// one the error is [Incomplete]. Op is what the errors say was tried.
func One[T any](ctx context.Context, c *Client, op, sql string, params ...any) (value T, err error) {
	var rows []T
	if err := c.SelectAs(ctx, op, &rows, sql, params...); err != nil {
		return value, err
	}
	if len(rows) != 1 {
		return value, Incomplete(op)
	}
	return rows[0], nil
}

// SelectText is [One] for a text.
func (c *Client) SelectText(ctx context.Context, op, sql string) (string, error) {
	return One[string](ctx, c, op, sql)
}

// Describe returns the names and types of the columns that a query returns.
func (c *Client) Describe(ctx context.Context, query string) ([]ddl.Column, error) {
	rows, err := c.Query(ctx, "DESCRIBE TABLE (\n"+query+"\n)")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	var columns []ddl.Column
	for rows.Next() {
		texts := make([]string, len(rows.Columns())) // the name, the type and what else the server tells
		into := make([]any, len(texts))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		columns = append(columns, ddl.Column{Name: texts[0], Type: texts[1]})
	}
	return columns, rows.Err()
}
