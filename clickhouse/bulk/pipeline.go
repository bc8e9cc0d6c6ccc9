package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
)

// pipeline is the goroutines of a load and what connects them:
//
//	reader -> workers -> committer -> ledger writer
//
// The reader also announces each chunk to the ledger writer. Every goroutine
// ends when what it reads from ends, in this order, so that all that was begun
// is finished; stopping is a matter of the reader and of taking no new chunk
// to heart.
type pipeline struct {
	load *load
	// ctx ends when the load is to stop: with the caller's, or at the first
	// error. work ends some time later, or when all is done: it is for what is
	// under way.
	ctx, work  context.Context
	fail       context.CancelCauseFunc
	cancelWork context.CancelFunc

	limits  limits
	pool    *bufferPool
	slots   chan struct{} // one taken for each batch under way
	batches chan *batch
	results chan *batchResult
	ledger  *ledgerWriter   // nil for a dry run
	rejects *rejects.Writer // nil without a file for them
	retry   *retrier
}

func newPipeline(ctx context.Context, l *load) *pipeline {
	p := &pipeline{load: l}
	p.ctx, p.fail = context.WithCancelCause(ctx)
	p.work, p.cancelWork = context.WithCancel(context.WithoutCancel(ctx))
	n := l.cfg.Workers
	p.limits = limitsOf(&l.cfg, l.tables)
	p.pool = newBufferPool(pieceBuffers(n, p.limits), p.limits.pieceBytes)
	p.slots = make(chan struct{}, slotsPerWorker*n)
	p.batches = make(chan *batch, cap(p.slots))
	p.results = make(chan *batchResult, n)
	p.retry = l.retrier(p.ctx)
	if l.ledger != nil {
		p.ledger = newLedgerWriter(p.writeLedger)
	}
	if l.cfg.Rejects != "" {
		p.rejects = rejects.NewWriter(newSpool(&l.cfg), l.server == nil, l.known)
	}
	return p
}

// The sizes of what is under way.
const (
	// mostPieceBytes is the size of a piece, unless chunks are small.
	mostPieceBytes = 2 << 20
	// mostReadAhead is how many bytes are read and not decoded yet.
	mostReadAhead = 16 << 20
	// piecesPerChunk is how many pieces make a chunk at least.
	piecesPerChunk = 8
	// bytesPerColumn is about what a value takes in a column besides its text.
	bytesPerColumn = 16
	// slotsPerWorker bounds the batches that wait to be committed, behind one
	// that takes longer.
	slotsPerWorker = 4
)

// limitsOf returns the limits of chunks and pieces. The number of lines in a
// chunk is limited so that wide rows with little in them do not take more
// memory as columns than a chunk takes as text.
func limitsOf(cfg *Config, tables map[string]*table) limits {
	l := limits{chunkBytes: cfg.ChunkBytes, chunkLines: cfg.chunkLines, lineBytes: cfg.MaxLineBytes}
	l.pieceBytes = min(mostPieceBytes, cfg.ChunkBytes/piecesPerChunk)
	if l.chunkLines == 0 {
		l.chunkLines = max(1, cfg.ChunkBytes/(bytesPerColumn*widest(tables)))
	}
	return l
}

// pieceBuffers returns how many pieces may be under way: as many as fill a
// quarter of a chunk for each worker, so that one can decode while others
// insert, but no more than mostReadAhead, unless there are many workers.
func pieceBuffers(workers int, l limits) int {
	return max(workers+2, min(workers*l.chunkBytes/4, mostReadAhead)/l.pieceBytes)
}

// run loads everything, or stops at the first error. No goroutine is left when
// it returns.
func (p *pipeline) run() error {
	var watching, reading, working, committing, writing sync.WaitGroup
	watching.Go(p.endWorkLater)
	defer watching.Wait()
	defer p.cancelWork()
	defer p.fail(nil)
	if p.ledger != nil {
		writing.Go(func() {
			if err := p.ledger.run(p.work); err != nil {
				p.fail(err)
			}
		})
	}
	committer := p.committer()
	committing.Go(func() { committer.run(p.results, p.fail) })
	for range p.load.cfg.Workers {
		w := p.worker()
		working.Go(func() { w.run(p.ctx, p.work, p.batches, p.results) })
	}
	reader := &reader{pipeline: p}
	var unread error // does not stop the others: what was read before is loaded
	reading.Go(func() { unread = reader.run(p.ctx, p.load.files) })

	reading.Wait()
	close(p.batches)
	working.Wait()
	close(p.results)
	committing.Wait()
	if p.ledger != nil {
		if p.ctx.Err() == nil && unread == nil && (reader.begun || len(p.load.unfinished) > 0) && p.load.judge(true) == nil {
			_ = p.ledger.add(p.load.entry(loadDone), nil) // its failure is the writer's, told below
		}
		p.ledger.close()
		writing.Wait()
	}
	err := context.Cause(p.ctx)
	if err == nil {
		err = unread
	}
	if p.rejects != nil {
		if closing := p.rejects.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("rejects file: %w", closing))
		}
	}
	return err
}

// endWorkLater ends what is under way some time after the load was told to
// stop, unless all is done before. It returns when work has ended.
func (p *pipeline) endWorkLater() {
	select {
	case <-p.ctx.Done():
	case <-p.work.Done():
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-timer.C:
		p.cancelWork()
	case <-p.work.Done():
	}
}

// prepare makes sure that a table is there.
func (p *pipeline) prepare(ctx context.Context, t *table) error {
	l := p.load
	return p.retry.do(ctx, func(ctx context.Context, _ bool) error { return t.prepare(ctx, l.server, l.warn, l.keepSchema) })
}

func (p *pipeline) worker() *worker {
	l := p.load
	w := &worker{decoder: newDecoder(&l.cfg, l.tables), ledger: p.ledger, pool: p.pool}
	if l.server != nil {
		w.insert = &inserter{server: l.server, retry: p.retry, ledger: p.ledger, origin: l.origin(), spool: w.decoder.spool}
		w.decoder.prepare = p.prepare
	}
	return w
}

func (p *pipeline) committer() *committer {
	l := p.load
	return &committer{
		origin: l.origin(), judge: func() error { return l.judge(false) }, tooMany: l.tooManyRejects,
		rejects: p.rejects, ledger: p.ledger, counters: l.counters, slots: p.slots,
	}
}

// writeLedger writes entries, again and again if it must.
func (p *pipeline) writeLedger(ctx context.Context, entries []ledgerEntry) error {
	return p.retry.do(ctx, func(ctx context.Context, again bool) error { return p.load.ledger.write(ctx, entries, again) })
}
