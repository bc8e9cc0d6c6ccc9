package bulk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/clickhouse/chconn"
)

// A batch that was begun, and is not known to be done, may be in its tables. It has to be
// inserted again with the same rows, as the server then ignores what it has. So before
// anything else a load makes such batches once more, of the same chunks in the same order.

// begunChunk is a chunk of a batch that was begun, as the ledger has it.
type begunChunk struct {
	Batch  string    `ch:"batch"`
	Load   string    `ch:"load"`
	File   string    `ch:"file"`
	Parent string    `ch:"parent"`
	Token  string    `ch:"token"`
	Head   uint64    `ch:"head"`
	Bytes  uint64    `ch:"bytes"`
	Rules  string    `ch:"rules"`
	Time   time.Time `ch:"time"`

	parent, token token
	in            *input.File
	parts         map[string]int
}

// begunBatchesSQL has the chunks of batches that are not done and that not every load which
// began them has dropped.
const begunBatchesSQL = `SELECT batch, load, file, parent, token, head, bytes, rules, time FROM _factload_ledger
WHERE state = 'chunk_started' AND schema = {schema:String} AND forced = {forced:Bool}
	AND batch IN (SELECT batch FROM _factload_ledger WHERE batch != '' GROUP BY batch HAVING countIf(state = 'chunk_done') = 0)
	AND (batch, load) NOT IN (SELECT batch, load FROM _factload_ledger WHERE batch != '' AND state = 'chunk_dropped')
ORDER BY number, time, load, batch, place`

// begunBatches returns the chunks of each batch that was begun, in their order.
func (l *ledger) begunBatches(ctx context.Context, schema string, forced bool) ([][]begunChunk, error) {
	var rows []begunChunk
	err := l.ask(ctx, &rows, begunBatchesSQL, chconn.Param("schema", schema), chconn.Param("forced", strconv.FormatBool(forced)))
	if err != nil {
		return nil, err
	}
	var batches [][]begunChunk
	known := make(map[string]bool)
	for len(rows) > 0 {
		first := rows[0]
		n := slices.IndexFunc(rows, func(c begunChunk) bool { return c.Batch != first.Batch || c.Load != first.Load })
		if n < 0 {
			n = len(rows)
		}
		if !known[first.Batch] {
			batches = append(batches, rows[:n])
		}
		known[first.Batch] = true
		rows = rows[n:]
	}
	return batches, nil
}

// finishBatches inserts the batches that earlier loads have begun and not finished, if all
// of their chunks are in the inputs. Of the others, notInBatch tells when it comes to them.
func (r *reader) finishBatches(ctx context.Context, files []*input.File) error {
	r.finished = make(map[token]*input.File)
	if r.ledger == nil {
		return nil
	}
	l := r.load
	var batches [][]begunChunk
	err := r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		batches, err = l.ledger.begunBatches(ctx, l.cfg.Schema, l.cfg.Force)
		return err
	})
	if err != nil {
		return &ledgerError{err}
	}
	byKey := make(map[string]*input.File)
	for _, in := range files {
		if !in.Stream {
			byKey[in.Key()] = in
		}
	}
	for _, chunks := range batches {
		if l.cfg.Force && chunks[0].Load != l.id || chunks[0].Rules != l.rules {
			continue
		}
		if err := r.finishBatch(ctx, chunks, byKey); err != nil {
			return err
		}
	}
	return nil
}

// finishBatch inserts a batch once more, if all of it is there.
func (r *reader) finishBatch(ctx context.Context, chunks []begunChunk, byKey map[string]*input.File) (err error) {
	for i := range chunks {
		m := &chunks[i]
		if m.in = byKey[m.File]; m.in == nil {
			return nil
		}
		if m.parent, err = parseToken(m.Parent); err == nil {
			m.token, err = parseToken(m.Token)
		}
		if err != nil {
			return &ledgerError{err}
		}
	}
	for i := range chunks {
		there, err := r.seek(ctx, &chunks[i], nil)
		if err != nil || !there {
			return err
		}
	}
	b, err := r.openBatch(ctx)
	if err != nil {
		return err
	}
	for i := range chunks {
		there, err := r.seek(ctx, &chunks[i], b)
		if err == nil && !there {
			err = &InputError{File: chunks[i].in.Name, Err: ErrChanged}
		}
		if err != nil {
			return r.seal(b, err)
		}
	}
	return r.seal(b, nil)
}

// seek reads an input as far as a chunk of a batch that was begun, and reports whether it is
// there. If there is a batch to be filled, it gives it the chunk.
func (r *reader) seek(ctx context.Context, m *begunChunk, b *batch) (there bool, err error) {
	c, chain, done, err := r.open(ctx, m.in)
	if err != nil {
		return false, err
	}
	defer done()
	for {
		more, err := c.begin()
		if err != nil || !more {
			return false, inputError(ctx, m.in, c.w.offset, err)
		}
		head := c.head()
		candidates, err := r.candidates(ctx, m.in, chain, head)
		if err != nil {
			return false, &ledgerError{err}
		}
		if chain.at == m.parent {
			return r.seekAt(c, chain, m, b, candidates)
		}
		found := match(c, chain.at, head, candidates)
		if found == nil || !found.done {
			return false, nil
		}
		chain.at, chain.plain = found.token, chain.plain.next(found.length, found.content)
		c.skip(found.length)
	}
}

// seekAt is seek at the place where the chunk has to be.
func (r *reader) seekAt(c *chunker, chain *chain, m *begunChunk, b *batch, candidates []candidate) (there bool, err error) {
	length := int64(m.Bytes) //nolint:gosec // written from int64
	sum, ok := c.prefix().sum(length)
	if !ok || chain.at.next(length, sum) != m.token {
		return false, nil
	}
	known := byToken(candidates, m.token)
	if known != nil && known.done || b == nil {
		return known == nil || !known.done, nil
	}
	c.end = length
	ch := r.newChunk(m.in, c, chain, m.Head)
	ch.again = true
	if known != nil {
		ch.parts = known.parts
	}
	r.judged = true
	if err := r.fill(c, b, ch, chain, nil); err != nil {
		return false, err
	}
	r.finished[ch.token] = m.in
	return ch.token == m.token, nil
}

// notInBatch returns what was found, unless it was begun in a batch that cannot be made once
// more: that is an error, or nothing was found if inputs may have changed.
func (r *reader) notInBatch(in *input.File, at input.Place, found *candidate) (*candidate, error) {
	if found == nil || found.done {
		return found, nil
	}
	last := found.begun[len(found.begun)-1]
	if last.batch == "" {
		return found, nil
	}
	if err := r.checkRules(in, at, found); err != nil {
		return nil, err
	}
	e := &ChangedError{File: in.Name, Offset: at.Offset, Line: at.Line, Length: found.length, Load: last.load, Time: last.time, Together: true}
	if !r.allowChanged() {
		return nil, e
	}
	r.load.warn(fmt.Sprintf("%s: %v with other inputs: its rows are loaded as new ones, and may be in the table twice", in.Name, ErrInterrupted))
	return nil, nil
}
