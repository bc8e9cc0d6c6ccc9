package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
)

// inserter inserts the rows of a chunk. It belongs to one worker.
type inserter struct {
	server server
	retry  *retrier
	warn   func(string)
	// spool is as the decoder's.
	spool *rejectSpool
}

// maxServerRejects is how many rows of a chunk the server may refuse one by
// one. More means that it is not the rows that are at fault.
const maxServerRejects = 1000

// insert inserts the rows that d has decoded, one insert for each table. Rows
// that the server refuses become rejects of res.
func (w *inserter) insert(ctx context.Context, d *decoder, res *result) error {
	for _, b := range d.used {
		err := w.send(ctx, b.table, b.block, res.chunk.token.String(), res.chunk.again)
		if violatesConstraint(err) && b.picky && !storedInPart(err) {
			err = w.bisect(ctx, b, &d.lines, res)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prepare makes sure that a table is there.
func (w *inserter) prepare(ctx context.Context, t *table) error {
	return w.retry.prepare(ctx, t, w.server, w.warn)
}

// send inserts one block. It can be repeated with the same token; again says
// that an earlier load may have sent it.
func (w *inserter) send(ctx context.Context, t *table, b *block.Block, token string, again bool) error {
	return w.retry.do(ctx, func(ctx context.Context, repeated bool) error {
		return w.server.Insert(ctx, clickhouse.Insert{Table: t.name, Block: b, Token: token, Again: again || repeated})
	})
}

// storedInPart reports whether some rows of a failed insert are stored. A block
// that is divided by partitions has met the constraints as a whole before, so
// that one which fails then was added meanwhile.
func storedInPart(err error) bool {
	var e *clickhouse.Error
	return errors.As(err, &e) && e.Partial
}

// bisect inserts all rows of a block but those that the server refuses. The
// server has checked the constraints before it has stored anything, so that no
// row of the block is there yet.
//
// Every part has a token of its own, made of the chunk's token and the range
// of rows. A load that is run again tries the same parts in the same order, so
// parts that are in the table already are not stored twice.
func (w *inserter) bisect(ctx context.Context, b *rowBlock, lines *keptLines, res *result) error {
	part := b.table.layout.NewBlock()
	refused := 0
	ranges := [][2]int{{0, b.block.Rows()}} // still to insert, the first one last
	for len(ranges) > 0 {
		from, to := ranges[len(ranges)-1][0], ranges[len(ranges)-1][1]
		ranges = ranges[:len(ranges)-1]
		part.Reset()
		if err := part.AppendRows(b.block, from, to); err != nil {
			return err
		}
		err := w.send(ctx, b.table, part, fmt.Sprintf("%s:%d-%d", res.chunk.token, from, to), res.chunk.again)
		switch {
		case err == nil:
		case !violatesConstraint(err):
			return err
		case to-from > 1:
			middle := from + (to-from)/2
			ranges = append(ranges, [2]int{middle, to}, [2]int{from, middle})
		case refused == maxServerRejects:
			return fmt.Errorf("the server refuses more than %d rows of one chunk: %w", maxServerRejects, err)
		default:
			refused++
			w.reject(b, from, err, lines, res)
		}
	}
	slices.SortStableFunc(res.rejects, func(a, b reject) int { return cmp.Compare(a.offset, b.offset) })
	return nil
}

// reject makes a reject of one row that was decoded.
func (w *inserter) reject(b *rowBlock, row int, err error, lines *keptLines, res *result) {
	offset := int64(b.starts[row])
	raw, number := lines.at(offset)
	res.count(b.table.name).Rows--
	w.spool.reject(res, reject{
		offset: res.chunk.offset + offset,
		line:   number,
		schema: b.table.name,
		err:    fmt.Errorf("%w: %w", ErrServerRejected, err),
		raw:    raw,
	}, &res.refused)
}
