package bulk

import (
	"context"

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
)

// beginnings finds the chunks that some files begin with.
type beginnings struct {
	roots map[token]bool
	find  lookup
}

// lookAhead asks the ledger what a file begins with, and those that come next.
func (r *reader) lookAhead(ctx context.Context, in *input.File) error {
	l := r.load
	if len(l.files) < manyFiles || r.beginnings.roots[l.rootOf(in)] {
		return nil
	}
	b := beginnings{roots: make(map[token]bool)}
	var parents []token
	for _, next := range l.files[in.Index:min(len(l.files), in.Index+filesAtOnce)] {
		if root := l.rootOf(next); !b.roots[root] {
			b.roots[root] = true
			parents = append(parents, root)
		}
	}
	err := r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		b.find, err = l.ledger.allFollowing(ctx, parents, manyBeginnings)
		return err
	})
	r.beginnings = b
	return err
}

// following asks the ledger, again and again if it must.
func (r *reader) following(ctx context.Context, parent token, head uint64, path string) (found []candidate, err error) {
	find := r.load.ledger.following
	if r.beginnings.roots[parent] {
		find = r.beginnings.find
	}
	err = r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		found, err = find(ctx, parent, head, path)
		return err
	})
	return found, err
}
