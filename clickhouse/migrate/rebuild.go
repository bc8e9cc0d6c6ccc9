package migrate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/rebuildhook"
)

// rebuilder carries out one rebuild, or ends one that has begun. It keeps no
// state of its own: what has been done is seen from the tables, by their UUIDs,
// and from the ledger. So any number of rebuilders may work on one table at
// once, and each may be killed at any time. See docs/adr/0010.
type rebuilder struct {
	m    *Migrator
	hook rebuildhook.Hook
	*ddl.Rebuild
	misses int               // how often the copy had to be begun anew
	stable map[string]string // settings of a statement that copies
	fenced time.Time         // when inserts were held back
}

// maxRebuildLooks is how often a rebuilder looks what is to be done. Every
// further look means that another process was faster.
const maxRebuildLooks = 50

// errMoved means that another process has changed the state of the rebuild: it
// has to be looked at again.
var errMoved = errors.New("another process was faster")

// rebuild makes a table anew, or ends that.
func (m *Migrator) rebuild(ctx context.Context, r *ddl.Rebuild) error {
	b := &rebuilder{m: m, hook: rebuildhook.From(ctx), Rebuild: r}
	last := errMoved
	for try := range maxRebuildLooks {
		done, err := b.advance(ctx)
		if err == nil && done {
			return nil
		}
		if err != nil && !errors.Is(err, errMoved) && !isGone(err) {
			return err
		}
		if err != nil {
			last = err
			if err := retry.Pause(ctx, try); err != nil {
				return m.client.Fail(ctx, b.op(), err, chconn.Unsent)
			}
		}
	}
	return fmt.Errorf("rebuild table %q: not done after %d tries: %w", r.On, maxRebuildLooks, last)
}

// isGone reports whether a statement met a table that has another name by now.
func isGone(err error) bool {
	switch chconn.ServerCode(err) {
	case chconn.CodeUnknownTable, chconn.CodeTableExists, chconn.CodeFileDoesNotExist, chconn.CodeCannotAssignAlter, chconn.CodeTableIsDropped, chconn.CodeNoCreateQuery:
		return true
	}
	return false
}

// advance does what is to be done next. It reports whether that was the end.
func (b *rebuilder) advance(ctx context.Context) (done bool, err error) {
	s, err := b.look(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case s.exchanged:
		err := b.finish(ctx, s)
		return b.Finish || s.begin.Target == b.To.Fingerprint(), err
	case b.Finish:
		return true, nil // another process has done it
	case s.copy.uuid == "":
		return b.begin(ctx, s)
	case s.begin.Target != b.To.Fingerprint():
		return false, b.drop(ctx, s) // it was begun for another schema
	default:
		return false, b.carryOut(ctx, s)
	}
}

// carryOut copies the rows and lets the tables change places.
func (b *rebuilder) carryOut(ctx context.Context, s *rebuildView) error {
	for _, step := range []func(context.Context, *rebuildView) error{b.freeze, b.copyMost, b.weigh, b.fence, b.copyRest, b.compare, b.exchange} {
		err := step(ctx, s)
		switch {
		case errors.Is(err, errAnew):
			if b.misses++; b.misses > maxAnew {
				return errors.Join(err, b.giveUp(ctx, s))
			}
			return b.drop(ctx, s)
		case errors.As(err, new(*MisfitError)):
			return errors.Join(err, b.giveUp(ctx, s))
		case err != nil:
			return err
		}
	}
	return nil
}

// begin writes down what is going to be done, and creates the new table. It
// reports whether there is nothing to do any more.
func (b *rebuilder) begin(ctx context.Context, s *rebuildView) (done bool, err error) {
	have, err := b.m.inspect(ctx, b.On, nil)
	if err != nil {
		return false, err
	}
	if have == nil {
		return false, errMoved
	}
	have.Views = nil // they stay with the name
	if have.Fingerprint() != b.From.Fingerprint() {
		return true, nil // the next plan tells what is left
	}
	if err := b.checkAll(ctx); err != nil {
		return false, err
	}
	if err := b.exec(ctx, ddl.CreateLedgerSQL(b.On.Database)); err != nil {
		return false, err
	}
	before := b.From.Settings
	if s.begin.OldSettings != nil {
		before = s.begin.OldSettings // the settings are not the user's any more
	}
	fresh := newUUID()
	detail, err := json.Marshal(rebuildBegin{OldSettings: before, NewSettings: b.To.Settings, Target: b.To.Fingerprint()})
	if err != nil {
		return false, err
	}
	if err := b.record(ctx, ledgerRow{Old: s.table.uuid, New: fresh, Event: eventBegin, Detail: string(detail)}); err != nil {
		return false, err
	}
	b.reached("begun")
	if err := b.exec(ctx, b.CreateSQL(ddl.RebuildName(b.On.Name), fresh)); err != nil {
		return false, err
	}
	b.reached("created")
	now, err := b.look(ctx)
	if err == nil && now.copy.uuid == "" && !now.exchanged && now.foreign {
		err = fmt.Errorf("rebuild table %q: there is a table %q already that belongs to no rebuild: give it another name, or drop it", b.On, ddl.RebuildName(b.On.Name))
	}
	return false, err
}

// rebuildBegin is what the ledger knows of a rebuild from the beginning.
type rebuildBegin struct {
	OldSettings map[string]string `json:"old"`
	NewSettings map[string]string `json:"new"`
	Target      string            `json:"target"` // the fingerprint of the new table
}

// rebuildView is how far a rebuild is.
type rebuildView struct {
	table     tableRef // the one that everybody knows
	copy      tableRef // the one into which rows are copied; empty: there is none
	old       tableRef // when the tables have changed places: the old one, if it is there
	exchanged bool     // the tables have changed places, and the end is left to do
	foreign   bool     // there is somebody else's table of the copy's name
	begin     rebuildBegin
	active    rebuildBegin // of the copy that there is
}

// tableRef is a table by its UUID, with the name that it has for the moment.
type tableRef struct {
	name, uuid, engine string
}

// look finds out how far the rebuild is.
func (b *rebuilder) look(ctx context.Context) (*rebuildView, error) {
	rows, err := b.ledgerOf(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := b.tables(ctx, rows)
	if err != nil {
		return nil, err
	}
	s := &rebuildView{}
	byUUID := make(map[string]tableRef)
	for _, t := range tables {
		byUUID[t.uuid] = t
		if t.name == b.On.Name {
			s.table = t
		}
	}
	if s.table.uuid == "" {
		return nil, &chconn.Error{Op: b.op(), Class: chconn.ErrSchema, Text: "the table does not exist"}
	}
	finished, own, begun := make(map[string]bool), map[string]bool{s.table.uuid: true}, false
	for _, row := range rows {
		own[row.Old], own[row.New] = true, true
		finished[row.New] = finished[row.New] || row.Event == eventDone
		begun = begun || row.Old == s.table.uuid
	}
	for _, row := range rows {
		if row.Event != eventBegin {
			continue
		}
		var detail rebuildBegin
		if err := json.Unmarshal([]byte(row.Detail), &detail); err != nil {
			return nil, fmt.Errorf("%s: the ledger: %w", b.op(), err)
		}
		if row.New == s.table.uuid && (!finished[row.New] || ddl.HasRebuildSettings(s.table.engine) && !begun) {
			s.exchanged, s.old, s.begin = true, byUUID[row.Old], detail
			s.old.uuid = row.Old
			break
		}
		if row.Old != s.table.uuid {
			continue
		}
		if s.begin.OldSettings != nil {
			detail.OldSettings = s.begin.OldSettings // later ones may have seen a rebuild's own
		}
		s.begin = detail
		if copied, ok := byUUID[row.New]; ok {
			s.copy, s.active = copied, detail
		}
	}
	if s.copy.uuid != "" {
		s.begin = s.active
	}
	for _, t := range tables {
		s.foreign = s.foreign || t.name == ddl.RebuildName(b.On.Name) && !own[t.uuid]
	}
	return s, nil
}

func (b *rebuilder) op() string { return fmt.Sprintf("rebuild table %q", b.On) }

// exec runs a statement.
func (b *rebuilder) exec(ctx context.Context, sql string) error {
	return b.m.client.ExecAs(ctx, b.op(), sql)
}

// at returns the name of a table beside the rebuilt one.
func (b *rebuilder) at(name string) ddl.TableName {
	return ddl.TableName{Database: b.On.Database, Name: name}
}

// reached tells tests that a step is done.
func (b *rebuilder) reached(step string) {
	if b.hook.Step != nil {
		b.hook.Step(step)
	}
}

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
