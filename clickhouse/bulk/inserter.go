package bulk

import (
	"bytes"
	"cmp"
	"context"
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
	// keepRejects is as the decoder's.
	keepRejects int
}

// maxServerRejects is how many rows of a chunk the server may refuse one by
// one. More means that it is not the rows that are at fault.
const maxServerRejects = 1000

// insert inserts the rows of the chunk, one insert for each table. Rows that
// the server refuses become rejects of res.
func (w *inserter) insert(ctx context.Context, blocks []*rowBlock, res *result) error {
	for _, b := range blocks {
		err := w.retry.do(ctx, func(ctx context.Context) error { return b.table.prepare(ctx, w.server, w.warn) })
		if err != nil {
			return err
		}
		if err = w.send(ctx, b.table, b.block, res.chunk.token.String()); blamesData(err) {
			err = w.salvage(ctx, b, res, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// salvage inserts what can be inserted of a block that the server has refused.
func (w *inserter) salvage(ctx context.Context, b *rowBlock, res *result, refusal error) error {
	atomic, err := b.table.atomic(ctx, w.server, refusal)
	if err != nil {
		return err
	}
	if !atomic {
		return fmt.Errorf("%w: as the table has materialized views or partitions, the guilty rows cannot be searched for without storing others twice", refusal)
	}
	return w.bisect(ctx, b, res)
}

// send inserts one block. It can be repeated with the same token.
func (w *inserter) send(ctx context.Context, t *table, b *block.Block, token string) error {
	return w.retry.do(ctx, func(ctx context.Context) error {
		return w.server.Insert(ctx, clickhouse.Insert{Table: t.name, Block: b, Token: token})
	})
}

// bisect inserts all rows of a block but those that the server refuses.
//
// Every part has a token of its own, made of the chunk's token and the range
// of rows. A load that is run again tries the same parts in the same order, so
// parts that are in the table already are not stored twice.
func (w *inserter) bisect(ctx context.Context, b *rowBlock, res *result) error {
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
		err := w.send(ctx, b.table, part, fmt.Sprintf("%s:%d-%d", res.chunk.token, from, to))
		switch {
		case err == nil:
		case !blamesData(err):
			return err
		case to-from > 1:
			middle := from + (to-from)/2
			ranges = append(ranges, [2]int{middle, to}, [2]int{from, middle})
		case refused == maxServerRejects:
			return fmt.Errorf("the server refuses more than %d rows of one chunk: %w", maxServerRejects, err)
		default:
			refused++
			w.reject(b, from, err, res)
		}
	}
	slices.SortStableFunc(res.rejects, func(a, b reject) int { return cmp.Compare(a.offset, b.offset) })
	return nil
}

// reject makes a reject of one row that was decoded.
func (w *inserter) reject(b *rowBlock, row int, err error, res *result) {
	start := int(b.starts[row])
	data := res.chunk.data
	res.count(b.table.name).Rows--
	res.reject(reject{
		offset: start,
		line:   res.chunk.line + int64(bytes.Count(data[:start], []byte{'\n'})),
		schema: b.table.name,
		err:    fmt.Errorf("%w: %w", ErrServerRejected, err),
		raw:    firstLine(data[start:]),
	}, w.keepRejects)
}
