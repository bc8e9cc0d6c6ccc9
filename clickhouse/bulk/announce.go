package bulk

import "context"

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
		if err := r.ledger.add(l.entry(loadStarted), nil); err != nil {
			return err
		}
	}
	entries := make([]ledgerEntry, 0, len(b.list))
	for _, ch := range b.list {
		entries = append(entries, l.origin().entry(ch, chunkStarted))
	}
	return r.ledger.addAll(entries, b.started)
}

// Loads of many files ask once for what begins files, unless that is a lot.
const (
	manyFiles      = 16
	manyBeginnings = 50_000
)

// following asks the ledger, again and again if it must.
func (r *reader) following(ctx context.Context, parent token, head uint64, path string) (found []candidate, err error) {
	ledger := r.load.ledger
	err = r.retry.do(ctx, func(ctx context.Context, _ bool) (err error) {
		if parent != r.load.root || len(r.load.files) < manyFiles {
			found, err = ledger.following(ctx, parent, head, path)
			return err
		}
		if r.beginnings == nil {
			if r.beginnings, err = ledger.allFollowing(ctx, parent, manyBeginnings); err != nil {
				return err
			}
		}
		found, err = r.beginnings(ctx, parent, head, path)
		return err
	})
	return found, err
}
