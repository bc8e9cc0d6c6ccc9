package bulk

import (
	"bytes"
	"context"
	"slices"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// announce tells the ledger of a batch that will be loaded, and with the first
// one of the load itself. A table that cannot be used is found before that, if
// all rows are for one, so that a load that is refused leaves no trace.
func (r *reader) announce(b *batch) error {
	l := r.load
	if !r.begun {
		if t := l.tables[l.cfg.Schema]; t != nil {
			if err := r.prepare(r.ctx, t); err != nil {
				return &tableError{err}
			}
		}
		r.begun = true
		started := l.entry(loadStarted)
		started.time = l.counters.begin // so that the ledger and the summary agree about how long it took
		if err := r.ledger.add(started, nil); err != nil {
			return err
		}
	}
	entries := make([]ledgerEntry, 0, len(b.list))
	for _, ch := range b.list {
		entries = append(entries, l.origin().entry(ch, chunkStarted))
	}
	return r.ledger.addAll(entries, b.started)
}

// Loads of many files ask once for what begins some of them, unless that is a lot.
const (
	manyFiles      = 16
	filesAtOnce    = 1000
	manyBeginnings = 50_000
	mostRetried    = 4000
)

// lookAhead asks the ledger what a file begins with, and those that come next, and what has
// become of the rows that they have rejected.
func (r *reader) lookAhead(ctx context.Context, in *input.File) error {
	l := r.load
	if len(l.files) < manyFiles || r.beginnings[l.rootOf(in)] != nil {
		return nil
	}
	r.beginnings = make(map[token]lookup)
	var parents []token
	for _, next := range l.files[in.Index:min(len(l.files), in.Index+filesAtOnce)] {
		parents = append(parents, l.rootOf(next))
	}
	rejected, err := r.lookUp(ctx, parents)
	if err != nil || len(rejected) == 0 || l.cfg.RetryRejected { // which changes what has become of them
		return err
	}
	for i, t := range rejected {
		rejected[i] = retryRoot(t)
	}
	_, err = r.lookUp(ctx, rejected[:min(len(rejected), mostRetried)])
	return err
}

// lookUp asks the ledger once what follows some positions, and returns the tokens of the chunks
// there that have rejected rows.
func (r *reader) lookUp(ctx context.Context, parents []token) (rejected []token, err error) {
	slices.SortFunc(parents, func(a, b token) int { return bytes.Compare(a[:], b[:]) })
	parents = slices.Compact(parents)
	var find lookup
	err = r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		find, rejected, err = r.load.ledger.allFollowing(ctx, parents, manyBeginnings)
		return err
	})
	for _, parent := range parents {
		r.beginnings[parent] = find
	}
	return rejected, err
}

// following asks the ledger, again and again if it must.
func (r *reader) following(ctx context.Context, parent token, head uint64, path string) (found []candidate, err error) {
	find := r.beginnings[parent]
	if find == nil {
		find = r.load.ledger.following
	}
	err = r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		found, err = find(ctx, parent, head, path)
		return err
	})
	return found, err
}
