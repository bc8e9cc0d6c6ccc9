package insert

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// An insert whose answer was lost may be in the table or not. It is repeated with
// its token, by which the table recognizes it. If the table was rebuilt in
// between, the new table does not know the token, although it may have the rows.
// So the insert is repeated into the table that it went to first, and its rows
// are copied from there into the new table like all others.
//
// For this we must know which table an insert went to. Before an insert, the UUID
// of its table is asked for, unless that was done in the last two seconds. A
// rebuild holds back inserts for longer than that before the tables change
// places. So an insert that is sent within two seconds after the table was seen
// open cannot reach the table that comes next.

// lookTime is how long the UUID of a table is good for.
const lookTime = 2 * time.Second

// maxFenced is how long an insert waits for a table that is being rebuilt. A
// rebuild that goes on holds inserts back for some seconds.
const maxFenced = 30 * time.Second

// maxUnsettled is how many inserts of unknown outcome are remembered. Tables remember as
// many tokens.
const maxUnsettled = ddl.DeduplicationWindow

// maxDivisions is how many blocks that were divided are remembered until they
// are stored. Of others the server says once more how they are divided.
const maxDivisions = 64

// division is how a block is divided: the group of each row, and how many
// groups there are.
type division struct {
	groups []int
	n      int
}

// generations remembers which tables are what, where inserts in doubt went, and
// how their blocks were divided.
type generations struct {
	mu     sync.Mutex
	seen   map[string]sighting
	where  map[insertKey]*list.Element
	order  *list.List // of unsettled, oldest first
	fresh  time.Duration
	server server // that was last looked at

	divisions map[insertKey]division
}

// sighting is a table as it was when it was looked at.
type sighting struct {
	uuid  string
	views bool // materialized views read from it
	// distributed is how a table of the engine Distributed is spread over shards.
	distributed *ddl.Distributed
	// viewNames are those of its database, also if the user may not see them.
	viewNames []string
	// marked are the columns of JSON.
	marked []string
	// replicated means that other servers share the rows.
	replicated bool
	// checks means that the table has CHECK constraints.
	checks bool
	// remembers means that the table ignores an insert that is repeated with its
	// token, as far as that is known.
	remembers bool
	// oneSwitch means that the server has the setting that overrules all others
	// that switch deduplication on and off, which came with ClickHouse 26.2.
	oneSwitch bool
	at        time.Time
}

// phase returns the phase of an insert into the table that was sent without
// knowing of its views.
func (s sighting) phase(at chconn.Phase) chconn.Phase {
	if at == chconn.RowsSentToViews && !s.views {
		return chconn.RowsSent
	}
	return at
}

type insertKey struct{ table, token string }

type unsettled struct {
	insertKey
	uuid string // of the table that the insert may be in
}

func newGenerations() *generations {
	return &generations{seen: make(map[string]sighting), where: make(map[insertKey]*list.Element), order: list.New(), fresh: lookTime, divisions: make(map[insertKey]division)}
}

func (d *generations) sighted(table string) (s sighting, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok = d.seen[table]
	return s, ok && time.Since(s.at) < d.fresh
}

func (d *generations) sight(table string, s sighting) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.at.After(d.seen[table].at) {
		d.seen[table] = s
	}
}

func (d *generations) forget(table string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.seen, table)
}

// add remembers an insert of unknown outcome. The first table that it went to
// stays the one: no other is tried before that is settled.
func (d *generations) add(key insertKey, uuid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.where[key] != nil || uuid == "" {
		return
	}
	d.where[key] = d.order.PushBack(unsettled{key, uuid})
	if d.order.Len() > maxUnsettled {
		d.remove(d.order.Front())
	}
}

func (d *generations) of(key insertKey) (uuid string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.where[key]
	if e == nil {
		return "", false
	}
	entry, ok := e.Value.(unsettled)
	return entry.uuid, ok
}

func (d *generations) settle(key insertKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.where[key]; e != nil {
		d.remove(e)
	}
	delete(d.divisions, key)
}

// divide remembers how the block of an insert is divided.
func (d *generations) divide(key insertKey, groups []int, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key.token == "" {
		return
	}
	for other := range d.divisions {
		if len(d.divisions) < maxDivisions {
			break
		}
		delete(d.divisions, other)
	}
	d.divisions[key] = division{groups, n}
}

// divisionOf returns how the block of an insert was divided. With n == 0 it was
// not, or that is forgotten.
func (d *generations) divisionOf(key insertKey) (groups []int, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.divisions[key]
	return was.groups, was.n
}

func (d *generations) remove(e *list.Element) {
	if entry, ok := d.order.Remove(e).(unsettled); ok {
		delete(d.where, entry.insertKey)
	}
}

// errLookAgain means that a table is not what it was when it was looked at.
var errLookAgain = errors.New("the table has to be looked at again")

// ready is asked right before a statement is sent, by a caller that
// holds a connection slot. An error stops the insert.
type ready func(context.Context) error

// always lets an insert be sent.
func always(context.Context) error { return nil }

// insertOnce is insert for a block with a token. It waits for a table that is
// being rebuilt, and finds out where an insert has gone whose answer was lost.
func (ins *Inserter) insertOnce(ctx context.Context, in Insert) (chconn.Phase, error) {
	key := insertKey{in.Table, in.Token}
	for {
		seen, err := ins.generation(ctx, in.Table)
		if err != nil {
			return chconn.Unsent, err
		}
		uuid := seen.uuid
		in.oneSwitch = seen.oneSwitch
		if first, ok := ins.generations.of(key); ok && first != uuid {
			done, err := ins.resend(ctx, in, first)
			if done || err != nil {
				return chconn.RowsSentToViews, err
			}
		}
		at, err := ins.insert(ctx, in, func(ctx context.Context) error { return ins.still(ctx, in.Table, uuid) })
		if errors.Is(err, errLookAgain) || ins.heldBack(ctx, in.Table, uuid, err) {
			continue
		}
		at = seen.phase(at)
		if err == nil || mayBeStored(err, at) {
			ins.generations.add(key, uuid) // what succeeded is forgotten when Insert is done with it
		}
		return at, err
	}
}

// resend repeats an insert that may be in the table with the UUID of before a
// rebuild. It reports false when there was none.
func (ins *Inserter) resend(ctx context.Context, in Insert, uuid string) (bool, error) {
	return ins.migrator.Resend(ctx, in.Table, uuid, func(ctx context.Context, table string) error {
		again := in
		again.Table = table
		_, err := ins.insert(ctx, again, always)
		return err
	})
}

// heldBack reports whether the table refused an insert since it is being rebuilt
// or has been. Nothing was stored then.
func (ins *Inserter) heldBack(ctx context.Context, table, uuid string, err error) bool {
	if chconn.ServerCode(err) != chconn.CodeTooManyParts {
		return false
	}
	ins.generations.forget(table)
	now, fenced, err := ins.lookAt(ctx, table)
	return err == nil && (fenced || now.uuid != uuid)
}

// still returns errLookAgain when the table with the UUID has been put out of
// its place, or is held back. It is for a caller that holds a connection slot, which may
// have taken longer to get than the last look is good for.
func (ins *Inserter) still(ctx context.Context, table, uuid string) error {
	now, ok := ins.generations.sighted(table)
	if !ok {
		var fenced bool
		var err error
		if now, fenced, err = ins.lookWithSlot(ctx, table); err != nil {
			return err
		}
		if fenced {
			return errLookAgain
		}
		ins.generations.sight(table, now)
	}
	if now.uuid != uuid {
		return errLookAgain
	}
	return nil
}

// generation returns a table that is not held back. Its UUID is empty when
// there is no such table.
func (ins *Inserter) generation(ctx context.Context, table string) (sighting, error) {
	if seen, ok := ins.generations.sighted(table); ok {
		return seen, nil
	}
	begin := time.Now()
	for try := 0; ; try++ {
		seen, fenced, err := ins.lookAt(ctx, table)
		if err != nil {
			return sighting{}, err
		}
		if !fenced {
			ins.generations.sight(table, seen)
			return seen, nil
		}
		if time.Since(begin) > maxFenced {
			return sighting{}, &chconn.Error{
				Op: fmt.Sprintf("insert into %q", table), Class: chconn.ErrRetryable,
				Text: "inserts are held back, since the table is being rebuilt",
				Hint: "wait for the rebuild, or finish it with factload apply if it was interrupted",
			}
		}
		if err := retry.Pause(ctx, max(try, 3)); err != nil {
			return sighting{}, err
		}
	}
}

// mayBeStored reports whether an insert that failed, or a part of it, may be
// stored.
func mayBeStored(err error, at chconn.Phase) bool {
	class := chconn.Classify(err, at)
	return at != chconn.Unsent && (class == nil || errors.Is(class, chconn.ErrAmbiguous))
}

// lookAt looks at a table of the DSN's database.
func (ins *Inserter) lookAt(ctx context.Context, table string) (s sighting, fenced bool, err error) {
	release, err := ins.client.Acquire(ctx)
	if err != nil {
		return sighting{}, false, ins.client.Fail(ctx, fmt.Sprintf("insert into %q", table), err, chconn.Read)
	}
	defer release()
	return ins.lookWithSlot(ctx, table)
}

// Of engines that are not MergeTree nothing is known about tokens, which is the
// window "any". While a table is dropped or changes places with another, the server
// may have its UUID and not its statement, nor the settings in that: it is taken for fenced.
const lookSightingSQL = `SELECT toString(uuid) AS uuid, match(engine_full, {fence:String}) OR create_table_query = '' AS fenced,
	notEmpty(dependencies_table) = 1 AS views,
	arrayMap(d -> d.2, arrayFilter(d -> d.1 = database, arrayZip(dependencies_database, dependencies_table))) AS view_names,
	if(NOT endsWith(engine, 'MergeTree') OR replicated, 'any',
		extract(engine_full, 'non_replicated_deduplication_window = (\\d+)')) AS window,
	(SELECT groupArray(name) FROM system.columns
		WHERE database = currentDatabase() AND table = {table:String} AND startsWith(comment, {mark:String})) AS marked,
	if(engine = 'Distributed', engine_full, '') AS spread,
	position(create_table_query, ' CHECK ') > 0 AS checks,
	startsWith(engine, 'Replicated') OR startsWith(engine, 'Shared') AS replicated,
	hostName() AS host, toInt64(toUnixTimestamp(now())) - uptime() AS started
FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`

// Deduplicates reports whether the table ignores an insert that is repeated with
// its token. Where it does not, a repetition may store rows twice. A table that
// is not there, or whose engine is not known, is taken for one that does. What
// materialized views insert into is not looked at.
func (ins *Inserter) Deduplicates(ctx context.Context, table string) (bool, error) {
	to, err := ins.spreadOf(ctx, table)
	if err != nil {
		return true, err
	}
	if to != nil {
		for _, s := range to.shards {
			if ok, err := s.inserter.Deduplicates(ctx, to.Local); err != nil || !ok {
				return ok, err
			}
		}
		return true, nil
	}
	seen, err := ins.generation(ctx, table)
	return err != nil || seen.uuid == "" || seen.remembers, err
}

// lookWithSlot is lookAt for who has a connection slot.
func (ins *Inserter) lookWithSlot(ctx context.Context, table string) (s sighting, fenced bool, err error) {
	var rows []struct {
		UUID   string   `ch:"uuid"`
		Fenced bool     `ch:"fenced"`
		Views  bool     `ch:"views"`
		Names  []string `ch:"view_names"`
		Window string   `ch:"window"`
		Marked []string `ch:"marked"`
		Spread string   `ch:"spread"`
		Checks bool     `ch:"checks"`
		Shared bool     `ch:"replicated"`

		Host    string `ch:"host"`
		Started int64  `ch:"started"`
	}
	ctx, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	s.at = time.Now()
	err = ins.client.SelectWithSlot(ctx, fmt.Sprintf("insert into %q", table), &rows,
		lookSightingSQL,
		chconn.Param("table", table), chconn.Param("fence", rebuild.FencedPattern), chconn.Param("mark", ddl.JSONMark))
	if err != nil {
		return sighting{}, false, err
	}
	if len(rows) == 0 {
		return s, false, nil
	}
	row := rows[0]
	server, err := ins.serverWithSlot(ctx, row.Host, row.Started)
	if err != nil {
		return sighting{}, false, err
	}
	window := cmp.Or(row.Window, server.window)
	if s.distributed, err = ddl.ParseDistributed(row.Spread); err != nil {
		return sighting{}, false, chconn.SchemaError(fmt.Errorf("insert into %q: %w", table, err))
	}
	s.viewNames, s.marked, s.checks, s.replicated = row.Names, row.Marked, row.Checks, row.Shared
	s.uuid, s.views, s.remembers, s.oneSwitch = row.UUID, row.Views, window != "" && window != "0", server.oneSwitch
	return s, row.Fenced, nil
}
