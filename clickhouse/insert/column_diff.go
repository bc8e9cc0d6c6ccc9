package insert

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/factload/factload/clickhouse/chconn"
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

func (e *columnError) Is(target error) bool { return target == chconn.ErrSchema }

// mayBeColumns reports whether the server refused an insert for what may be a
// difference in columns.
func mayBeColumns(err error) bool {
	switch chconn.ServerCode(err) {
	case 0, chconn.CodeUnknownTable, chconn.CodeUnknownDatabase:
		return false
	case chconn.CodeIncorrectData: // among others, a column that the table lacks
		return true
	}
	return errors.Is(chconn.Classify(err, chconn.Sent), chconn.ErrSchema)
}

// compareColumns returns the first difference between the columns of the table
// and those of the block, or nil when there is none or it cannot be told.
func (ins *Inserter) compareColumns(ctx context.Context, in Insert) *columnError {
	table, err := ins.migrator.Inspect(ctx, in.Table)
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
		case !sameType(have.Type, want.Type) && !ddl.Widens(have.Type, want.Type):
			return &columnError{column: want.Name, have: have.Type, want: want.Type}
		}
	}
	return nil
}

// sameType reports whether a column of one type takes the values of the other
// as they are: the spellings differ in spaces, or in LowCardinality, which is a
// way to store values and none to change them. The server would convert any
// other type without a word, and cut what does not fit.
func sameType(a, b string) bool {
	return a == b || essence(a) == essence(b)
}

const lowCardinality = "LowCardinality("

// essence returns a type without the spaces outside of quoted text and without
// LowCardinality.
func essence(s string) string {
	out := make([]byte, 0, len(s))
	var dropped []bool // for each parenthesis that is open
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quoted && c == '\\' && i+1 < len(s):
			out = append(out, c)
			i++
			c = s[i]
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == ' ':
			continue
		case strings.HasPrefix(s[i:], lowCardinality):
			dropped = append(dropped, true)
			i += len(lowCardinality) - 1
			continue
		case c == '(':
			dropped = append(dropped, false)
		case c == ')' && len(dropped) > 0:
			last := len(dropped) - 1
			drop := dropped[last]
			dropped = dropped[:last]
			if drop {
				continue
			}
		}
		out = append(out, c)
	}
	return string(out)
}
