package bulk

import "context"

// worker decodes batches and inserts their rows, one batch at a time. It runs
// in one goroutine.
type worker struct {
	decoder *decoder
	insert  *inserter // nil for a dry run
	ledger  *ledgerWriter
	pool    *bufferPool
}

// run works until in is closed. Once ctx is done it begins to insert no
// further batch, but finishes an insert that is under way: work is the context
// of that, which lasts longer. Every batch from in goes to out, with a result
// or with an error.
func (w *worker) run(ctx, work context.Context, in <-chan *batch, out chan<- *batchResult) {
	for b := range in {
		res := &batchResult{batch: b}
		err := w.decode(ctx, res)
		switch {
		case b.abandoned:
		case ctx.Err() != nil:
			res.err = context.Cause(ctx)
		case err == nil && w.insert != nil:
			err = w.load(work, res)
			fallthrough
		default:
			res.err = b.fault(err)
		}
		out <- res
	}
}

// decode decodes the chunks of a batch and gives back the buffers of their pieces, of all
// pieces in any case.
func (w *worker) decode(ctx context.Context, b *batchResult) (err error) {
	w.decoder.begin()
	hopeless := false
	for c := range b.batch.chunks {
		res := &result{chunk: c}
		for p := range c.pieces {
			if err == nil && ctx.Err() == nil && !hopeless {
				err = w.decoder.decode(ctx, p, res)
				hopeless = res.hopeless
			}
			w.pool.put(p.data)
		}
		w.decoder.end(res)
		b.results = append(b.results, res)
	}
	return err
}

// load inserts the rows of a batch once the ledger knows that they may come.
// It knows of a hopeless chunk too, whose rejects go to the file.
func (w *worker) load(ctx context.Context, res *batchResult) error {
	if b := res.batch; b.started != nil {
		if err := w.ledger.wait(b.started); err != nil {
			return err
		}
	}
	if res.hopeless() != nil {
		return nil
	}
	if len(w.decoder.used) > 0 {
		res.sent()
	}
	return w.insert.insert(ctx, w.decoder, res)
}
