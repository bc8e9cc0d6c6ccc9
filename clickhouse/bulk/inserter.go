package bulk

import (
	"context"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
	"github.com/factload/factload/clickhouse/insert"
)

// inserter inserts the rows of a chunk. It belongs to one worker.
type inserter struct {
	server server
	retry  *retrier
	// spool is as the decoder's.
	spool *rejects.Spool
}

// insert inserts the rows that d has decoded, one insert for each table. Rows
// that the server refuses become rejects of res.
func (w *inserter) insert(ctx context.Context, d *decoder, res *result) error {
	var refused []*serverRejects
	for _, b := range d.used {
		err := w.send(ctx, b.table, b.block, res.chunk.token.String(), res.chunk.again)
		if b.picky && violatesConstraint(err) {
			var r *serverRejects
			r, err = w.insertOthers(ctx, b, res.chunk, err)
			refused = append(refused, r)
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
		return w.server.Insert(ctx, insert.Insert{Table: t.name, Block: b, Token: token, Again: again || repeated})
	})
}
