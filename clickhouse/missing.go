package clickhouse

import (
	"context"

	"github.com/factload/factload/fact"
)

// MaterializeMissing stores those of the facts that their tables do not have
// yet, and returns how many those were. A table has a fact when one of its rows
// has the fact's ID. It is how a log is replayed, after a crash or by hand, and
// may be repeated any number of times. Facts that are there are not compared.
//
// It waits until the inserts into the table that the server is busy with have
// ended, asks the table for the IDs, and inserts the others, with a
// deduplication token made of them. Its limits: it does not see inserts that
// other processes begin while it works, nor those of other users when it may
// not (SHOW PROCESSLIST), nor what another replica has and this one has not
// fetched.
//
// Schemas must have a field that carries the fact ID; others are refused with
// [ErrSchema], and nothing is stored. The mode does not matter: it always waits
// for the rows to be stored. Several thousand facts a call are cheaper than few,
// for the table is searched for each call.
func (m *Materializer) MaterializeMissing(ctx context.Context, facts ...fact.Fact) (stored int, err error) {
	if len(facts) == 0 {
		return 0, nil
	}
	ctx, done, err := m.calls.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	p, err := m.admitAndPrepare(ctx, facts)
	if err != nil {
		return 0, err
	}
	for i := range p.parts {
		if entry := p.parts[i].entry; !entry.factIDs {
			p.Discard()
			return 0, errNoFactID(entry.table.Name)
		}
	}
	return p.write(ctx, true)
}
