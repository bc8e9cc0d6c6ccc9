package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl/rebuild"
)

// maxInsertWait is how long a rebuild waits for inserts that are running.
const maxInsertWait = 2 * time.Minute

// fence makes the old table refuse inserts, and waits until those that had
// begun before are over.
func (b *rebuilder) fence(ctx context.Context, s *rebuildView) error {
	if err := b.still(ctx, s.table, s.copy); err != nil {
		return err
	}
	if err := b.exec(ctx, rebuild.FenceSQL(b.On)); err != nil {
		return err
	}
	b.fenced = time.Now()
	b.reached("fenced")
	running, err := b.inserts(ctx, nil)
	for try := 0; err == nil && len(running) > 0; try++ {
		if time.Since(b.fenced) > maxInsertWait {
			return errors.Join(
				&chconn.Error{Op: b.op(), Class: chconn.ErrRetryable, Text: fmt.Sprintf("an insert has been running for more than %s, and the table cannot change its place before it ends", maxInsertWait)},
				b.unfence(ctx, s.table, s.begin.OldSettings))
		}
		if err := retry.Pause(ctx, try); err != nil {
			return b.m.client.Fail(ctx, b.op(), err, chconn.Unsent)
		}
		running, err = b.inserts(ctx, running)
	}
	if err != nil {
		return err
	}
	b.reached("quiet")
	return b.still(ctx, s.table, s.copy)
}

// inserts returns the inserts that are running, of those given unless there
// are none. Any insert counts: it may reach the table through another one.
func (b *rebuilder) inserts(ctx context.Context, among []string) ([]string, error) {
	var ids []string
	err := b.m.client.SelectAs(ctx, b.op(), &ids, "SELECT query_id FROM system.processes\n"+
		"WHERE query_kind IN ('Insert', 'AsyncInsertFlush') AND (empty({among:Array(String)}) OR has({among:Array(String)}, query_id))", chconn.Param("among", among))
	return ids, err
}

func (b *rebuilder) unfence(ctx context.Context, t tableRef, settings map[string]string) error {
	if err := b.still(ctx, t); err != nil {
		return err
	}
	return b.execAll(ctx, rebuild.UnfenceSQL(b.at(t.name), settings))
}

func (b *rebuilder) execAll(ctx context.Context, statements []string) error {
	for _, sql := range statements {
		if err := b.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// own gives the copy a name that no other process knows, so that none can do
// anything with it by its name any more, and returns it.
//
// A process that has just let the tables change places may have left the old
// table under the name that is given away here. That is found out before
// anything is done to it.
func (b *rebuilder) own(ctx context.Context, s *rebuildView) (tableRef, error) {
	mine := tableRef{name: rebuild.NewName(b.On.Name) + "_" + newUUID()[:8], uuid: s.copy.uuid}
	if err := b.exec(ctx, rebuild.RenameTableSQL(b.at(s.copy.name), b.at(mine.name))); err != nil {
		return tableRef{}, err
	}
	b.reached("renamed")
	return mine, b.still(ctx, mine)
}

// exchange lets the tables change places.
func (b *rebuilder) exchange(ctx context.Context, s *rebuildView) error {
	mine, err := b.own(ctx, s)
	if err != nil {
		return err
	}
	if !retry.Sleep(ctx, time.Until(b.fenced.Add(b.hook.Hold))) {
		return b.m.client.Fail(ctx, b.op(), context.Cause(ctx), chconn.Unsent)
	}
	if err := b.still(ctx, s.table, mine); err != nil {
		return err
	}
	// Should the answer get lost, nobody says it again: the copy gets another
	// name first.
	if err := b.exec(ctx, rebuild.ExchangeSQL(b.On, b.at(mine.name))); err != nil {
		return err
	}
	b.reached("exchanged")
	return nil
}

// finish puts the old table away, and gives the new one its own settings. What
// has come into the old table after it was copied is copied too.
func (b *rebuilder) finish(ctx context.Context, s *rebuildView) error {
	if s.old.name != "" {
		if err := b.sweep(ctx, s); err != nil {
			return err
		}
		b.reached("swept")
		if err := b.unfence(ctx, s.old, s.begin.OldSettings); err != nil {
			return err
		}
		b.reached("unfenced")
		if err := b.renameOld(ctx, s); err != nil {
			return err
		}
		b.reached("renamed")
	}
	if err := b.still(ctx, s.table); err != nil {
		return err
	}
	if err := b.execAll(ctx, rebuild.SettleSQL(b.On, s.begin.NewSettings)); err != nil {
		return err
	}
	b.reached("settled")
	if err := b.record(ctx, ledgerRow{Old: s.old.uuid, New: s.table.uuid, Event: eventDone}); err != nil {
		return err
	}
	b.reached("done")
	return nil
}

// sweep copies the parts of the old table that have not been copied.
func (b *rebuilder) sweep(ctx context.Context, s *rebuildView) error {
	from, err := b.m.inspect(ctx, b.at(s.old.name), nil)
	if err != nil {
		return err
	}
	to, err := b.m.inspect(ctx, b.at(s.table.name), nil)
	if err != nil {
		return err
	}
	if from == nil || to == nil {
		return errMoved
	}
	broom := &rebuilder{m: b.m, hook: b.hook, Rebuild: rebuild.CopyOf(b.On, *from, *to)}
	return broom.copyRest(ctx, s)
}

// renameOld gives the old table the name under which it is kept.
func (b *rebuilder) renameOld(ctx context.Context, s *rebuildView) error {
	if strings.HasPrefix(s.old.name, rebuild.BeforeName(b.On.Name, "")) {
		return nil
	}
	today, err := b.m.client.SelectText(ctx, b.op(), "SELECT toString(toYYYYMMDD(now()))")
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		day := today
		if n > 1 {
			day = fmt.Sprintf("%s_%d", day, n)
		}
		err := b.exec(ctx, rebuild.RenameTableSQL(b.at(s.old.name), b.at(rebuild.BeforeName(b.On.Name, day))))
		if chconn.ServerCode(err) != chconn.CodeTableExists {
			return err
		}
		if n == 99 {
			return fmt.Errorf("%s: 99 tables of before a rebuild are kept already: %w", b.op(), err)
		}
	}
}

// drop drops the copy, so that it can be begun anew.
func (b *rebuilder) drop(ctx context.Context, s *rebuildView) error {
	mine, err := b.own(ctx, s)
	if err != nil {
		return err
	}
	if err := b.unfence(ctx, s.table, s.begin.OldSettings); err != nil {
		return err
	}
	return b.exec(ctx, rebuild.DropCopySQL(b.at(mine.name)))
}

// giveUp drops the copy and leaves the table as it was.
func (b *rebuilder) giveUp(ctx context.Context, s *rebuildView) error {
	if err := b.drop(ctx, s); err != nil {
		return err
	}
	if err := b.still(ctx, s.table); err != nil {
		return err
	}
	return b.execAll(ctx, rebuild.ThawSQL(b.On, s.begin.OldSettings))
}
