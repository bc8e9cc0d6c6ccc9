package insert

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// A program that takes a field for text may meet a column that a later version has marked
// as one of JSON. To the server both are the same type, so the rows are looked at here:
// text that is JSON is stored as it is, as a rebuild would have it, and any other is not.

// checkMarks returns an error when a row has text that is not JSON for a column of JSON.
func (ins *Inserter) checkMarks(ctx context.Context, in Insert) error {
	broken, err := ins.againstMarks(ctx, in)
	if err == nil && len(broken) > 0 {
		err = &markError{column: broken[0].Check.Names[0], row: broken[0].Row}
	}
	return err
}

// againstMarks returns the rows that have text that is not JSON for a column of JSON. The last
// look at the table may be older than a change of it, so that a row is refused by a new one only.
func (ins *Inserter) againstMarks(ctx context.Context, in Insert) ([]Violation, error) {
	seen, err := ins.generation(ctx, in.Table)
	if err != nil || len(in.brokenMarks(seen.marked)) == 0 {
		return nil, err
	}
	if seen, err = ins.lookAnew(ctx, in.Table); err != nil {
		return nil, err
	}
	return in.brokenMarks(seen.marked), nil
}

// brokenMarks returns the rows whose text is not JSON, as violations of the mark.
func (in *Insert) brokenMarks(marked []string) []Violation {
	var out []Violation
	for i, info := range in.Block.Layout().Columns() {
		if !slices.Contains(marked, info.Name) {
			continue
		}
		mark := &ddl.Constraint{Name: ddl.JSONMark + " " + info.Name, Expr: fmt.Sprintf("isValidJSON(%s)", ddl.QuoteIdent(info.Name)), Names: []string{info.Name}}
		for _, row := range in.Block.AppendNotJSON(nil, i) {
			out = append(out, Violation{Row: row, Check: mark})
		}
	}
	return oneOfEachRow(out)
}

// markError says that a row has text for a column of JSON that is none.
type markError struct {
	column string
	row    int
}

func (e *markError) Error() string {
	return fmt.Sprintf("column %q holds JSON, and the text in row %d of the insert is not JSON: give JSON, or the field the type json", e.column, e.row)
}

func (e *markError) Is(target error) bool {
	return errors.Is(target, chconn.ErrSchema) || errors.Is(target, chconn.ErrRows)
}
