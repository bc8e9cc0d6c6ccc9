package bulk

import (
	"context"
	"fmt"
	"io"
	"time"
)

// reader reads the inputs one after the other and makes chunks of what is not
// loaded yet. It runs in one goroutine.
type reader struct {
	limits       limits
	stdin        io.Reader
	allowChanged bool
	load         string // name of the load

	root func(*inputFile) token // where a file's chain begins
	// following finds chunks in the ledger. It is nil when there is none.
	following lookup
	pool      *bufferPool
	begin     func(*chunk) error // tells the ledger of a chunk that will be loaded; nil when there is none
	out       chan<- *chunk
	tally     *tally

	begun bool // a chunk has been announced
	seq   int64
	known map[token][]candidate // chunks of this load by what they follow
}

// run reads all files. It returns when everything has been handed out, when
// ctx is done, or at the first input that cannot be read.
func (r *reader) run(ctx context.Context, files []*inputFile) error {
	r.known = make(map[token][]candidate)
	for _, in := range files {
		if err := r.file(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// file reads one input.
func (r *reader) file(ctx context.Context, in *inputFile) error {
	stdin := r.stdin
	if in.stdin {
		detached := newDetachedReader(ctx, r.stdin)
		defer detached.stop()
		stdin = detached
	}
	src, err := openSource(in, stdin, &r.tally.read)
	if err != nil {
		return inputError(ctx, in, 0, err)
	}
	defer src.Close()
	r.tally.open(in, src.kind)
	c := &chunker{limits: r.limits, w: window{r: src, line: 1}}
	if src.kind == plain {
		c.w.expect = in.size
	}
	defer func() { r.recycle(c) }()
	chain := &chain{at: r.root(in), ask: r.following != nil}
	for {
		more, err := c.next(func() ([]byte, error) { return r.buffer(ctx) })
		if more && err == nil {
			more, err = r.step(ctx, in, c, chain)
		}
		if err != nil {
			return inputError(ctx, in, c.w.offset, err)
		}
		if !more {
			return nil
		}
	}
}

// chain is how far the reader has come in the chain of one file.
type chain struct {
	at token
	// ask is false once the ledger is known to have nothing that follows: as
	// every chunk is announced before the next one, there is nothing further
	// on either.
	ask bool
}

// step takes one chunk of the input, to load or to skip. It returns false when
// the chunk was the last one for certain.
func (r *reader) step(ctx context.Context, in *inputFile, c *chunker, chain *chain) (bool, error) {
	head := headOf(c.w.buf)
	candidates, err := r.candidates(ctx, in, chain, head)
	if err != nil {
		return false, &ledgerError{err}
	}
	s, found := match(c, chain.at, head, candidates)
	if found == nil {
		if s, err = c.natural(); err != nil {
			return false, err
		}
		if s.kind == cutLine {
			ch := c.take(s)
			ch.file = in
			return false, r.hand(ctx, ch)
		}
		found = byToken(candidates, chain.at.next(s.length, s.sum))
	}
	if found == nil {
		if changed := byPath(candidates, in.path); changed != nil && !in.stdin && !r.allowChanged {
			return false, changedError(in, c, changed)
		}
	}
	next := chain.at.next(s.length, s.sum)
	if found != nil && found.done {
		c.skip(s)
		r.tally.skip(in, s.length, found)
		chain.at = next
		return true, nil
	}
	ch := c.take(s)
	ch.file, ch.parent, ch.token = in, chain.at, next
	chain.at = next
	r.remember(in, ch)
	if r.begin != nil {
		ch.started = make(chan struct{})
		if err := r.begin(ch); err != nil {
			return false, &ledgerError{err}
		}
	}
	return true, r.hand(ctx, ch)
}

// candidates returns the chunks that may follow, from the ledger and from this
// load.
func (r *reader) candidates(ctx context.Context, in *inputFile, chain *chain, head uint64) ([]candidate, error) {
	mine := r.known[chain.at]
	if !chain.ask {
		return mine, nil
	}
	all, err := r.following(ctx, chain.at, head, in.path)
	if err != nil {
		return nil, err
	}
	chain.ask = len(all) > 0
	return append(all, mine...), nil
}

// remember makes a chunk of this load a candidate for inputs that follow.
func (r *reader) remember(in *inputFile, ch *chunk) {
	ch.record = &record{}
	r.known[ch.parent] = append(r.known[ch.parent], candidate{
		token: ch.token, head: ch.head, length: ch.length, lines: ch.lines,
		done: true, file: in.path, load: r.load, time: time.Now(), mine: ch.record,
	})
}

// hand gives a chunk to the workers.
func (r *reader) hand(ctx context.Context, ch *chunk) error {
	ch.seq = r.seq
	r.seq++
	select {
	case r.out <- ch:
		return nil
	case <-ctx.Done():
		ch.release(r.pool)
		return context.Cause(ctx)
	}
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
	if b, ok := c.buffer(); ok {
		r.pool.put(b)
	}
}

// ledgerError is an error of the ledger, not of the input.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return fmt.Sprintf("ledger: %v", e.err) }
func (e *ledgerError) Unwrap() error { return e.err }

// inputError makes an error of reading an input one that names it. Errors that
// are not the input's fault stay as they are.
func inputError(ctx context.Context, in *inputFile, offset int64, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch err := err.(type) { //nolint:errorlint // set by step itself, never wrapped
	case *ledgerError, *ChangedError:
		return err
	}
	return &InputError{File: in.name, Offset: offset, Err: bare(err)}
}

func changedError(in *inputFile, c *chunker, was *candidate) error {
	e := &ChangedError{
		File: in.name, Offset: c.w.offset, Line: c.w.line, Length: was.length,
		Load: was.load, Time: was.time,
	}
	if was.done {
		e.Rows = was.rows
	}
	return e
}
