package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/ddl"
)

// columnError says that a column of the table is not as the block's.
type columnError struct {
	column string
	have   string // the type in the table; empty: see why
	want   string
	why    string // what is wrong, when it is not the type
}

func (e *columnError) Error() string {
	if e.have == "" {
		return fmt.Sprintf("column %q (%s) %s", e.column, e.want, e.why)
	}
	return fmt.Sprintf("column %q is %s in the table and %s in the schema", e.column, e.have, e.want)
}

func (e *columnError) Is(target error) bool { return target == ErrSchema }

// mayBeColumns reports whether the server refused an insert for what may be a
// difference in columns.
func mayBeColumns(err error) bool {
	switch serverCode(err) {
	case 0, codeUnknownTable, codeUnknownDatabase:
		return false
	case codeIncorrectData: // among others, a column that the table lacks
		return true
	}
	return errors.Is(classify(err, sent), ErrSchema)
}

// compareColumns returns the first difference between the columns of the table
// and those of the block, or nil when there is none or it cannot be told.
func (c *Client) compareColumns(ctx context.Context, in Insert) *columnError {
	table, err := c.Inspect(ctx, in.Table)
	if err != nil || table == nil {
		return nil
	}
	for _, want := range in.Block.Layout().Columns() {
		have, ok := table.Column(want.Name)
		switch {
		case !ok:
			return &columnError{column: want.Name, want: want.Type, why: "is in the schema and not in the table"}
		case have.Kind == ddl.Materialized || have.Kind == ddl.Alias:
			return &columnError{column: want.Name, want: want.Type, why: fmt.Sprintf("takes no values: it is %s in the table", have.Kind)}
		case !sameType(have.Type, want.Type):
			return &columnError{column: want.Name, have: have.Type, want: want.Type}
		}
	}
	return nil
}

// sameType reports whether two spellings of a type differ in spaces at most.
func sameType(a, b string) bool {
	return a == b || squeeze(a) == squeeze(b)
}

// squeeze removes the spaces outside of quoted text.
func squeeze(s string) string {
	out := make([]byte, 0, len(s))
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted && i+1 < len(s):
			out = append(out, c, s[i+1])
			i++
			continue
		case c == '\'':
			quoted = !quoted
		case c == ' ' && !quoted:
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}
