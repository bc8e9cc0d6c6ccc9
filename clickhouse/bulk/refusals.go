package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
)

// A server that refuses a block for some of its rows has stored none of it, and
// names one of them at best. The others have to be inserted without them, in a
// way that a load that is run again repeats exactly: so each insert has a token
// made of the chunk's and of the rows that are in it.

// maxServerRejects is how many rows of a chunk are searched for by halving,
// which takes some twenty inserts for each. More means most likely that it is
// not the rows that are at fault.
const maxServerRejects = 1000

// leastEvidence is how many rows have to fail, and none not, until it is the
// expression of the table that is at fault and not the rows.
const leastEvidence = 20

// askBytes is about how many bytes of rows the server is asked about at once.
const askBytes = 4 << 20

// refusals are the rows of a block that the server refuses.
type refusals struct {
	from *rowBlock
	rows []refusal
	errs []error
}

// refusal is a row, and why it is refused as a number in errs.
type refusal struct {
	row int32
	why uint16
}

// add adds a row. A reason that other rows have too is kept once.
func (r *refusals) add(row int, why error) {
	i := len(r.errs) - 1
	if i < 0 || r.errs[i] != why { //nolint:errorlint // the same one, not one of its kind
		i = slices.IndexFunc(r.errs, func(err error) bool { return err.Error() == why.Error() })
	}
	if i < 0 {
		i = len(r.errs)
		r.errs = append(r.errs, why)
	}
	r.rows = append(r.rows, refusal{int32(row), uint16(i)}) //nolint:gosec // a chunk has less than 2 GiB, and maxServerRejects reasons at most
}

// has reports whether a row is refused. The rows are in order.
func (r *refusals) has(row int) bool {
	_, found := slices.BinarySearchFunc(r.rows, row, func(x refusal, row int) int { return cmp.Compare(int(x.row), row) })
	return found
}

// key stands for the set of rows.
func (r *refusals) key() string {
	b := make([]byte, 0, 8*len(r.rows))
	for _, x := range r.rows {
		b = append(strconv.AppendInt(b, int64(x.row), 10), ',')
	}
	return newToken("without", string(b)).String()
}

// insertOthers inserts all rows of a block that was refused but those that the
// server refuses, which it adds to r.
//
// The server is asked which rows break its constraints, and the others are
// inserted at once. What it cannot tell is found by halving.
func (w *inserter) insertOthers(ctx context.Context, r *refusals, c *chunk, why error) error {
	b, rest, token := r.from, r.from.block, c.token.String()
	if violatesConstraint(why) {
		if err := w.ask(ctx, r); err != nil {
			return err
		}
	}
	origin := func(row int) int { return row }
	if len(r.rows) > 0 {
		rest = b.table.layout.NewBlock()
		if err := rest.AppendSelected(b.block, func(row int) bool { return !r.has(row) }); err != nil {
			return err
		}
		token += ":" + r.key()
		if why = w.send(ctx, b.table, rest, token, c.again); why == nil || !rowsAtFault(b.table, why) {
			return why
		}
		origin = r.origins()
	}
	err := w.halve(ctx, b.table, rest, token, c.again, why, func(row int, why error) {
		r.add(origin(row), fmt.Errorf("%w: %w", ErrServerRejected, why))
	})
	slices.SortFunc(r.rows, func(a, b refusal) int { return cmp.Compare(a.row, b.row) })
	if n := len(r.rows); err == nil && n == b.block.Rows() && n >= leastEvidence && !violatesConstraint(why) {
		return fmt.Errorf("the server refuses every row of it: %w", why)
	}
	return err
}

// origins returns which row of the whole block a row of those is that are not
// refused so far.
func (r *refusals) origins() func(row int) int {
	var rows []int32
	for row := range r.from.block.Rows() {
		if !r.has(row) {
			rows = append(rows, int32(row))
		}
	}
	return func(row int) int { return int(rows[row]) }
}

// ask asks the server for the rows that break constraints, for some rows at a
// time since the question takes several times their memory.
func (w *inserter) ask(ctx context.Context, r *refusals) error {
	all := r.from.block
	part, n := r.from.table.layout.NewBlock(), max(1, int(askBytes*int64(all.Rows())/int64(max(1, all.Bytes()))))
	for from := 0; from < all.Rows(); from += n {
		part.Reset()
		if err := part.AppendRows(all, from, min(from+n, all.Rows())); err != nil {
			return err
		}
		var found []clickhouse.Violation
		err := w.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
			found, err = w.server.Violations(ctx, clickhouse.Insert{Table: r.from.table.name, Block: part})
			return err
		})
		if err != nil {
			return err
		}
		var why error
		for i, v := range found {
			if i == 0 || v.Check != found[i-1].Check {
				why = fmt.Errorf("%w: constraint %q of the table is violated: %s", ErrServerRejected, v.Check.Name, v.Check.Expr)
			}
			r.add(from+v.Row, why)
		}
	}
	return nil
}

// halve inserts all rows of a block, which the server has refused as a whole,
// but those that it refuses one by one. Every part has a token made of the
// given one and the range of its rows. A load that is run again tries the same
// parts in the same order, so parts that are in the table already are not
// stored twice.
func (w *inserter) halve(ctx context.Context, t *table, b *block.Block, token string, again bool, why error, refuse func(row int, why error)) error {
	part, refused := t.layout.NewBlock(), 0
	var ranges [][2]int // still to insert, the first one last
	split := func(from, to int, why error) error {
		switch {
		case to-from > 1:
			middle := from + (to-from)/2
			ranges = append(ranges, [2]int{middle, to}, [2]int{from, middle})
		case refused == maxServerRejects:
			return fmt.Errorf("the server refuses more than %d rows of one chunk, and cannot be asked which they are: %w", maxServerRejects, why)
		default:
			refused++
			refuse(from, why)
		}
		return nil
	}
	err := split(0, b.Rows(), why)
	for len(ranges) > 0 && err == nil {
		from, to := ranges[len(ranges)-1][0], ranges[len(ranges)-1][1]
		ranges = ranges[:len(ranges)-1]
		part.Reset()
		if err := part.AppendRows(b, from, to); err != nil {
			return err
		}
		err = w.send(ctx, t, part, fmt.Sprintf("%s:%d-%d", token, from, to), again)
		if err != nil && rowsAtFault(t, err) {
			err = split(from, to, err)
		}
	}
	return err
}

// reject makes rejects of rows that were decoded, in the order of the input.
func (w *inserter) reject(refused []*refusals, lines *keptLines, res *result) {
	decoded := res.rejects
	res.rejects = nil
	for {
		var first *refusals
		for _, r := range refused {
			if len(r.rows) > 0 && (first == nil || r.start() < first.start()) {
				first = r
			}
		}
		if first == nil {
			break
		}
		offset := int64(first.start())
		raw, number := lines.at(offset)
		res.count(first.from.table.name).Rows--
		w.spool.reject(res, reject{
			offset: res.chunk.offset + offset, line: number, schema: first.from.table.name,
			err: first.errs[first.rows[0].why], raw: raw,
		}, &res.refused)
		first.rows = first.rows[1:]
	}
	res.rejects = append(decoded, res.rejects...)
	slices.SortStableFunc(res.rejects, func(a, b reject) int { return cmp.Compare(a.offset, b.offset) })
	res.rejects = res.rejects[:min(len(res.rejects), firstRejects)]
}

// start returns where in the chunk the line of the first row begins.
func (r *refusals) start() int32 { return r.from.starts[r.rows[0].row] }

// rowsAtFault reports whether the server has refused a block because of some of
// its rows, and has stored none of it for certain.
//
// Constraints are checked before anything is stored. An expression that fails
// may be that of a column, or one that is computed later; but a table without
// partitions stores a block as a whole or not at all.
func rowsAtFault(t *table, err error) bool {
	var e *clickhouse.Error
	if !errors.As(err, &e) || e.Partial {
		return false
	}
	if violatesConstraint(err) {
		return true
	}
	return t.computes && errors.Is(err, clickhouse.ErrRejected) && slices.Contains(codesOfValues, e.Code)
}

// codesOfValues are the server's codes for an expression that fails because of
// a value.
var codesOfValues = []int{
	6,   // CANNOT_PARSE_TEXT
	26,  // CANNOT_PARSE_ESCAPE_SEQUENCE
	27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	38,  // CANNOT_PARSE_DATE
	41,  // CANNOT_PARSE_DATETIME
	69,  // ARGUMENT_OUT_OF_BOUND
	72,  // CANNOT_PARSE_NUMBER
	117, // INCORRECT_DATA
	128, // TOO_LARGE_ARRAY_SIZE
	131, // TOO_LARGE_STRING_SIZE
	153, // ILLEGAL_DIVISION
	190, // SIZES_OF_ARRAYS_DONT_MATCH
	321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	376, // CANNOT_PARSE_UUID
	395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	407, // DECIMAL_OVERFLOW
	467, // CANNOT_PARSE_BOOL
	675, // CANNOT_PARSE_IPV4
	676, // CANNOT_PARSE_IPV6
	691, // UNKNOWN_ELEMENT_OF_ENUM
}
