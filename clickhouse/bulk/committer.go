package bulk

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
)

// committer finishes batches in the order of the input, whatever order the
// workers are done in: first the rejects, then the ledger. So what is committed
// is always a beginning of the input, and so is the rejects file. It runs in
// one goroutine.
type committer struct {
	origin origin
	// judge tells that too many rows were rejected, and tooMany says so of a chunk
	// that by itself has too many.
	judge    func() error
	tooMany  func() error
	rejects  *rejects.Writer // nil when nobody wants them
	ledger   *ledgerWriter   // nil for a dry run
	counters *counters
	slots    <-chan struct{} // has one for each batch under way

	next    int64
	waiting map[int64]*batchResult
	stopped bool      // a chunk was not loaded, so no later one is committed
	open    []*result // of chunks that were announced and not committed
}

// run commits until in is closed. It tells failed of errors as soon as it
// knows of them, and goes on taking results.
func (c *committer) run(in <-chan *batchResult, failed func(error)) {
	c.waiting = make(map[int64]*batchResult)
	for b := range in {
		if b.err != nil {
			failed(b.err) // before its turn, so that no more is read
		}
		c.waiting[b.batch.seq] = b
		for b := c.waiting[c.next]; b != nil; b = c.waiting[c.next] {
			delete(c.waiting, c.next)
			c.next++
			c.take(b, failed)
			b.close()
			<-c.slots
		}
	}
	c.drop()
}

// take commits a batch, or notes that it is not loaded.
func (c *committer) take(b *batchResult, failed func(error)) {
	c.stopped = c.stopped || b.err != nil || b.batch.abandoned
	committed := false
	if !c.stopped {
		var err error
		if committed, err = c.commit(b); err != nil {
			// What was inserted meanwhile is finished all the same.
			c.stopped = !committed || c.ledger == nil
			failed(err)
		}
	}
	if committed || b.batch.started == nil {
		return
	}
	for _, r := range b.results {
		r.rejects = nil
		c.open = append(c.open, r)
	}
}

// drop tells the ledger of the chunks that were announced and of which nothing
// was inserted, so that they are not in doubt. That must be so of all that
// follow in the chain as well: a file that is changed in a place that is not in
// doubt is loaded from there on.
func (c *committer) drop() {
	if c.ledger == nil || c.origin.forced {
		return
	}
	doubt := make(map[token]bool) // what follows this position
	var entries []ledgerEntry
	for _, r := range slices.Backward(c.open) {
		ch := r.chunk
		if r.sent || ch.again || doubt[ch.token] {
			doubt[ch.parent] = true
			continue
		}
		entries = append(entries, c.origin.entry(ch, chunkDropped))
	}
	for i := range entries {
		if c.ledger.add(entries[i], nil) != nil {
			return // the writer has told; the chunks stay in doubt
		}
	}
}

// commit finishes the chunks of a batch, and reports whether it has. It may have when it
// returns an error.
func (c *committer) commit(b *batchResult) (bool, error) {
	results := b.results
	hopeless := b.hopeless()
	if hopeless != nil {
		results = []*result{hopeless}
	}
	for _, r := range results {
		if err := c.keepRejects(r); err != nil {
			return false, fmt.Errorf("rejects file: %w", err)
		}
		c.counters.commit(r)
	}
	if hopeless != nil {
		return false, c.tooMany()
	}
	if b.batch.started != nil {
		if err := c.ledger.addAll(c.notes(results), nil); err != nil {
			return false, err
		}
	}
	return true, c.judge()
}

// keepRejects brings the rejects of a chunk to their file.
func (c *committer) keepRejects(r *result) error {
	ch := r.chunk
	if ch.kind == cutLine || !r.hopeless {
		c.rejects.Passed(ch.file.Key(), ch.at.Offset)
	}
	switch {
	case c.rejects == nil:
		return nil
	case ch.kind == cutLine && ch.file.Stream:
		return c.rejects.AddCut("", ch.at.Offset, r.lines)
	case ch.kind == cutLine:
		return c.rejects.AddCut(ch.file.Key(), ch.at.Offset, r.lines)
	}
	if ch.retry != nil {
		for _, t := range ch.retry.of {
			if err := c.rejects.Forget(t.String()); err != nil {
				return err
			}
		}
	}
	return c.rejects.Add(ch.token.String(), r.lines, r.refused)
}

// notes returns the entries for finished chunks, which come in one insert, so that a batch
// is done as a whole. With those of a forced load come what loads without force look for.
func (c *committer) notes(results []*result) (entries []ledgerEntry) {
	for _, r := range results {
		e := c.origin.entry(r.chunk, chunkDone)
		e.rows, e.rejected = r.rows()
		e.rejects = r.rejectedRows()
		if c.origin.forced {
			plain := e
			plain.state, plain.parent, plain.token = known, r.chunk.plainParent, r.chunk.plain
			entries = append(entries, plain)
		}
		entries = append(entries, e)
	}
	return entries
}

// origin is what the ledger keeps of the load with each of its chunks.
type origin struct {
	load, schema, rules string
	number              uint64
	forced              bool
}

// entry returns a ledger entry for a chunk, without rows.
func (o origin) entry(ch *chunk, state string) ledgerEntry {
	return ledgerEntry{
		parent: ch.parent, token: ch.token, head: ch.head, state: state,
		load: o.load, number: o.number, schema: o.schema, file: ch.file.Key(), forced: o.forced, rules: o.rules,
		offset: ch.at.Offset, length: ch.length, line: ch.at.Line, lines: ch.lines, batch: ch.batch, place: ch.place,
		time: time.Now(),
	}
}

// chunkError says which chunk could not be loaded, unless its table is at
// fault. It is nil when err is.
func chunkError(c *chunk, err error) error {
	if err == nil || isTableError(err) {
		return err
	}
	return fmt.Errorf("%s: chunk of %d bytes from line %d on: %w", c.file.Name, c.length, c.at.Line, err)
}

func isTableError(err error) bool {
	failure := (*tableError)(nil)
	return errors.As(err, &failure)
}
