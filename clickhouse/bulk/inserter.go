package bulk

import (
	"context"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
)

// inserter inserts the rows of a chunk. It belongs to one worker.
type inserter struct {
	server server
	retry  *retrier
	// spool is as the decoder's.
	spool *rejectSpool
}

// insert inserts the rows that d has decoded, one insert for each table. Rows
// that the server refuses become rejects of res.
func (w *inserter) insert(ctx context.Context, d *decoder, res *result) error {
	var refused []*refusals
	for _, b := range d.used {
		err := w.send(ctx, b.table, b.block, res.chunk.token.String(), res.chunk.again)
		if b.picky && rowsAtFault(b.table, err) {
			r := &refusals{from: b}
			refused = append(refused, r)
			err = w.insertOthers(ctx, r, res.chunk, err)
		}
		if err != nil {
			return err
		}
	}
	if refused != nil {
		w.reject(refused, &d.lines, res)
	}
	return nil
}

// send inserts one block. It can be repeated with the same token; again says
// that an earlier load may have sent it.
func (w *inserter) send(ctx context.Context, t *table, b *block.Block, token string, again bool) error {
	return w.retry.do(ctx, func(ctx context.Context, repeated bool) error {
		return w.server.Insert(ctx, clickhouse.Insert{Table: t.name, Block: b, Token: token, Again: again || repeated})
	})
}
