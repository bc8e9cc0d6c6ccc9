package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// reader reads the inputs one after the other and makes chunks of what is not
// loaded yet. It runs in one goroutine of a pipeline.
type reader struct {
	*pipeline

	judged   bool
	retried  map[token]bool // chunks whose rejected rows this load has tried again
	tried    bool           // the first rows that are not loaded yet have been tried
	begun    bool           // a chunk has been announced
	seq      int64
	known    map[follower][]candidate // chunks of this load
	together *batch                   // of small chunks, which still takes more
	// finished are the chunks of batches that this load has finished before all else, and
	// the inputs that they are in.
	finished   map[token]*input.File
	beginnings map[token]lookup // of some files, when there are many
}

// follower is what chunks have in common that may be the same: what they follow, and the
// fingerprint of their first line. Those without a line end, which may be the beginning of
// another's line, have 0 for that.
type follower struct {
	parent token
	head   uint64
}

// run reads all files. It returns when everything has been handed out, when
// ctx is done, or at the first input that cannot be read.
func (r *reader) run(ctx context.Context, files []*input.File) error {
	r.known, r.retried = make(map[follower][]candidate), make(map[token]bool)
	if err := r.finishBatches(ctx, files); err != nil {
		return err
	}
	err := r.files(ctx, files)
	if sealing := r.sealTogether(); err == nil { // what was read is loaded in any case
		err = sealing
	}
	return err
}

// files reads inputs one after the other.
func (r *reader) files(ctx context.Context, files []*input.File) error {
	for _, in := range files {
		if err := r.file(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// open opens an input at its beginning. What it returns is to be closed by done.
func (r *reader) open(ctx context.Context, in *input.File) (c *chunker, at *chain, done func(), err error) {
	src, err := r.load.open(ctx, in)
	if err != nil {
		return nil, nil, nil, inputError(ctx, in, 0, err)
	}
	r.load.counters.open(in, src.Kind)
	c = &chunker{placed: src.Placed, limits: r.limits, w: window{r: src, line: 1}, get: func() ([]byte, error) { return r.buffer(ctx) }}
	if src.Kind == input.Plain && !src.Placed {
		c.w.expect = in.Size
	}
	at = &chain{at: r.load.rootOf(in), plain: r.load.plainRoot(in), ask: r.ledger != nil}
	return c, at, func() { r.recycle(c); _ = src.Close() }, nil
}

// file reads one input.
func (r *reader) file(ctx context.Context, in *input.File) error {
	c, chain, done, err := r.open(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	for {
		more, err := c.begin()
		at := c.at().Offset
		if more && err == nil {
			err = r.chunk(ctx, in, c, chain)
		}
		if err != nil {
			return inputError(ctx, in, at, err)
		}
		if !more {
			return nil
		}
	}
}

// chain is how far the reader has come in the chain of one file.
type chain struct {
	at token
	// plain is at in the chain that loads without force follow.
	plain token
	// ask is false once the ledger is known to have nothing that follows: as
	// every chunk is announced before the next one, there is nothing further
	// on either.
	ask bool
}

// chunk takes one chunk of the input, to load or to skip.
func (r *reader) chunk(ctx context.Context, in *input.File, c *chunker, chain *chain) error {
	if !r.judged && r.load.cfg.Format == Auto {
		first := firstLine(c.w.buf)
		if c.placed {
			first, _ = input.Row(first)
		}
		if err := judgeFirst(in, first); err != nil {
			return err
		}
	}
	r.judged = true
	head := c.head()
	candidates, err := r.candidates(ctx, in, chain, head)
	if err != nil {
		return &ledgerError{err}
	}
	found := match(c, chain.at, head, candidates)
	if found, err = r.notInBatch(in, c.at(), found); err != nil {
		return err
	}
	switch {
	case found == nil && c.isLong():
		return r.longLine(ctx, in, c, chain, candidates)
	case found == nil:
		if err := r.checkChanged(in, c.at(), candidates); err != nil {
			return cmp.Or(c.w.failed(math.MaxInt), err) // what cannot be read may be as it was
		}
		if !r.tried {
			r.tried = true
			if err := r.tryRows(ctx, in, c); err != nil {
				return err
			}
		}
	case found.done:
		again, err := r.retryOf(ctx, found, in.Key())
		if err != nil {
			return err
		}
		if r.tries(again) {
			c.end = found.length
			return r.tryAgain(ctx, c, r.newChunk(in, c, chain, head), chain, again, nil)
		}
		r.rejects.Passed(in.Key(), c.at().Offset)
		c.skip(found.length)
		return r.skip(in, chain, found, again)
	default:
		if err := r.checkRules(in, c.at(), found); err != nil {
			return err
		}
		c.end = found.length
	}
	ch := r.newChunk(in, c, chain, head)
	if found != nil {
		ch.again, ch.parts = true, found.parts
	} else if !in.Stream && c.w.ended(c.limits.pieceBytes) {
		return r.join(ctx, c, ch, chain)
	}
	return r.alone(ctx, c, ch, chain, nil)
}

// longLine takes a chunk that is a single long line, and that match has not
// found. A line over the limit is known to the ledger by its own end: it can be
// looked for only when all of it has been read.
func (r *reader) longLine(ctx context.Context, in *input.File, c *chunker, chain *chain, candidates []candidate) error {
	ch := r.newChunk(in, c, chain, c.head())
	p, err := c.next()
	if err != nil {
		return err
	}
	if p.kind != cutLine {
		sum := c.digest.sum()
		found := byToken(candidates, chain.at.next(c.length, sum))
		if found != nil && found.done {
			found.content = sum
			again, err := r.retryOf(ctx, found, in.Key())
			if err == nil && r.tries(again) {
				return r.tryAgain(ctx, c, ch, chain, again, p)
			}
			r.pool.put(p.data)
			if err != nil {
				return err
			}
			r.rejects.Passed(in.Key(), ch.at.Offset)
			return r.skip(in, chain, found, again)
		}
		if found == nil {
			err = r.checkChanged(in, ch.at, candidates)
		} else {
			err = r.checkRules(in, ch.at, found)
		}
		ch.again = found != nil
	}
	if err != nil {
		r.pool.put(p.data)
		return err
	}
	return r.alone(ctx, c, ch, chain, p)
}

// skip notes a chunk that is loaded already.
func (r *reader) skip(in *input.File, chain *chain, found *candidate, now *retrial) error {
	found.rows, found.rejected = now.stored, now.rejected
	chain.at, chain.plain = found.token, chain.plain.next(found.length, found.content)
	if found.mine != nil && r.finished[found.token] == in {
		return nil // it is counted as loaded
	}
	r.load.counters.skip(in, found, r.load.unfinished[found.load])
	return r.load.judge(false)
}

func (r *reader) newChunk(in *input.File, c *chunker, chain *chain, head uint64) *chunk {
	size, lines := c.expect()
	return &chunk{
		file: in, offset: c.w.offset, line: c.w.line, at: c.at(), placed: c.placed, columns: r.load.columns[in].members, parent: chain.at, plainParent: chain.plain, head: head, expectBytes: size, expectLines: lines,
		pieces: make(chan *piece, cap(r.pool.free)), // so that sending never waits: there are no more buffers
	}
}

// fill gives a batch a chunk, and the chunk its pieces, of which the first may be there
// already, and completes it. After an error the batch is to be abandoned.
func (r *reader) fill(c *chunker, b *batch, ch *chunk, chain *chain, p *piece) (err error) {
	defer close(ch.pieces)
	b.add(ch)
	for {
		if p != nil {
			ch.kind = p.kind
			ch.pieces <- p
		}
		if p, err = c.next(); err != nil {
			return err
		}
		if p == nil {
			break
		}
	}
	ch.length, ch.lines = c.length, c.lines
	if ch.kind != cutLine {
		sum := c.digest.sum()
		ch.token, ch.plain = chain.at.next(c.length, sum), chain.plain.next(c.length, sum)
		chain.at, chain.plain = ch.token, ch.plain
		if ch.retry != nil {
			ch.token, ch.record = ch.retry.token, &record{}
		} else {
			r.remember(ch)
		}
	}
	return nil
}

// candidates returns the chunks that may follow, from the ledger and from this
// load.
func (r *reader) candidates(ctx context.Context, in *input.File, chain *chain, head uint64) ([]candidate, error) {
	mine := r.known[follower{chain.at, head}]
	if unended := r.known[follower{chain.at, 0}]; head != 0 && len(unended) > 0 {
		mine = slices.Concat(mine, unended)
	}
	if !chain.ask {
		return mine, nil
	}
	err := r.lookAhead(ctx, in)
	var all []candidate
	if err == nil {
		all, err = r.following(ctx, chain.at, head, in.Key())
	}
	if err != nil {
		return nil, err
	}
	chain.ask = len(all) > 0
	return append(all, mine...), nil
}

// checkChanged returns an error when none of the candidates is what follows,
// and one of them is of the same file.
func (r *reader) checkChanged(in *input.File, at input.Place, candidates []candidate) error {
	was := byPath(candidates, in.Key())
	if was == nil || in.Stream || r.allowChanged() {
		return nil
	}
	e := &ChangedError{File: in.Name, Offset: at.Offset, Line: at.Line, Length: was.length, Load: was.load, Time: was.time}
	if was.done {
		e.Rows = was.rows
	}
	return e
}

// checkRules returns an error when a chunk that was begun may have become other
// rows than this load makes of it: the server would drop those of this load.
func (r *reader) checkRules(in *input.File, at input.Place, found *candidate) error {
	was := found.byOtherRules(r.load.rules)
	if was == nil {
		return nil
	}
	e := &RulesChangedError{File: in.Name, Offset: at.Offset, Line: at.Line, Length: found.length, Load: was.load, Time: was.time}
	if r.allowChanged() {
		r.load.warn(fmt.Sprintf("%s: the %d bytes from byte %d on, line %d, were begun by load %s with another schema or other options: some of their rows may be missing, or be in the table as they were then",
			e.File, e.Length, e.Offset, e.Line, e.Load))
		return nil
	}
	return e
}

// allowChanged reports whether inputs may have changed since they were loaded.
func (r *reader) allowChanged() bool { return r.load.cfg.AllowChanged || r.load.cfg.Force }

// remember makes a chunk of this load a candidate for inputs that follow.
func (r *reader) remember(ch *chunk) {
	ch.record = &record{}
	key := follower{ch.parent, ch.head}
	if ch.lines == 0 {
		key.head = 0
	}
	r.known[key] = append(r.known[key], candidate{
		token: ch.token, head: ch.head, length: ch.length, lines: ch.lines,
		done: true, file: ch.file.Key(), load: r.load.id, time: time.Now(), mine: ch.record,
	})
}

func (r *reader) buffer(ctx context.Context) ([]byte, error) {
	b, ok := r.pool.get(ctx.Done())
	if !ok {
		return nil, context.Cause(ctx)
	}
	return b, nil
}

// recycle gives back the buffer that the chunker still has.
func (r *reader) recycle(c *chunker) {
	if b, ok := c.release(); ok {
		r.pool.put(b)
	}
}

// ledgerError is an error of the ledger, not of the input.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return fmt.Sprintf("ledger: %v", e.err) }
func (e *ledgerError) Unwrap() error { return e.err }

// inputError makes an error of reading an input one that names it. Errors that
// are not the input's fault stay as they are.
func inputError(ctx context.Context, in *input.File, offset int64, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch err := err.(type) { //nolint:errorlint // set by step itself, never wrapped
	case *ledgerError, *tableError, *ChangedError, *RulesChangedError:
		return err
	}
	if errors.Is(err, ErrNoSchema) || errors.Is(err, ErrWrongSchema) || errors.Is(err, ErrTooManyRejects) {
		return err
	}
	return &InputError{File: in.Name, Offset: offset, Err: input.Bare(err)}
}
