package bulk

import (
	"errors"
	"fmt"
	"time"
)

// committer finishes chunks in the order of the input, whatever order the
// workers are done in: first the rejects, then the ledger. So what is committed
// is always a beginning of the input, and so is the rejects file. It runs in
// one goroutine.
type committer struct {
	load    string
	schema  string
	forced  bool
	limit   RejectLimit
	rejects *rejectWriter // nil when nobody wants them
	ledger  *ledgerWriter // nil for a dry run
	tally   *tally
	slots   <-chan struct{} // has one for each chunk under way

	next    int64
	waiting map[int64]*result
	stopped bool // a chunk was not loaded, so no later one is committed
}

// run commits until in is closed. It tells failed of errors as soon as it
// knows of them, and goes on taking results.
func (c *committer) run(in <-chan *result, failed func(error)) {
	c.waiting = make(map[int64]*result)
	for r := range in {
		if r.err != nil {
			failed(r.err) // before its turn, so that no more is read
		}
		c.waiting[r.chunk.seq] = r
		for r := c.waiting[c.next]; r != nil; r = c.waiting[c.next] {
			delete(c.waiting, c.next)
			c.next++
			c.stopped = c.stopped || r.err != nil || r.chunk.abandoned
			if !c.stopped {
				if err := c.commit(r); err != nil {
					c.stopped = true
					failed(err)
				}
			}
			<-c.slots
		}
	}
}

// commit finishes one chunk.
func (c *committer) commit(r *result) error {
	if c.rejects != nil {
		if err := c.rejects.add(r); err != nil {
			return fmt.Errorf("rejects file: %w", err)
		}
	}
	c.tally.commit(r)
	ch := r.chunk
	if c.ledger != nil && ch.kind != cutLine && !r.hopeless {
		if err := c.ledger.add(c.entry(r), nil); err != nil {
			return err
		}
	}
	if rows, rejected := c.tally.counts(); r.hopeless || c.limit.exceeded(rows, rejected, false) {
		return tooManyRejects(c.limit, rows, rejected)
	}
	return nil
}

// entry returns the ledger entry for a finished chunk.
func (c *committer) entry(r *result) ledgerEntry {
	e := startedEntry(r.chunk, c.load, c.schema, c.forced)
	e.state = chunkDone
	e.rows, e.rejected = r.rows()
	return e
}

// startedEntry returns the ledger entry for a chunk that will be loaded.
func startedEntry(ch *chunk, load, schema string, forced bool) ledgerEntry {
	return ledgerEntry{
		parent: ch.parent, token: ch.token, head: ch.head, state: chunkStarted,
		load: load, schema: schema, file: ch.file.key(), forced: forced,
		offset: ch.offset, length: ch.length, line: ch.line, lines: ch.lines,
		time: time.Now(),
	}
}

func tooManyRejects(limit RejectLimit, rows, rejected int64) error {
	return fmt.Errorf("%w: %d of %d, and the limit is %s: mend the input, or raise the limit and run the same load again to go on",
		ErrTooManyRejects, rejected, rows+rejected, limit)
}

// chunkError says which chunk could not be loaded, unless its table is at
// fault. It is nil when err is.
func chunkError(c *chunk, err error) error {
	if failure := (*tableError)(nil); err == nil || errors.As(err, &failure) {
		return err
	}
	return fmt.Errorf("%s: chunk of %d bytes from line %d on: %w", c.file.name, c.length, c.line, err)
}
