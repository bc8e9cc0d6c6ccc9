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
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/internal/rebuildhook"
)

// rebuilder carries out one rebuild, or ends one that has begun. It keeps no
// state of its own: what has been done is seen from the tables, by their UUIDs,
// and from the ledger. So any number of rebuilders may work on one table at
// once, and each may be killed at any time. See docs/adr/0010.
type rebuilder struct {
	m    *Migrator
	hook rebuildhook.Hook
	*rebuild.Rebuild
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
func (m *Migrator) rebuild(ctx context.Context, r *rebuild.Rebuild) error {
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
	for _, step := range []func(context.Context, *rebuildView) error{b.freeze, b.copyMost, b.takeChecksum, b.fence, b.copyRest, b.compare, b.exchange} {
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
	if err := b.exec(ctx, rebuild.CreateLedgerSQL(b.On.Database)); err != nil {
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
	if err := b.exec(ctx, b.CreateSQL(rebuild.NewName(b.On.Name), fresh)); err != nil {
		return false, err
	}
	b.reached("created")
	now, err := b.look(ctx)
	if err == nil && now.copy.uuid == "" && !now.exchanged && now.foreign {
		err = fmt.Errorf("rebuild table %q: there is a table %q already that belongs to no rebuild: give it another name, or drop it", b.On, rebuild.NewName(b.On.Name))
	}
	return false, err
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
