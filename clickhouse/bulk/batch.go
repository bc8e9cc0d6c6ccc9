package bulk

import "context"

// batch is what is inserted at once: a chunk, or several of different inputs, each of which
// is small and the rest of its input. A small insert costs about as much as a large one.
//
// It is made by the reader, which gives it to one worker, which gives it to the committer.
// The reader still fills it when the worker has it.
type batch struct {
	// seq numbers the batches of a load from 0, in the order of the input.
	seq int64
	// chunks are the chunks as they come. It is closed when all are there.
	chunks chan *chunk
	// size and lines are those of the chunks that are there.
	size, lines int64

	// The rest is valid when chunks is closed.

	list []*chunk
	// abandoned means that not all of a chunk could be read, or that the load ended. The
	// batch must not be loaded.
	abandoned bool
	// token is the deduplication token. Equal chunks in the same order give equal ones.
	token string
	// started is closed when the ledger has the intent to load the batch. It is nil for
	// one that does not go to the ledger.
	started chan struct{}
}

// mostTogether is how many chunks a batch has at most.
const mostTogether = 1000

// hasRoom reports whether a piece that is a whole chunk can join the batch. What is joined
// depends on the chunks alone, so that two loads of the same inputs make the same batches.
func (b *batch) hasRoom(p *piece, l *limits) bool {
	return len(b.list) < mostTogether && b.size+p.length <= int64(l.chunkBytes) && b.lines+p.lines < int64(l.chunkLines)
}

// add gives the batch its next chunk.
func (b *batch) add(ch *chunk) {
	b.list = append(b.list, ch)
	b.chunks <- ch
}

// name sets the token, and tells the chunks of a batch that has several which one it is.
func (b *batch) name() {
	if len(b.list) == 1 {
		b.token = b.list[0].token.String()
		return
	}
	parts := make([]string, 1, 1+len(b.list))
	parts[0] = "batch"
	for _, ch := range b.list {
		parts = append(parts, ch.token.String())
	}
	b.token = newToken(parts...).String()
	for i, ch := range b.list {
		ch.batch, ch.place = b.token, i
	}
}

// openBatch gives the workers a batch, which has no chunks yet.
func (r *reader) openBatch(ctx context.Context) (*batch, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	b := &batch{seq: r.seq, chunks: make(chan *chunk, 1)}
	r.seq++
	r.batches <- b // never waits: there is room for as many batches as there are slots
	return b, nil
}

// seal says that a batch has all of its chunks, and announces it. With an error, which it
// returns, the batch is abandoned.
func (r *reader) seal(b *batch, err error) error {
	defer close(b.chunks)
	b.abandoned = b.abandoned || err != nil
	if b.abandoned || b.list[0].kind == cutLine {
		return err
	}
	b.name()
	if r.ledger == nil {
		return nil
	}
	b.started = make(chan struct{})
	if err := r.announce(b); err != nil {
		b.started, b.abandoned = nil, true
		return err
	}
	return nil
}

// alone makes a batch of one chunk, of which the first piece may be there already.
func (r *reader) alone(ctx context.Context, c *chunker, ch *chunk, chain *chain, p *piece) error {
	err := r.sealTogether()
	var b *batch
	if err == nil {
		b, err = r.openBatch(ctx)
	}
	if err != nil {
		if p != nil {
			r.pool.put(p.data)
		}
		return err
	}
	return r.seal(b, r.fill(c, b, ch, chain, p))
}

// join makes a chunk one of a batch of small chunks. It is the rest of its input, and its
// piece all of it, but for a last line that is cut.
func (r *reader) join(ctx context.Context, c *chunker, ch *chunk, chain *chain) error {
	p, err := c.next()
	if err != nil {
		return err
	}
	if p.kind != wholeLines {
		return r.alone(ctx, c, ch, chain, p)
	}
	if r.together == nil || !r.together.hasRoom(p, &r.limits) {
		if err = r.sealTogether(); err == nil {
			r.together, err = r.openBatch(ctx)
		}
		if err != nil {
			r.pool.put(p.data)
			return err
		}
	}
	b := r.together
	b.size, b.lines = b.size+p.length, b.lines+p.lines+1
	ch.expectBytes, ch.expectLines = p.length, p.lines
	if err := r.fill(c, b, ch, chain, p); err != nil {
		b.abandoned = true
		return err
	}
	return nil
}

// sealTogether seals the batch of small chunks, if there is one.
func (r *reader) sealTogether() error {
	b := r.together
	if b == nil {
		return nil
	}
	r.together = nil
	return r.seal(b, nil)
}
