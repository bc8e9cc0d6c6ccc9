package clickhouse

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/factload/factload/ddl"
)

// An insert whose answer got lost may be in the table or not, and is made again
// with its token, which the table knows then. When the table has been rebuilt
// in between, the new one does not know the token, while it has the rows. So
// such an insert has to be made again into the table that it went to first, and
// from there into the new one as every other row of it.
//
// That takes to know which table an insert goes to. A table's UUID is looked at
// before an insert, unless that has been done in the last two seconds. A
// rebuild holds back inserts for longer than that before the tables change
// places. So an insert that was sent within two seconds of a look that found
// the table open cannot have met the table that came next.

// lookTime is how long the UUID of a table is good for.
const lookTime = 2 * time.Second

// maxFenced is how long an insert waits for a table that is being rebuilt. A
// rebuild that goes on holds inserts back for some seconds.
const maxFenced = 30 * time.Second

// maxWhereabouts is how many inserts in doubt are remembered. Tables remember as
// many tokens.
const maxWhereabouts = ddl.DeduplicationWindow

// whereabouts remembers which tables are what, and where inserts in doubt went.
type whereabouts struct {
	mu    sync.Mutex
	seen  map[string]sighting
	where map[doubtKey]*list.Element
	order *list.List // of doubt, oldest first
	fresh time.Duration
}

// sighting is a table as it was when it was looked at.
type sighting struct {
	uuid string
	at   time.Time
}

type doubtKey struct{ table, token string }

type doubt struct {
	doubtKey
	uuid string // of the table that the insert may be in
}

func newWhereabouts() *whereabouts {
	return &whereabouts{seen: make(map[string]sighting), where: make(map[doubtKey]*list.Element), order: list.New(), fresh: lookTime}
}

func (d *whereabouts) sighted(table string) (uuid string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.seen[table]
	return s.uuid, ok && time.Since(s.at) < d.fresh
}

func (d *whereabouts) sight(table string, s sighting) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.at.After(d.seen[table].at) {
		d.seen[table] = s
	}
}

func (d *whereabouts) forget(table string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.seen, table)
}

// add remembers an insert in doubt. The first table that it went to stays the
// one: others are not tried before the doubt is settled.
func (d *whereabouts) add(key doubtKey, uuid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.where[key] != nil || uuid == "" {
		return
	}
	d.where[key] = d.order.PushBack(doubt{key, uuid})
	if d.order.Len() > maxWhereabouts {
		d.remove(d.order.Front())
	}
}

func (d *whereabouts) of(key doubtKey) (uuid string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.where[key]
	if e == nil {
		return "", false
	}
	entry, ok := e.Value.(doubt)
	return entry.uuid, ok
}

func (d *whereabouts) settle(key doubtKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.where[key]; e != nil {
		d.remove(e)
	}
}

func (d *whereabouts) remove(e *list.Element) {
	if entry, ok := d.order.Remove(e).(doubt); ok {
		delete(d.where, entry.doubtKey)
	}
}

// errLookAgain means that a table is not what it was when it was looked at.
var errLookAgain = errors.New("the table has to be looked at again")

// begin says whether the insert may be sent now.
func (in *Insert) begin(ctx context.Context) error {
	if in.ready == nil {
		return nil
	}
	return in.ready(ctx)
}

// insertOnce is insert for a block with a token. It waits for a table that is
// being rebuilt, and finds out where an insert in doubt has gone.
func (c *Client) insertOnce(ctx context.Context, in Insert) (phase, error) {
	key := doubtKey{in.Table, in.Token}
	for try := 0; ; try++ {
		uuid, err := c.generation(ctx, in.Table)
		if err != nil {
			return unsent, err
		}
		if first, ok := c.whereabouts.of(key); ok && first != uuid {
			settled, err := c.settleDoubt(ctx, in, first)
			if (errors.Is(err, errMoved) || isGone(err)) && try < maxRebuildLooks {
				if err := pause(ctx, try); err != nil { // a table got another name meanwhile
					return sent, err
				}
				continue
			}
			if err != nil {
				return sent, err
			}
			if settled {
				return sent, nil
			}
		}
		in.ready = func(ctx context.Context) error { return c.still(ctx, in.Table, uuid) }
		at, err := c.insert(ctx, in)
		switch {
		case err == nil:
			c.whereabouts.add(key, uuid) // until Insert is done with it
			return at, nil
		case errors.Is(err, errLookAgain):
			continue
		case serverCode(err) == codeTooManyParts:
			c.whereabouts.forget(in.Table)
			if now, fenced, err := c.lookAt(ctx, in.Table); err == nil && (fenced || now.uuid != uuid) {
				continue // a rebuild held it back, and nothing was stored
			}
		case at == sent && mayBeStored(err):
			c.whereabouts.add(key, uuid)
		}
		return at, err
	}
}

// still returns errLookAgain when the table with the UUID has been put out of
// its place, or is held back. It is for who has a connection slot, which may
// have taken longer to get than the last look is good for.
func (c *Client) still(ctx context.Context, table, uuid string) error {
	now, ok := c.whereabouts.sighted(table)
	if !ok {
		seen, fenced, err := c.lookWithSlot(ctx, table)
		if err != nil {
			return err
		}
		if fenced {
			return errLookAgain
		}
		c.whereabouts.sight(table, seen)
		now = seen.uuid
	}
	if now != uuid {
		return errLookAgain
	}
	return nil
}

// generation returns the UUID of a table that is not held back. It is empty
// when there is no such table.
func (c *Client) generation(ctx context.Context, table string) (uuid string, err error) {
	if uuid, ok := c.whereabouts.sighted(table); ok {
		return uuid, nil
	}
	begin := time.Now()
	for try := 0; ; try++ {
		seen, fenced, err := c.lookAt(ctx, table)
		if err != nil {
			return "", err
		}
		if !fenced {
			c.whereabouts.sight(table, seen)
			return seen.uuid, nil
		}
		if time.Since(begin) > maxFenced {
			return "", &Error{
				Op: fmt.Sprintf("insert into %q", table), Class: ErrRetryable,
				Text: "inserts are held back, since the table is being rebuilt",
				Hint: "wait for the rebuild, or finish it with factload apply if it was interrupted",
			}
		}
		if err := pause(ctx, max(try, 3)); err != nil {
			return "", err
		}
	}
}

// mayBeStored reports whether an insert that was sent, or a part of it, may be
// stored although it failed.
func mayBeStored(err error) bool {
	class := classify(err, sent)
	return class == nil || errors.Is(class, ErrAmbiguous) || errors.Is(class, ErrRetryable)
}

// lookAt looks at a table of the DSN's database.
func (c *Client) lookAt(ctx context.Context, table string) (s sighting, fenced bool, err error) {
	release, err := c.acquire(ctx)
	if err != nil {
		return sighting{}, false, c.fail(ctx, fmt.Sprintf("insert into %q", table), err, read)
	}
	defer release()
	return c.lookWithSlot(ctx, table)
}

// lookWithSlot is lookAt for who has a connection slot.
func (c *Client) lookWithSlot(ctx context.Context, table string) (s sighting, fenced bool, err error) {
	var rows []struct {
		UUID   string `ch:"uuid"`
		Fenced bool   `ch:"fenced"`
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opt.ReadTimeout, &timeoutError{what: "read_timeout", after: c.opt.ReadTimeout})
	defer cancel()
	s.at = time.Now()
	err = c.conn.Select(ctx, &rows,
		"SELECT toString(uuid) AS uuid, match(engine_full, {fence:String}) AS fenced FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
		Param("table", table), Param("fence", ddl.FencedPattern))
	if err != nil {
		return sighting{}, false, c.fail(ctx, fmt.Sprintf("insert into %q", table), err, read)
	}
	if len(rows) == 0 {
		return s, false, nil
	}
	s.uuid = rows[0].UUID
	return s, rows[0].Fenced, nil
}

// settleDoubt makes an insert again that may be in a table which has been
// rebuilt since: into that table, which knows whether it has it, and from there
// into the new one. It reports false when there was no rebuild, so that the
// table in question has nothing to do with the one of today.
func (c *Client) settleDoubt(ctx context.Context, in Insert, first string) (bool, error) {
	have, err := c.inspect(ctx, ddl.TableName{Name: in.Table}, nil)
	if err != nil || have == nil {
		return false, err
	}
	b := &rebuilder{client: c, Rebuild: &ddl.Rebuild{On: ddl.TableName{Database: have.Database, Name: have.Name}}}
	chain, err := b.successors(ctx, first)
	if err != nil || len(chain) == 0 {
		return false, err
	}
	if chain[0].old.name == "" {
		return false, &Error{
			Op: fmt.Sprintf("insert into %q", in.Table), Class: ErrAmbiguous,
			Text: "the answer to an earlier try got lost, the table has been rebuilt since, and the table of before has been dropped, so that nobody can tell whether the rows are stored",
			Hint: "look for the rows, and insert them under another token if they are not there",
		}
	}
	again := in
	again.Table, again.ready = chain[0].old.name, nil
	if _, err := c.insert(ctx, again); err != nil {
		return false, err
	}
	for _, s := range chain {
		if err := b.sweep(ctx, s); err != nil {
			return false, err
		}
	}
	return true, nil
}

// successors returns the rebuilds that have led from a table to the one of
// today, in their order, each as if its end were left to do.
func (b *rebuilder) successors(ctx context.Context, first string) ([]*rebuildView, error) {
	rows, err := b.ledgerOf(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := b.tables(ctx, rows)
	if err != nil {
		return nil, err
	}
	now := ""
	byUUID := make(map[string]tableRef)
	for _, t := range tables {
		byUUID[t.uuid] = t
		if t.name == b.On.Name {
			now = t.uuid
		}
	}
	var chain []*rebuildView
	for uuid := now; uuid != first; {
		before := ""
		for _, row := range rows {
			if row.Event == eventBegin && row.New == uuid {
				before = row.Old
			}
		}
		if before == "" || len(chain) > len(rows) {
			return nil, nil // it came from elsewhere
		}
		old := byUUID[before]
		old.uuid = before
		chain = append([]*rebuildView{{table: byUUID[uuid], old: old, exchanged: true}}, chain...)
		uuid = before
	}
	return chain, nil
}
