package bulk

import "context"

// worker decodes chunks and inserts their rows, one chunk at a time. It runs
// in one goroutine.
type worker struct {
	decoder *decoder
	insert  *inserter // nil for a dry run
	ledger  *ledgerWriter
}

// run works until in is closed. Once ctx is done it takes no further chunk to
// heart, but finishes the one it has: work is the context of that, which lasts
// longer. Every chunk from in goes to out, with a result or with an error.
func (w *worker) run(ctx, work context.Context, in <-chan *chunk, out chan<- *result) {
	for c := range in {
		if ctx.Err() != nil {
			out <- &result{chunk: c, err: context.Cause(ctx)}
			continue
		}
		res := w.decoder.decode(c)
		if w.insert != nil && !res.hopeless {
			if err := w.load(work, res); err != nil {
				res.err = chunkError(c, err)
			}
		}
		out <- res
	}
}

// load inserts the rows of a chunk once the ledger knows that they may come.
func (w *worker) load(ctx context.Context, res *result) error {
	if c := res.chunk; c.started != nil {
		if err := w.ledger.wait(c.started); err != nil {
			return err
		}
	}
	return w.insert.insert(ctx, w.decoder.used, res)
}
