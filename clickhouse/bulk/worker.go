package bulk

import "context"

// worker decodes chunks and inserts their rows, one chunk at a time. It runs
// in one goroutine.
type worker struct {
	decoder *decoder
	insert  *inserter // nil for a dry run
	ledger  *ledgerWriter
	pool    *bufferPool
}

// run works until in is closed. Once ctx is done it begins to insert no
// further chunk, but finishes an insert that is under way: work is the context
// of that, which lasts longer. Every chunk from in goes to out, with a result
// or with an error.
func (w *worker) run(ctx, work context.Context, in <-chan *chunk, out chan<- *result) {
	for c := range in {
		res := &result{chunk: c}
		err := w.decode(ctx, res)
		switch {
		case c.abandoned:
		case ctx.Err() != nil:
			res.err = context.Cause(ctx)
		case err == nil && w.insert != nil:
			err = w.load(work, res)
			fallthrough
		default:
			res.err = chunkError(c, err)
		}
		out <- res
	}
}

// decode decodes the pieces of a chunk and gives back their buffers, of all
// pieces in any case.
func (w *worker) decode(ctx context.Context, res *result) (err error) {
	w.decoder.begin()
	for p := range res.chunk.pieces {
		if err == nil && ctx.Err() == nil && !res.hopeless {
			err = w.decoder.decode(ctx, p, res)
		}
		w.pool.put(p.data)
	}
	w.decoder.end(res)
	return err
}

// load inserts the rows of a chunk once the ledger knows that they may come.
// It knows of a hopeless chunk too, whose rejects go to the file.
func (w *worker) load(ctx context.Context, res *result) error {
	if c := res.chunk; c.started != nil {
		if err := w.ledger.wait(c.started); err != nil {
			return err
		}
	}
	if res.hopeless {
		return nil
	}
	res.sent = len(w.decoder.used) > 0
	return w.insert.insert(ctx, w.decoder, res)
}
