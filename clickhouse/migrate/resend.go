package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// Resend repeats an insert whose answer was lost, when its table may have been
// rebuilt since. The insert may be in the table with the given UUID: send is
// called with that table's name of today, which knows the insert's token, and
// what the table then has and the new one has not is copied. It reports false
// when no rebuild led from that table to the one of today, so that the two have
// nothing to do with each other; send has not been called then.
func (m *Migrator) Resend(ctx context.Context, table, uuid string, send func(ctx context.Context, table string) error) (bool, error) {
	for try := 0; ; try++ {
		done, err := m.resend(ctx, table, uuid, send)
		if try == maxRebuildLooks || !errors.Is(err, errMoved) && !isGone(err) {
			return done, err
		}
		if err := retry.Pause(ctx, try); err != nil { // a table got another name meanwhile
			return false, err
		}
	}
}

func (m *Migrator) resend(ctx context.Context, table, uuid string, send func(ctx context.Context, table string) error) (bool, error) {
	have, err := m.inspect(ctx, ddl.TableName{Name: table}, nil)
	if err != nil || have == nil {
		return false, err
	}
	b := &rebuilder{m: m, Rebuild: &rebuild.Rebuild{On: ddl.TableName{Database: have.Database, Name: have.Name}}}
	chain, err := b.successors(ctx, uuid)
	if err != nil || len(chain) == 0 {
		return false, err
	}
	if chain[0].old.name == "" {
		return false, &chconn.Error{
			Op: fmt.Sprintf("insert into %q", table), Class: chconn.ErrAmbiguous,
			Text: "the answer to an earlier try was lost, the table has been rebuilt since, and the table of before has been dropped, so that nobody can tell whether the rows are stored",
			Hint: "look for the rows, and insert them under another token if they are not there",
		}
	}
	if err := send(ctx, chain[0].old.name); err != nil {
		return false, err
	}
	for _, s := range chain {
		if err := b.sweep(ctx, s); err != nil {
			return false, err
		}
	}
	return true, nil
}
