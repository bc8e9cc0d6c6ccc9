package bulk

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// What a chunk has rejected can be tried again by another schema or other options. The
// ledger has with each chunk which rows it has rejected. A chunk whose rejected rows are
// tried again is another chunk, of these rows: it follows in a chain of its own, which
// begins at a position made of the token of the first one. So it is loaded once like any
// other, and what it rejects in turn can be tried again.
//
//	T ─ rejected rows → R0 = retryRoot(T) ─ these rows → R1 ─ what of them was rejected → R2 …

// rejectedRows are the rows of a chunk that were rejected, by where in the chunk their
// lines begin, or their objects where a line has several.
//
// In the ledger they are "*" for all rows, or else the base64 of the distances from one to
// the next as varints.
type rejectedRows struct {
	all bool
	at  []int64 // ascending
}

const allRows = "*"

// String returns the rows as the ledger has them.
func (r *rejectedRows) String() string {
	if r.all {
		return allRows
	}
	b := make([]byte, 0, 2*len(r.at))
	last := int64(0)
	for _, at := range r.at {
		b = binary.AppendUvarint(b, uint64(at-last)) //nolint:gosec // they ascend
		last = at
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// parseRejectedRows reads what String has written.
func parseRejectedRows(text string) (*rejectedRows, error) {
	if text == allRows {
		return &rejectedRows{all: true}, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	r := &rejectedRows{}
	for last := int64(0); err == nil && len(b) > 0; {
		distance, n := binary.Uvarint(b)
		if n <= 0 {
			err = errors.New("it ends early")
			break
		}
		last += int64(distance) //nolint:gosec // written from int64
		r.at = append(r.at, last)
		b = b[n:]
	}
	if err != nil {
		return nil, fmt.Errorf("rejected rows: %w", err)
	}
	return r, nil
}

// within reports whether there are rows from one place in the chunk up to another. All
// rows are in nil.
func (r *rejectedRows) within(from, to int64) bool {
	if r == nil || r.all {
		return true
	}
	i, found := slices.BinarySearch(r.at, from)
	return found || i < len(r.at) && r.at[i] < to
}

// retrial is a chunk that is loaded, and what is to be tried again of it.
type retrial struct {
	found  *candidate
	parent token
	// token is that of the chunk of the rows to try, and again says that they may have
	// been sent. Without rows there is nothing to try.
	token token
	rows  *rejectedRows
	again bool
	begun *candidate // which has been sent
	// of are the tokens of what has tried them before.
	of []token
	// stored and rejected are the rows of the chunk by now.
	stored, rejected int64
}

// retryRoot returns what the chunks follow that try the rejected rows of a chunk again.
func retryRoot(t token) token { return newToken("retry", t.String()) }

// retryOf returns what is to be tried again of a chunk that is done.
func (r *reader) retryOf(ctx context.Context, found *candidate, path string) (*retrial, error) {
	t := &retrial{found: found, parent: retryRoot(found.token), of: []token{found.token}, stored: found.rows, rejected: found.rejected}
	last := found
	for t.rejected > 0 && found.mine == nil {
		candidates, err := r.following(ctx, t.parent, found.head, path)
		if err != nil {
			return nil, &ledgerError{err}
		}
		i := slices.IndexFunc(candidates, func(c candidate) bool { return c.done })
		if i < 0 && last != found && last.rules == r.load.rules {
			return t, nil // they have been tried by the same rules
		}
		if i < 0 {
			err := t.choose(last, candidates)
			return t, err
		}
		last = &candidates[i]
		t.parent, t.of = last.token, append(t.of, last.token)
		t.stored, t.rejected = t.stored+last.rows, last.rejected
	}
	return t, nil
}

// choose decides which rows are to be tried: those that the last one has rejected.
func (t *retrial) choose(last *candidate, begun []candidate) (err error) {
	if last.rejects == "" {
		if last.rows > 0 {
			return nil // of before rejected rows were noted
		}
		last.rejects = allRows
	}
	if t.rows, err = parseRejectedRows(last.rejects); err != nil {
		return &ledgerError{err}
	}
	t.token = newToken("retried", t.parent.String(), last.rejects)
	if c := byToken(begun, t.token); c != nil {
		t.again, t.begun = true, c
	}
	return nil
}

// tries reports whether the load tries the rows again, which it does once.
func (r *reader) tries(t *retrial) bool {
	if !r.load.cfg.RetryRejected || t.rows == nil || r.retried[t.token] {
		return false
	}
	r.retried[t.token] = true
	return true
}

// tryAgain takes a chunk of the input that is done, whose rejected rows are tried again. It
// has just begun, or is one long line that is there already.
func (r *reader) tryAgain(ctx context.Context, c *chunker, ch *chunk, chain *chain, t *retrial, p *piece) error {
	ch.retry, ch.only, ch.parent, ch.again = t, t.rows, t.parent, t.again
	var err error
	if t.begun != nil {
		err = r.checkRules(ch.file, ch.at, t.begun)
	}
	if err != nil {
		if p != nil {
			r.pool.put(p.data)
		}
		return err
	}
	if t.stored > 0 {
		was := *t.found
		was.rows, was.rejected = t.stored, 0
		r.load.counters.skip(ch.file, &was, r.load.unfinished[was.load])
	}
	return r.alone(ctx, c, ch, chain, p)
}
