package bulk

import (
	"context"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
)

// inserter inserts the rows of a batch. It belongs to one worker.
type inserter struct {
	server server
	retry  *retrier
	ledger *ledgerWriter
	origin origin
	// spool is as the decoder's.
	spool *rejects.Spool
}

// insert inserts the rows that d has decoded, one insert for each table. Rows
// that the server refuses become rejects of their chunks.
func (w *inserter) insert(ctx context.Context, d *decoder, res *batchResult) error {
	var refused []*serverRejects
	for _, b := range d.used {
		err := w.sendBatch(ctx, b, res.batch)
		if b.picky && chconn.ViolatesConstraint(err) {
			var r *serverRejects
			r, err = w.insertOthers(ctx, b, res.batch, err)
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

// notedParts is after how many parts of a divided insert the ledger is told of them. A
// part has up to 100 partitions, each of which takes one of the table's deduplication
// tokens.
const notedParts = 10

// sendBatch inserts the rows of a batch for one table. If they are divided into many
// parts, the ledger is told now and then how many are stored: a table may forget the
// tokens of the first ones before the last one is there.
func (w *inserter) sendBatch(ctx context.Context, b *rowBlock, of *batch) error {
	c := of.list[0] // stands for all in what the ledger has of parts
	done := c.parts[b.table.name]
	in := insert.Insert{Table: b.table.name, Block: b.block, Token: of.token}
	in.OnPart = func(parts int) error {
		if parts < done+notedParts {
			return nil
		}
		e := w.origin.entry(c, partStored)
		e.schema, e.lines = b.table.name, int64(parts)
		written := make(chan struct{})
		if err := w.ledger.add(e, written); err != nil {
			return err
		}
		if err := w.ledger.wait(written); err != nil {
			return err
		}
		done = parts
		return nil
	}
	return w.retry.do(ctx, func(ctx context.Context, repeated bool) error {
		in.Again, in.PartsDone = c.again || repeated, done
		return w.server.Insert(ctx, in)
	})
}

// send inserts one block. It can be repeated with the same token; again says
// that an earlier load may have sent it.
func (w *inserter) send(ctx context.Context, t *table, b *block.Block, token string, again bool) error {
	return w.retry.do(ctx, func(ctx context.Context, repeated bool) error {
		return w.server.Insert(ctx, insert.Insert{Table: t.name, Block: b, Token: token, Again: again || repeated})
	})
}
