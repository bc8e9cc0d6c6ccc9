package insert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// A plain MergeTree table writes the token of an insert into its log of tokens
// before it makes the new part visible. A server that is killed in between
// knows the token afterwards and does not have the rows: it acknowledges the
// insert that is repeated, and drops it. So after a repeated insert the Inserter
// looks for the rows, and inserts those that are not there.

// againTries is how often rows that are not there are inserted. Each time the
// server must have been killed at that very moment for another one to be
// needed.
const againTries = 3

// makeSure inserts the rows of an insert that the server has acknowledged and
// does not have.
func (ins *Inserter) makeSure(ctx context.Context, in Insert) error {
	look, err := ins.lookFor(ctx, in)
	if err != nil {
		return notVerified(err)
	}
	if look == nil {
		return nil
	}
	seen, err := ins.lookAnew(ctx, in.Table)
	if err != nil {
		return notVerified(err)
	}
	add := ins.Insert
	if seen.views {
		add = ins.behindViews // the insert that was acknowledged has brought them the rows
	}
	for try := 1; ; try++ {
		lost, err := ins.lostRows(ctx, look)
		if err != nil {
			return notVerified(err)
		}
		if len(lost) == 0 {
			return ins.CompleteViews(ctx, in.Table, in.Block)
		}
		if try > againTries {
			return fmt.Errorf("%w: the server acknowledges the insert and does not have %d of its rows", chconn.ErrAmbiguous, len(lost))
		}
		again := in
		again.Again = false
		again.Token = fmt.Sprintf("%s/again/%d", in.Token, try)
		if again.Block, err = rowsOf(in.Block, lost); err != nil {
			return err
		}
		if err := add(ctx, again); err != nil {
			return reclassed(err, chconn.ErrAmbiguous, "the server acknowledges a repeated insert and lacks rows of it, which are not added: ")
		}
	}
}

// rowsOf returns some rows of a block.
func rowsOf(all *block.Block, numbers []uint64) (*block.Block, error) {
	some := all.Layout().NewBlock()
	for _, row := range numbers {
		if err := some.AppendRows(all, int(row), int(row)+1); err != nil { //nolint:gosec // a row of the block
			return nil, err
		}
	}
	return some, nil
}

// lookAnew is generation for who must not believe what was seen up to two seconds ago.
func (ins *Inserter) lookAnew(ctx context.Context, table string) (sighting, error) {
	ins.generations.forget(table)
	return ins.generation(ctx, table)
}

// notVerified is the error of an insert that the server has acknowledged once
// more, when the question for its rows has failed. A failed question is no
// answer: they may be stored or not.
func notVerified(err error) error {
	return reclassed(err, chconn.ErrAmbiguous, "the rows of a repeated insert cannot be looked for: ")
}

// reclassed returns err with another class, and a text before its own. It is nil when err is.
func reclassed(err, class error, text string) error {
	if err == nil {
		return nil
	}
	var e *chconn.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: %s%w", class, text, err)
	}
	out := *e
	out.Class, out.Text = class, text+e.Text
	return &out
}

// look is how the rows of a block are looked for.
type look struct {
	sql  string
	rows *ext.Table
}

const tableKeysSQL = `SELECT database, engine, partition_key, sorting_key FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}`

const tableColumnsSQL = `SELECT name, type, is_in_sorting_key AS sorting, is_in_partition_key AS partition FROM system.columns
WHERE database = currentDatabase() AND table = {table:String}`

type tableKeys struct {
	Database  string `ch:"database"`
	Engine    string `ch:"engine"`
	Partition string `ch:"partition_key"`
	Sorting   string `ch:"sorting_key"`
	columns   map[string]tableColumn
}

type tableColumn struct {
	Name      string `ch:"name"`
	Type      string `ch:"type"`
	Sorting   uint8  `ch:"sorting"`
	Partition uint8  `ch:"partition"`
}

// tableKeys returns the keys of a table, or nil when there is no such table. A
// key that needs a column that the insert does not have cannot be computed,
// and is as if there were none.
func (ins *Inserter) tableKeys(ctx context.Context, in Insert) (*tableKeys, error) {
	op := fmt.Sprintf("look into %q", in.Table)
	var keys []tableKeys
	if err := ins.client.SelectAs(ctx, op, &keys, tableKeysSQL, chconn.Param("table", in.Table)); err != nil || len(keys) == 0 {
		return nil, err
	}
	var columns []tableColumn
	if err := ins.client.SelectAs(ctx, op, &columns, tableColumnsSQL, chconn.Param("table", in.Table)); err != nil {
		return nil, err
	}
	k := &keys[0]
	k.columns = make(map[string]tableColumn)
	known := make(map[string]bool)
	if in.Block != nil {
		for _, column := range in.Block.Layout().Columns() {
			known[column.Name] = true
		}
	}
	for _, column := range columns {
		k.columns[column.Name] = column
		if !known[column.Name] && column.Sorting == 1 {
			k.Sorting = ""
		}
		if !known[column.Name] && column.Partition == 1 {
			k.Partition = ""
		}
	}
	return k, nil
}

// lookFor prepares the search for the rows of an insert. It is nil for tables
// that write the token together with the part, and so lose none. Where nothing
// tells whether a row is there, the outcome of the insert stays unknown.
func (ins *Inserter) lookFor(ctx context.Context, in Insert) (*look, error) {
	keys, err := ins.tableKeys(ctx, in)
	if err != nil || keys == nil || !losesParts(keys.Engine) {
		return nil, err
	}
	columns := telling(in, keys)
	if len(columns) == 0 {
		return nil, &chconn.Error{
			Op: fmt.Sprintf("insert into %q", in.Table), Class: chconn.ErrAmbiguous,
			Text: "the server acknowledges a repeated insert, and nothing tells whether it has the rows: those of " + keys.Engine + " tables change after they were inserted",
			Hint: "give the schema a field for the fact ID, and the sorting key that field",
		}
	}
	rows, err := externalRows(in, columns)
	if err != nil {
		return nil, err
	}
	return &look{sql: lookSQL(in, columns, keys), rows: rows}, nil
}

// losesParts reports whether tables of an engine write the token of an insert
// before the part. Replicated and shared ones write both in one step; what is
// no MergeTree knows no token.
func losesParts(engine string) bool {
	return strings.HasSuffix(engine, "MergeTree") && !strings.HasPrefix(engine, "Replicated") && !strings.HasPrefix(engine, "Shared")
}

// mergingEngines make one row of those with the same sorting key. What has been
// inserted is there as long as some row has its sorting key.
var mergingEngines = []string{"ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CoalescingMergeTree"}

// telling returns the numbers of the columns that tell one row from another, or
// none when nothing does. Where rows are merged it is those of the sorting key,
// if the fact ID is among them.
func telling(in Insert, keys *tableKeys) []int {
	if keys.Engine == "MergeTree" {
		return tellingUnmerged(in, keys)
	}
	if !slices.Contains(mergingEngines, keys.Engine) {
		return nil
	}
	var sorting []int
	byID := false
	fields := in.Block.Layout().Schema().Fields
	for i, column := range in.Block.Layout().Columns() {
		if keys.columns[column.Name].Sorting == 1 {
			sorting = append(sorting, i)
			byID = byID || fields[i].FactID
		}
	}
	if !byID {
		return nil
	}
	return sorting
}

// tellingUnmerged returns the columns for a table whose rows stay as they are:
// those of the keys, the ID, and small ones. If these are none, all texts, and if
// there are none of these either, all floats. Values that a server may give back
// in another form are left out, but for those of the keys, which have to be
// computed.
func tellingUnmerged(in Insert, keys *tableKeys) []int {
	var some, texts, floats []int
	fields := in.Block.Layout().Schema().Fields
	for i, column := range in.Block.Layout().Columns() {
		have := keys.columns[column.Name]
		switch {
		case have.Sorting == 1 || have.Partition == 1 || fields[i].FactID:
			some = append(some, i)
		case strings.HasPrefix(strings.TrimPrefix(column.Type, "Nullable("), "Float"):
			floats = append(floats, i)
		case !exactType(column.Type):
		case strings.HasSuffix(strings.TrimRight(column.Type, ")"), "String"):
			texts = append(texts, i)
		default:
			some = append(some, i)
		}
	}
	for _, columns := range [][]int{some, texts} {
		if len(columns) > 0 {
			return columns
		}
	}
	return floats
}

// exactType reports whether values of a type are equal when they look equal.
func exactType(typ string) bool {
	for _, inexact := range []string{"Float", "JSON", "Array(", "Map("} {
		if strings.Contains(typ, inexact) {
			return false
		}
	}
	return true
}

// The names of what goes to the server beside the query. The columns have names
// of ours too, since not every name gets through.
const (
	externalName = "_factload_rows"
	externalRow  = "_factload_row"
)

func externalColumn(i int) string { return fmt.Sprintf("_factload_c%d", i) }

// externalRows returns columns of a block, and the number of each row, as a
// table that goes along with a query.
func externalRows(in Insert, columns []int) (*ext.Table, error) {
	infos := in.Block.Layout().Columns()
	definitions := []func(*ext.Table) error{ext.Column(externalRow, "UInt64")}
	for _, i := range columns {
		definitions = append(definitions, ext.Column(externalColumn(i), driver.Type(infos[i].Type)))
	}
	table, err := ext.NewTable(externalName, definitions...)
	if err != nil {
		return nil, err
	}
	targets := table.Block().Columns
	for row := range in.Block.Rows() {
		if err := targets[0].AppendRow(uint64(row)); err != nil {
			return nil, err
		}
	}
	var buf proto.Buffer
	for n, i := range columns {
		buf.Reset()
		in.Block.EncodeColumn(i, &buf)
		from := proto.NewReader(bytes.NewReader(buf.Buf))
		if s, ok := targets[n+1].(driver.CustomSerialization); ok {
			if err := s.ReadStatePrefix(from); err != nil {
				return nil, err
			}
		}
		if err := targets[n+1].Decode(from, in.Block.Rows()); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// lookSQL returns the query for the numbers of the rows that are lost. Parts
// are lost as a whole, and an insert makes one in each partition; so the rows
// of a partition are lost when most of them are not there. One that is not
// there alone was removed by somebody, one that is there alone has an equal. Values
// are compared as the table has them: hashes of equal values of two types differ.
func lookSQL(in Insert, columns []int, keys *tableKeys) string {
	infos := in.Block.Layout().Columns()
	named, hashed := make([]string, len(columns)), make([]string, len(columns))
	for n, i := range columns {
		name, typ := ddl.QuoteIdent(infos[i].Name), cmp.Or(keys.columns[infos[i].Name].Type, infos[i].Type)
		named[n] = fmt.Sprintf("CAST(%s, %s) AS %s", externalColumn(i), ddl.QuoteString(typ), name)
		hashed[n] = name
		if strings.Contains(typ, "Nullable(") {
			hashed[n] = fmt.Sprintf("isNull(%s), ifNull(toString(%s), '')", name, name)
		}
	}
	hash := "cityHash64(" + strings.Join(hashed, ", ") + ")"
	rows := fmt.Sprintf("(SELECT %s, %s FROM %s)", externalRow, strings.Join(named, ", "), externalName)
	stored := "SELECT " + hash + " FROM " + ddl.QuoteIdent(in.Table)
	if keys.Sorting != "" {
		stored += fmt.Sprintf(" WHERE tuple(%s) IN (SELECT tuple(%s) FROM %s)", keys.Sorting, keys.Sorting, rows)
	}
	partition := keys.Partition
	switch {
	case keys.Engine != "MergeTree":
		partition = externalRow // each by itself: that some row has its key is all that is asked
	case partition == "":
		partition = "tuple()"
	}
	looked := fmt.Sprintf("(SELECT %s, (%s) AS _factload_partition, %s IN (%s) AS _factload_there FROM %s)", externalRow, partition, hash, stored, rows)
	return fmt.Sprintf(`SELECT arrayJoin(lost) AS row FROM (
	SELECT groupArray(%s) AS lost FROM %s GROUP BY _factload_partition HAVING 2 * sum(_factload_there) < count()
) SETTINGS transform_null_in = 1`, externalRow, looked)
}

// lostRows returns the numbers of the rows that are not there, in order.
func (ins *Inserter) lostRows(ctx context.Context, l *look) ([]uint64, error) {
	var lost []uint64
	ctx, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	err := ins.client.SelectAs(chgo.Context(ctx, chgo.WithExternalTable(l.rows)), "look for rows", &lost, l.sql)
	if err != nil {
		return nil, err
	}
	slices.Sort(lost)
	return lost, nil
}
