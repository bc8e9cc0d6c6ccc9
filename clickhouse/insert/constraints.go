package insert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// Violation is a row of a block that a CHECK constraint of the table refuses, or that has
// text that is not JSON for a column that is marked as one of JSON: see [ddl.JSONMark].
type Violation struct {
	// Row is the number of the row in the block.
	Row int
	// Check is the first constraint that the row breaks, or what stands for the mark. Rows
	// share it.
	Check *ddl.Constraint
}

// Violations asks the server which rows of the insert's block break CHECK
// constraints of its table, and returns them in order. Nothing is stored. If rows have text
// that is not JSON for a column of JSON, it returns these alone.
//
// It returns none also when the server cannot tell: if a constraint needs a
// column that the block lacks, or cannot be computed for some row, or if the
// user may not ask. The columns that constraints need are sent, as a temporary
// table; they take several times their memory meanwhile. Of a Distributed table each shard
// is asked for its rows.
func (ins *Inserter) Violations(ctx context.Context, in Insert) ([]Violation, error) {
	if broken, err := ins.againstMarks(ctx, in); err != nil || len(broken) > 0 {
		return broken, err
	}
	to, err := ins.spreadOf(ctx, in.Table)
	if err != nil {
		return nil, err
	}
	if to != nil {
		return ins.violations(ctx, in, to)
	}
	checks, err := ins.checks(ctx, in)
	if err != nil || len(checks) == 0 {
		return nil, err
	}
	columns, named := checkedColumns(in, checks)
	rows, err := externalRows(in, columns)
	if err != nil {
		return nil, nil //nolint:nilerr // a type that cannot be sent so
	}
	broken := make([]string, len(checks))
	for i := range checks {
		broken[i] = fmt.Sprintf("groupArrayIf(%s, ifNull((%s), 0) = 0)", externalRow, checks[i].Expr)
	}
	sql := fmt.Sprintf("SELECT [%s] FROM (SELECT %s FROM %s)", strings.Join(broken, ", "), strings.Join(named, ", "), externalName)
	var violations [][][]uint64
	ctx, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	err = ins.client.SelectAs(chgo.Context(ctx, chgo.WithExternalTable(rows)), fmt.Sprintf("constraints of %q", in.Table), &violations, sql)
	if errors.Is(err, chconn.ErrRejected) || errors.Is(err, chconn.ErrSchema) {
		return nil, nil
	}
	if err != nil || len(violations) != 1 {
		return nil, err
	}
	return firstViolations(checks, violations[0]), nil
}

const createTableSQL = `SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`

// checks returns the CHECK constraints of the insert's table.
func (ins *Inserter) checks(ctx context.Context, in Insert) ([]ddl.Constraint, error) {
	var create []string
	err := ins.client.SelectAs(ctx, fmt.Sprintf("look into %q", in.Table), &create, createTableSQL, chconn.Param("table", in.Table))
	if errors.Is(err, chconn.ErrRejected) {
		return nil, nil // the user may not ask
	}
	if err != nil || len(create) != 1 {
		return nil, err
	}
	checks, err := ddl.Constraints(create[0])
	if err != nil {
		return nil, nil //nolint:nilerr // it is in no form that is known
	}
	return checks, nil
}

// checkedColumns returns the numbers of the columns that constraints need, and
// how they and the number of the row are selected.
func checkedColumns(in Insert, checks []ddl.Constraint) (columns []int, named []string) {
	named = append(named, externalRow)
	for i, info := range in.Block.Layout().Columns() {
		if slices.ContainsFunc(checks, func(c ddl.Constraint) bool { return slices.Contains(c.Names, info.Name) }) {
			columns = append(columns, i)
			named = append(named, externalColumn(i)+" AS "+ddl.QuoteIdent(info.Name))
		}
	}
	return columns, named
}

// firstViolations makes one violation of all of a row. broken are the rows that
// break each of the checks.
func firstViolations(checks []ddl.Constraint, broken [][]uint64) []Violation {
	var out []Violation
	for i := range min(len(checks), len(broken)) {
		for _, row := range broken[i] {
			out = append(out, Violation{Row: int(row), Check: &checks[i]}) //nolint:gosec // a row of the block
		}
	}
	return oneOfEachRow(out)
}

// oneOfEachRow sorts violations by their rows, and keeps the first of each.
func oneOfEachRow(out []Violation) []Violation {
	slices.SortStableFunc(out, func(a, b Violation) int { return a.Row - b.Row })
	return slices.CompactFunc(out, func(a, b Violation) bool { return a.Row == b.Row })
}
