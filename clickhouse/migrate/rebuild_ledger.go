package migrate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// The events of the ledger.
const (
	eventBegin    = "begin"    // a new table is about to be created
	eventBatch    = "batch"    // small parts are going to be copied together
	eventPiece    = "piece"    // a piece has been copied
	eventVerified = "verified" // the checksum of the new table has been taken, up to a block
	eventDone     = "done"     // the old table has been renamed
)

// ledgerRow is a row of the ledger. The same row may be there more than once.
type ledgerRow struct {
	Old    string `ch:"old"`
	New    string `ch:"new"`
	Event  string `ch:"event"`
	Part   string `ch:"part"`
	First  uint64 `ch:"first"`
	Rows   uint64 `ch:"rows"`
	Sum    uint64 `ch:"sum"`
	Xor    uint64 `ch:"xor"`
	Detail string `ch:"detail"`
}

// checksum is a number of rows with the sum and the xor of their checksums.
type checksum struct {
	Part string `ch:"part"` // of which part; empty for a total
	Rows uint64 `ch:"rows"`
	Sum  uint64 `ch:"sum"`
	Xor  uint64 `ch:"xor"`
}

func (a checksum) plus(b checksum) checksum {
	return checksum{Rows: a.Rows + b.Rows, Sum: a.Sum + b.Sum, Xor: a.Xor ^ b.Xor}
}

// ledger returns the name of the ledger as SQL.
func (b *rebuilder) ledger() string {
	return ddl.QuoteIdent(b.On.Database) + "." + ddl.QuoteIdent(rebuild.Ledger)
}

// record adds a row to the ledger.
func (b *rebuilder) record(ctx context.Context, row ledgerRow) error {
	return b.m.client.ExecAs(ctx, b.op(), "INSERT INTO "+b.ledger()+" (table_name, old, new, event, part, first, rows, sum, xor, detail)\n"+
		"SETTINGS async_insert = 0, insert_deduplicate = 0\n"+
		"SELECT {table:String}, toUUID({old:String}), toUUID({new:String}), {event:String}, {part:String}, {first:UInt64}, {rows:UInt64}, {sum:UInt64}, {xor:UInt64}, {detail:String}",
		chconn.Param("table", b.On.Name), chconn.Param("old", row.Old), chconn.Param("new", row.New), chconn.Param("event", row.Event), chconn.Param("part", row.Part),
		chconn.Param("first", fmt.Sprint(row.First)), chconn.Param("rows", fmt.Sprint(row.Rows)), chconn.Param("sum", fmt.Sprint(row.Sum)), chconn.Param("xor", fmt.Sprint(row.Xor)),
		chconn.Param("detail", row.Detail))
}

// recordPieces adds the rows of pieces to the ledger.
func (b *rebuilder) recordPieces(ctx context.Context, s *rebuildView, pieces []ledgerRow) error {
	columns := make([][]string, 5)
	for _, p := range pieces {
		for i, text := range []string{p.Part, fmt.Sprint(p.First), fmt.Sprint(p.Rows), fmt.Sprint(p.Sum), fmt.Sprint(p.Xor)} {
			columns[i] = append(columns[i], text)
		}
	}
	return b.m.client.ExecAs(ctx, b.op(), "INSERT INTO "+b.ledger()+" (table_name, old, new, event, part, first, rows, sum, xor)\n"+
		"SETTINGS async_insert = 0, insert_deduplicate = 0\n"+
		"SELECT {table:String}, toUUID({old:String}), toUUID({new:String}), 'piece', p.1, toUInt64(p.2), toUInt64(p.3), toUInt64(p.4), toUInt64(p.5)\n"+
		"FROM (SELECT arrayJoin(arrayZip({parts:Array(String)}, {first:Array(String)}, {rows:Array(String)}, {sum:Array(String)}, {xor:Array(String)})) AS p)",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.source().uuid), chconn.Param("new", s.target().uuid),
		chconn.Param("parts", columns[0]), chconn.Param("first", columns[1]), chconn.Param("rows", columns[2]), chconn.Param("sum", columns[3]), chconn.Param("xor", columns[4]))
}

// recordBatch adds a batch to the ledger, unless there is one of its number.
func (b *rebuilder) recordBatch(ctx context.Context, s *rebuildView, batch partBatch) error {
	detail, err := json.Marshal(batch.parts)
	if err != nil {
		return err
	}
	settings, err := b.copySettings(ctx)
	if err != nil {
		return err
	}
	token := fmt.Sprintf("factload rebuild %s %s batch %d", s.source().uuid, s.target().uuid, batch.number)
	line := "async_insert = 0, insert_deduplicate = 1, insert_deduplication_token = " + ddl.QuoteString(token)
	for name, value := range settings {
		line += ", " + name + " = " + ddl.QuoteString(value)
	}
	return b.m.client.ExecAs(ctx, b.op(), "INSERT INTO "+b.ledger()+" (table_name, old, new, event, first, detail)\nSETTINGS "+line+"\n"+
		"SELECT {table:String}, toUUID({old:String}), toUUID({new:String}), {event:String}, {first:UInt64}, {detail:String}",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.source().uuid), chconn.Param("new", s.target().uuid), chconn.Param("event", eventBatch),
		chconn.Param("first", fmt.Sprint(batch.number)), chconn.Param("detail", string(detail)))
}

// batches returns the batches with a number from first on, in the order of their
// numbers.
func (b *rebuilder) batches(ctx context.Context, s *rebuildView, first uint64) ([]partBatch, error) {
	var rows []ledgerRow
	err := b.m.client.SelectAs(ctx, b.op(), &rows, "SELECT first, detail FROM "+b.ledger()+"\n"+
		"WHERE table_name = {table:String} AND old = toUUID({old:String}) AND new = toUUID({new:String}) AND event = {event:String} AND first >= {first:UInt64}\n"+
		"ORDER BY first, at LIMIT 1 BY first",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.source().uuid), chconn.Param("new", s.target().uuid), chconn.Param("event", eventBatch), chconn.Param("first", fmt.Sprint(first)))
	if err != nil {
		return nil, err
	}
	out := make([]partBatch, len(rows))
	for i, row := range rows {
		out[i].number = row.First
		if err := json.Unmarshal([]byte(row.Detail), &out[i].parts); err != nil {
			return nil, fmt.Errorf("%s: the ledger: %w", b.op(), err)
		}
	}
	return out, nil
}

// ledgerOf returns the beginnings and ends of the table's rebuilds, oldest
// first.
func (b *rebuilder) ledgerOf(ctx context.Context) ([]ledgerRow, error) {
	var rows []ledgerRow
	err := b.m.client.SelectAs(ctx, b.op(), &rows, "SELECT toString(old) AS old, toString(new) AS new, event, detail FROM "+b.ledger()+
		" WHERE table_name = {table:String} AND event IN ('begin', 'done') ORDER BY at, event", chconn.Param("table", b.On.Name))
	if chconn.ServerCode(err) == chconn.CodeUnknownTable {
		return nil, nil // no table has been rebuilt yet
	}
	return rows, err
}

// copiedPieces returns the pieces that have been copied, by part.
func (b *rebuilder) copiedPieces(ctx context.Context, s *rebuildView) (map[string][]ledgerRow, error) {
	var rows []ledgerRow
	err := b.m.client.SelectAs(ctx, b.op(), &rows, "SELECT part, first, any(l.rows) AS rows FROM "+b.ledger()+" AS l\n"+
		"WHERE table_name = {table:String} AND old = toUUID({old:String}) AND new = toUUID({new:String}) AND event = 'piece' GROUP BY part, first",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.source().uuid), chconn.Param("new", s.target().uuid))
	if err != nil {
		return nil, err
	}
	out := make(map[string][]ledgerRow)
	for _, row := range rows {
		out[row.Part] = append(out[row.Part], row)
	}
	return out, nil
}

// copiedSum returns the checksum of all that has been copied, as it was read
// from the old table.
func (b *rebuilder) copiedSum(ctx context.Context, s *rebuildView) (checksum, error) {
	var out []checksum
	err := b.m.client.SelectAs(ctx, b.op(), &out, "SELECT '' AS part, sum(r) AS rows, sum(s) AS sum, groupBitXor(x) AS xor FROM\n"+
		"(SELECT any(l.rows) AS r, any(l.sum) AS s, any(l.xor) AS x FROM "+b.ledger()+" AS l\n"+
		"WHERE table_name = {table:String} AND old = toUUID({old:String}) AND new = toUUID({new:String}) AND event = 'piece' GROUP BY part, first)",
		chconn.Param("table", b.On.Name), chconn.Param("old", s.source().uuid), chconn.Param("new", s.target().uuid))
	if err != nil || len(out) == 0 {
		return checksum{}, err
	}
	return out[0], nil
}

// tableRow is a row of system.tables.
type tableRow struct {
	Name   string `ch:"name"`
	UUID   string `ch:"uuid"`
	Engine string `ch:"engine_full"`
}

// tables returns the tables that the rows of the ledger are about, the rebuilt
// one, and the one that has the name of a copy.
func (b *rebuilder) tables(ctx context.Context, rows []ledgerRow) ([]tableRef, error) {
	uuids := make([]string, 0, 2*len(rows))
	for _, row := range rows {
		uuids = append(uuids, row.Old, row.New)
	}
	var found []tableRow
	err := b.m.client.SelectAs(ctx, b.op(), &found, "SELECT name, toString(uuid) AS uuid, engine_full FROM system.tables\n"+
		"WHERE database = {database:String} AND (name IN ({table:String}, {copy:String}) OR has({uuids:Array(String)}, toString(uuid)))",
		chconn.Param("database", b.On.Database), chconn.Param("table", b.On.Name), chconn.Param("copy", rebuild.NewName(b.On.Name)), chconn.Param("uuids", uuids))
	if err != nil {
		return nil, err
	}
	out := make([]tableRef, len(found))
	for i, t := range found {
		out[i] = tableRef{name: t.Name, uuid: t.UUID, engine: t.Engine}
	}
	return out, nil
}

// source is the table from which rows are copied.
func (s *rebuildView) source() tableRef {
	if s.exchanged {
		return s.old
	}
	return s.table
}

// target is the table into which rows are copied.
func (s *rebuildView) target() tableRef {
	if s.exchanged {
		return s.table
	}
	return s.copy
}

// still returns errMoved unless a table has the name that it had.
func (b *rebuilder) still(ctx context.Context, refs ...tableRef) error {
	for _, ref := range refs {
		var found []tableRow
		err := b.m.client.SelectAs(ctx, b.op(), &found, "SELECT name, toString(uuid) AS uuid, engine_full FROM system.tables WHERE database = {database:String} AND name = {table:String}",
			chconn.Param("database", b.On.Database), chconn.Param("table", ref.name))
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].UUID != ref.uuid {
			return errMoved
		}
	}
	return nil
}
