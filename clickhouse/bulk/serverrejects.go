package bulk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/clickhouse/insert"
)

// A server that refuses a block for rows that break constraints of the table has
// stored none of it, and names one row at best. It is asked which rows they are, and
// the others are inserted without them, in a way that a load that is run again repeats
// exactly: the insert has a token made of the chunk's and of the rows that are in it.

// askBytes is about how many bytes of rows the server is asked about at once.
const askBytes = 4 << 20

// serverRejects are the rows of a block that the server refuses.
type serverRejects struct {
	from *rowBlock
	rows []serverReject // in order
	errs []error
}

// serverReject is a row, and why it is refused as a number in errs.
type serverReject struct {
	row int32
	why uint16
}

// has reports whether a row is refused.
func (r *serverRejects) has(row int) bool {
	_, found := slices.BinarySearchFunc(r.rows, row, func(x serverReject, row int) int { return cmp.Compare(int(x.row), row) })
	return found
}

// key stands for the set of rows.
func (r *serverRejects) key() string {
	b := make([]byte, 0, 8*len(r.rows))
	for _, x := range r.rows {
		b = append(strconv.AppendInt(b, int64(x.row), 10), ',')
	}
	return newToken("without", string(b)).String()
}

// insertOthers inserts all rows of a block that was refused but those that break
// constraints, which it returns. A server that knows of none has another reason to
// refuse, such as a constraint on a column that the schema does not have: that is an
// error.
func (w *inserter) insertOthers(ctx context.Context, b *rowBlock, of *batch, why error) (*serverRejects, error) {
	r := &serverRejects{from: b}
	if err := w.ask(ctx, r); err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, fmt.Errorf("the server cannot say which rows it refuses, as with a constraint on a column that the schema does not have: %w", why)
	}
	rest := b.table.layout.NewBlock()
	if err := rest.AppendSelected(b.block, func(row int) bool { return !r.has(row) }); err != nil {
		return nil, err
	}
	return r, w.send(ctx, b.table, rest, of.token+":"+r.key(), of.list[0].again)
}

// ask asks the server for the rows that break constraints, for some rows at a
// time since the question takes several times their memory.
func (w *inserter) ask(ctx context.Context, r *serverRejects) error {
	all := r.from.block
	part, n := r.from.table.layout.NewBlock(), max(1, int(askBytes*int64(all.Rows())/int64(max(1, all.Bytes()))))
	why := make(map[string]uint16) // by constraint, into r.errs
	for from := 0; from < all.Rows(); from += n {
		part.Reset()
		if err := part.AppendRows(all, from, min(from+n, all.Rows())); err != nil {
			return err
		}
		var found []insert.Violation
		err := w.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
			found, err = w.server.Violations(ctx, insert.Insert{Table: r.from.table.name, Block: part})
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range found {
			i, known := why[v.Check.Name]
			if !known {
				i = uint16(len(r.errs)) //nolint:gosec // a table has far fewer constraints
				why[v.Check.Name] = i
				r.errs = append(r.errs, fmt.Errorf("%w: constraint %q of the table is violated: %s", ErrServerRejected, v.Check.Name, v.Check.Expr))
			}
			r.rows = append(r.rows, serverReject{int32(from + v.Row), i}) //nolint:gosec // a chunk has less than 2 GiB
		}
	}
	return nil
}

// reject makes rejects of rows that were decoded, in the order of the input.
func (w *inserter) reject(refused []*serverRejects, lines *lineBuffer, of *batchResult) {
	decoded := make([][]reject, len(of.results))
	for i, res := range of.results {
		decoded[i], res.rejects = res.rejects, nil
	}
	for {
		var first *serverRejects
		for _, r := range refused {
			if len(r.rows) > 0 && (first == nil || r.start() < first.start()) {
				first = r
			}
		}
		if first == nil {
			break
		}
		offset := int64(first.start())
		res := of.at(offset)
		raw, number := lines.at(offset, res.start, res.chunk.line)
		offset -= res.start
		at := input.Place{Offset: res.chunk.offset + offset, Line: number}
		if res.chunk.placed {
			at = input.PlaceOf(raw)
			raw, _ = input.Row(raw)
		} else if objects := input.Objects(raw); len(objects) > 1 {
			raw = objects[0]
		}
		res.count(first.from.table.name).Rows--
		res.refused = keepReject(w.spool, res, res.refused, reject{
			offset: at.Offset, inChunk: offset, line: at.Line, schema: first.from.table.name,
			err: first.errs[first.rows[0].why], raw: raw,
		})
		first.rows = first.rows[1:]
	}
	for i, res := range of.results {
		res.rejects = append(decoded[i], res.rejects...)
		slices.SortStableFunc(res.rejects, func(a, b reject) int { return cmp.Compare(a.offset, b.offset) })
		res.rejects = res.rejects[:min(len(res.rejects), firstRejects)]
	}
}

// start returns where in the batch the line of the first row begins.
func (r *serverRejects) start() int32 { return r.from.starts[r.rows[0].row] }
