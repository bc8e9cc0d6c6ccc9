package migrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl/rebuild"
)

const (
	// pieceRows is how many rows one statement copies at most.
	pieceRows = 4 << 20
	// fewParts is how many parts may be left when inserts are held back.
	fewParts = 32
	// maxRounds is how often the parts that have arrived meanwhile are copied
	// before inserts are held back, few or not.
	maxRounds = 10
	// maxAnew is how often the copy is begun anew.
	maxAnew = 3
)

// errAnew means that the copy is of no use, since the old table has changed in
// another way than by inserts, and has to be begun anew.
var errAnew = errors.New("the table was changed by something else than inserts while it was copied (a merge, a mutation, a dropped partition)")

// oldPart is an active part of the old table.
type oldPart struct {
	Name    string `ch:"name"`
	Rows    uint64 `ch:"rows"`
	Bytes   uint64 `ch:"bytes"`   // not compressed
	Deleted bool   `ch:"deleted"` // some rows have been deleted and are not copied
}

// parts returns the active parts of a table in the order in which they were
// inserted.
func (b *rebuilder) parts(ctx context.Context, t tableRef) ([]oldPart, error) {
	var out []oldPart
	err := b.m.client.SelectAs(ctx, b.op(), &out, "SELECT name, rows, data_uncompressed_bytes AS bytes, has_lightweight_delete = 1 AS deleted FROM system.parts\n"+
		"WHERE active AND database = {database:String} AND table = {table:String} ORDER BY min_block_number, partition_id",
		chconn.Param("database", b.On.Database), chconn.Param("table", t.name))
	if err != nil {
		return nil, err
	}
	return out, b.still(ctx, t)
}

// freeze lets no part of the old table be merged any more, and waits until the
// merges and mutations that run are over.
func (b *rebuilder) freeze(ctx context.Context, s *rebuildView) error {
	if err := b.still(ctx, s.table); err != nil {
		return err
	}
	if err := b.exec(ctx, rebuild.FreezeSQL(b.On)); err != nil {
		return err
	}
	if err := b.settled(ctx, s.table); err != nil {
		return err
	}
	b.reached("frozen")
	return nil
}

// settled waits until no merge and no mutation of a table is under way.
func (b *rebuilder) settled(ctx context.Context, t tableRef) error {
	for try := 0; ; try++ {
		busy, err := b.count(ctx, "SELECT (SELECT count() FROM system.merges WHERE database = {database:String} AND table = {table:String})\n"+
			"+ (SELECT count() FROM system.mutations WHERE database = {database:String} AND table = {table:String} AND NOT is_done) AS n", chconn.Param("table", t.name))
		if err != nil || busy == 0 {
			return err
		}
		if err := retry.Pause(ctx, try); err != nil {
			return b.m.client.Fail(ctx, b.op(), err, chconn.Unsent)
		}
		if err := b.still(ctx, t); err != nil {
			return err
		}
	}
}

// count returns a number.
func (b *rebuilder) count(ctx context.Context, sql string, params ...any) (uint64, error) {
	var n []uint64
	if err := b.m.client.SelectAs(ctx, b.op(), &n, sql, append(params, chconn.Param("database", b.On.Database))...); err != nil || len(n) == 0 {
		return 0, err
	}
	return n[0], nil
}

// copyMost copies the parts until few are left to copy, or until they come as
// fast as they are copied.
func (b *rebuilder) copyMost(ctx context.Context, s *rebuildView) error {
	for before, round := math.MaxInt, 0; round < maxRounds; round++ {
		n, err := b.copyParts(ctx, s)
		if err != nil || n <= fewParts || n > before-before/4 {
			return err
		}
		before = n
	}
	return nil
}

// copyRest copies all parts, and returns when there is none left.
func (b *rebuilder) copyRest(ctx context.Context, s *rebuildView) error {
	for {
		n, err := b.copyParts(ctx, s)
		if err != nil || n == 0 {
			return err
		}
	}
}

// copyParts copies the parts that have not been copied yet, and returns how many
// these were. Large ones are copied in the order in which they were inserted,
// each by itself; small ones many at a time, unless their order matters.
func (b *rebuilder) copyParts(ctx context.Context, s *rebuildView) (int, error) {
	planned, err := b.batches(ctx, s, 1) // before the parts, so that these have all of theirs
	if err != nil {
		return 0, err
	}
	parts, err := b.parts(ctx, s.source())
	if err != nil {
		return 0, err
	}
	copied, err := b.copiedPieces(ctx, s)
	if err != nil {
		return 0, err
	}
	n := 0
	var small []oldPart
	for _, p := range parts {
		left := missing(p, copied[p.Name])
		delete(copied, p.Name)
		if len(left) > 0 {
			n++
		}
		if len(left) > 0 && p.isSmall() && !b.MergesChangeRows() {
			small = append(small, p)
			continue
		}
		for _, piece := range left {
			token := fmt.Sprintf("factload rebuild %s %s %d", s.source().uuid, p.Name, piece.From)
			if err := b.copyPieces(ctx, s, []rebuild.Piece{piece}, token); err != nil {
				return n, err
			}
		}
	}
	if err := b.copySmall(ctx, s, small, planned); err != nil {
		return n, err
	}
	if len(copied) > 0 && !s.exchanged {
		return n, errAnew // a part that has been copied is gone
	}
	return n, nil
}

// missing returns the pieces of a part that have not been copied.
func missing(p oldPart, copied []ledgerRow) []rebuild.Piece {
	done := make(map[uint64]bool)
	for _, piece := range copied {
		done[piece.First] = true
	}
	var out []rebuild.Piece
	for first := uint64(0); first < p.Rows; first += pieceRows {
		if !done[first] {
			out = append(out, rebuild.Piece{Part: p.Name, From: first, To: min(first+pieceRows, p.Rows)})
		}
	}
	return out
}

// copyPieces copies pieces of different parts with one statement, and writes down
// that it did. It may be done more than once, and by several at once: with the
// same token, the pieces are stored once.
func (b *rebuilder) copyPieces(ctx context.Context, s *rebuildView, pieces []rebuild.Piece, token string) error {
	settings, err := b.copySettings(ctx)
	if err != nil {
		return err
	}
	if err := b.checkPieces(ctx, s, pieces); err != nil {
		return err
	}
	if err := b.exec(ctx, b.CopySQL(s.source().name, s.target().name, pieces, token, settings)); err != nil {
		return err
	}
	b.reached("copied")
	var sums []checksum
	if err := b.m.client.SelectAs(ctx, b.op(), &sums, b.SourceSumSQL(s.source().name, pieces)); err != nil {
		return err
	}
	// Both tables had these names all the time: they get them once.
	if err := b.still(ctx, s.source(), s.target()); err != nil {
		return err
	}
	of := make(map[string]checksum, len(sums))
	for _, sum := range sums {
		of[sum.Part] = sum
	}
	rows := make([]ledgerRow, len(pieces))
	for i, p := range pieces {
		sum := of[p.Part] // none if no row of it is to be seen
		rows[i] = ledgerRow{Part: p.Part, First: p.From, Rows: sum.Rows, Sum: sum.Sum, Xor: sum.Xor}
	}
	if err := b.recordPieces(ctx, s, rows); err != nil {
		return err
	}
	b.reached("recorded")
	return nil
}

// copySettings returns settings of the statements that copy, which older
// servers do not know.
func (b *rebuilder) copySettings(ctx context.Context) (map[string]string, error) {
	if b.stable != nil {
		return b.stable, nil
	}
	const name = "deduplicate_insert_select"
	known, err := b.count(ctx, "SELECT count() AS n FROM system.settings WHERE name = {name:String} AND {database:String} != ''", chconn.Param("name", name))
	if err != nil {
		return nil, err
	}
	b.stable = make(map[string]string)
	if known > 0 {
		// A part is read in its own order by one thread: the blocks are the same
		// each time, whatever the server thinks of the query.
		b.stable[name] = "enable_even_for_bad_queries"
	}
	return b.stable, nil
}

// takeChecksum takes the checksum of what is in the new table, so that only what comes
// later has to be read while inserts are held back. Nothing in the new table is
// merged from here on until the tables change places.
func (b *rebuilder) takeChecksum(ctx context.Context, s *rebuildView) error {
	if _, ok, err := b.checksumTaken(ctx, s); ok || err != nil {
		return err
	}
	if err := b.exec(ctx, rebuild.FreezeSQL(b.at(s.copy.name))); err != nil {
		return err
	}
	if err := b.settled(ctx, s.copy); err != nil {
		return err
	}
	last, err := b.count(ctx, "SELECT toUInt64(max(max_block_number)) AS n FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}", chconn.Param("table", s.copy.name))
	if err != nil {
		return err
	}
	sum, err := b.sumOf(ctx, s, 0, last)
	if err != nil {
		return err
	}
	if err := b.still(ctx, s.table, s.copy); err != nil {
		return err
	}
	row := ledgerRow{Old: s.table.uuid, New: s.copy.uuid, Event: eventVerified, Rows: sum.Rows, Sum: sum.Sum, Xor: sum.Xor, Detail: strconv.FormatUint(last, 10)}
	if err := b.record(ctx, row); err != nil {
		return err
	}
	b.reached("checksummed")
	return nil
}

// checksumTaken returns the checksum that takeChecksum has written down first.
func (b *rebuilder) checksumTaken(ctx context.Context, s *rebuildView) (ledgerRow, bool, error) {
	var rows []ledgerRow
	err := b.m.client.SelectAs(ctx, b.op(), &rows, "SELECT rows, sum, xor, detail FROM "+b.ledger()+"\n"+
		"WHERE table_name = {table:String} AND old = toUUID({old:String}) AND new = toUUID({new:String}) AND event = 'verified' ORDER BY at LIMIT 1",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.table.uuid), chconn.Param("new", s.copy.uuid))
	if err != nil || len(rows) == 0 {
		return ledgerRow{}, false, err
	}
	return rows[0], true, nil
}

// sumOf returns the checksum of the blocks from first to last of the new table.
func (b *rebuilder) sumOf(ctx context.Context, s *rebuildView, first, last uint64) (checksum, error) {
	var out []checksum
	if err := b.m.client.SelectAs(ctx, b.op(), &out, b.TargetSumSQL(s.copy.name, first, last)); err != nil {
		return checksum{}, err
	}
	total := checksum{}
	for _, sum := range out {
		total = total.plus(sum)
	}
	return total, nil
}

// compare compares the new table with the old one: every part of the old table
// is copied with all of its rows, and what is in the new table is what was read
// from the old one, no row more or less and none different.
func (b *rebuilder) compare(ctx context.Context, s *rebuildView) error {
	if err := b.settled(ctx, s.table); err != nil {
		return err
	}
	if n, err := b.copyParts(ctx, s); err != nil || n > 0 {
		return errors.Join(err, errMovedIf(n > 0))
	}
	parts, err := b.parts(ctx, s.table)
	if err != nil {
		return err
	}
	copied, err := b.copiedPieces(ctx, s)
	if err != nil {
		return err
	}
	for _, p := range parts {
		rows := uint64(0)
		for _, piece := range copied[p.Name] {
			rows += piece.Rows
		}
		if rows != p.Rows && !p.Deleted {
			return fmt.Errorf("%s: part %s has %d rows, and %d were copied: %w", b.op(), p.Name, p.Rows, rows, errAnew)
		}
	}
	want, err := b.copiedSum(ctx, s)
	if err != nil {
		return err
	}
	have, err := b.copySum(ctx, s)
	if err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("%s: the copy has %d rows with the checksums %x and %x, the table %d with %x and %x: %w",
			b.op(), have.Rows, have.Sum, have.Xor, want.Rows, want.Sum, want.Xor, errAnew)
	}
	b.reached("compared")
	return nil
}

func errMovedIf(moved bool) error {
	if moved {
		return errMoved
	}
	return nil
}

// copySum returns the checksum of the new table: what takeChecksum has found, and what
// came later.
func (b *rebuilder) copySum(ctx context.Context, s *rebuildView) (checksum, error) {
	early, _, err := b.checksumTaken(ctx, s)
	if err != nil {
		return checksum{}, err
	}
	last, err := strconv.ParseUint(early.Detail, 10, 64)
	if err != nil {
		return checksum{}, fmt.Errorf("%s: the ledger: %w", b.op(), err)
	}
	late, err := b.sumOf(ctx, s, last+1, math.MaxInt64)
	return checksum{Rows: early.Rows, Sum: early.Sum, Xor: early.Xor}.plus(late), err
}
