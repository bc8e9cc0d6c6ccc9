package insert

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"

	"github.com/cespare/xxhash/v2"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
)

// Insert is what [Inserter.Insert] does.
type Insert struct {
	// Table is the name of the table in the DSN's database, without quotes.
	Table string
	// Block holds the rows. All of its columns are inserted, and no others. It
	// must not be changed until the call returns; the call does not change it.
	Block *block.Block
	// Token is the insert_deduplication_token: the server ignores a second
	// insert into the table with the same token, whatever its rows. Empty means
	// none, and then the server compares the rows.
	Token string
	// Again says that the same insert may have been sent before, by this process
	// or another one. The server's answer is not enough then: see [Inserter.Insert].
	Again bool
	// PartsDone and OnPart are for a block that spans so many partitions that the
	// server may forget the tokens of the first of its parts before the last one is
	// stored: OnPart, if it is not nil, is called with the number of leading parts that
	// are stored, and an insert that is made again with that number as PartsDone leaves
	// them out. An error of OnPart stops the insert, which is ambiguous then.
	PartsDone int
	OnPart    func(parts int) error
	// Settings are further ClickHouse settings of this one insert.
	Settings map[string]string

	oneSwitch bool // the server has deduplicate_insert
}

// Insert sends the rows of a block as one block and returns when the server
// has stored them. An empty block does nothing. The rows and the token stay the
// caller's, so that it can call again with the same ones after [ErrRetryable]
// or [ErrAmbiguous].
//
// Repeating an insert with its token stores the rows once, within these
// limits. The server remembers a number of tokens for each table, and an insert
// takes as many as it has partitions: non_replicated_deduplication_window for
// plain tables, which package ddl sets to 10,000 and which is 0 for tables made
// without it, and replicated_deduplication_window for replicated ones. Rows of
// one insert that fall into several partitions become visible partition by partition, and an
// insert that fails in between leaves some of them; the repetition adds the
// others.
//
// A block that spans more than 100 partitions is refused by the server as a
// whole and then sent again in several inserts, one after the other, each of
// 100 partitions at most and with a token made of the given one. The same block
// and token always make the same inserts, so the repetition after a failure adds
// what is missing; until then [Error.Partial] says that some rows are stored.
// The limit is the setting max_partitions_per_insert_block of the insert or of
// the DSN, and 100 whatever the server's own configuration says. Where the
// server cannot tell the rows' partitions before they are inserted, since the
// partition key needs columns that the block lacks, the block is sent as one
// insert without a limit.
//
// A server that is killed in the middle of an insert into a plain MergeTree
// table may remember the token and not have the rows. So with Again, the rows
// are looked for when the server has answered, and inserted if they are not
// there. It takes a query with the columns of the sorting and partition keys
// and all small ones. Rows cannot be missed if most of them have an equal in
// the table. A question that fails, as for a user who may not read the table, makes
// the insert [chconn.ErrAmbiguous]. What views fill is completed too, as
// [Inserter.CompleteViews] does.
//
// The rows for a Distributed table go straight to the tables of its shards, divided by
// its sharding key, each shard's as one insert with the same token. They are held in
// memory a second time meanwhile. When a shard fails, others may have stored their rows;
// the repetition adds those that are missing, as long as shards, weights and key are the same.
// Where local tables have CHECK constraints, each shard is asked about its rows before any
// gets some, so that a block that breaks one is refused as a whole.
// A key that is not of the row alone, local tables in another database, replicas
// that do not share their rows, and a Client over HTTP are [ErrSchema] or [ErrRejected].
// PartsDone and OnPart are ignored.
//
// The columns are compared with the table's before any row is sent: another
// type, or a missing column, is [ErrSchema], unless the column of the table is a
// wider one that holds every value just as it is. No value becomes another one. Text
// for a column that is marked as one of JSON has to be JSON: else the error is
// [ErrSchema] too, and [Inserter.Violations] tells which rows it is about.
func (ins *Inserter) Insert(ctx context.Context, in Insert) error {
	op := fmt.Sprintf("insert into %q", in.Table)
	if in.Table == "" || in.Block == nil {
		return ins.client.Fail(ctx, op, errNoInsert, chconn.Unsent)
	}
	if in.Block.Rows() == 0 {
		return nil
	}
	if err := ins.checkMarks(ctx, in); err != nil {
		return ins.client.Fail(ctx, op, err, chconn.Unsent)
	}
	to, err := ins.spreadOf(ctx, in.Table)
	if err != nil {
		return ins.client.Fail(ctx, op, err, chconn.Unsent)
	}
	if to != nil {
		return ins.insertShards(ctx, op, in, to)
	}
	err = ins.insertUnsettled(ctx, op, in)
	if err == nil {
		ins.settle(in)
	}
	return err
}

// insertUnsettled inserts into a table that keeps rows, and remembers into which one, also
// when it succeeds: until it is settled, it may be repeated after a rebuild.
func (ins *Inserter) insertUnsettled(ctx context.Context, op string, in Insert) error {
	in.Settings = ins.withPartitionLimit(in)
	divided, at, err := ins.send(ctx, in)
	if err == nil && in.Again {
		err, at = ins.makeSure(ctx, in), chconn.RowsSentToViews
	}
	if err == nil {
		return nil
	}
	return ins.failed(ctx, op, in, divided, at, err)
}

// settle forgets an insert that is not repeated any more.
func (ins *Inserter) settle(in Insert) { ins.generations.settle(insertKey{in.Table, in.Token}) }

// send sends the block, in several inserts where it spans too many partitions.
// Divided reports whether some of these were stored before one failed.
func (ins *Inserter) send(ctx context.Context, in Insert) (divided bool, at chconn.Phase, err error) {
	if groups, n := ins.generations.divisionOf(insertKey{in.Table, in.Token}); n > 0 {
		return ins.insertGroups(ctx, in, groups, n)
	}
	at, err = ins.sendOnce(ctx, in)
	if mayBeColumns(err) && in.Settings[conversionSetting] == "" && ins.client.IsHTTP() && ins.compareColumns(ctx, in) == nil {
		in.Settings = maps.Clone(in.Settings)
		in.Settings[conversionSetting] = "1" // to wider columns, which no value is changed by
		at, err = ins.sendOnce(ctx, in)
	}
	if chconn.ServerCode(err) != chconn.CodeTooManyParts {
		return false, at, err
	}
	return ins.insertByPartition(ctx, in, at, err)
}

// failed makes the error of an insert. Divided says that some of the inserts
// that the block was divided into are stored.
func (ins *Inserter) failed(ctx context.Context, op string, in Insert, divided bool, at chconn.Phase, err error) error {
	if mayBeColumns(err) {
		// The two protocols say in different ways what does not fit, and HTTP
		// does not say where.
		if difference := ins.compareColumns(ctx, in); difference != nil {
			at, err = chconn.Unsent, difference
		}
	}
	if chconn.ServerCode(err) == chconn.CodeViolatedConstraint && ins.breaksConstraint(ctx, in) {
		at = chconn.RowsSent // it was the table that refused them, before any view had them
	}
	err = ins.client.Fail(ctx, op, err, at)
	var e *chconn.Error
	if !divided || !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Partial = true
	if out.Class != nil {
		out.Class = chconn.ErrAmbiguous // of the rows as a whole neither is true, that they are stored and that they are not
	}
	return &out
}

// breaksConstraint reports whether the server says that rows of the block break
// constraints of the table itself.
func (ins *Inserter) breaksConstraint(ctx context.Context, in Insert) bool {
	violations, err := ins.Violations(ctx, in)
	return err == nil && len(violations) > 0
}

// sendOnce sends the block, with a token in a way that heeds rebuilds of the
// table.
func (ins *Inserter) sendOnce(ctx context.Context, in Insert) (chconn.Phase, error) {
	if in.Token != "" {
		return ins.insertOnce(ctx, in)
	}
	seen, err := ins.generation(ctx, in.Table)
	if err != nil {
		return chconn.Unsent, err
	}
	in.oneSwitch = seen.oneSwitch
	at, err := ins.insert(ctx, in, always)
	return seen.phase(at), err
}

// insert sends the block. The phase says whether the server may have stored
// rows when it fails.
func (ins *Inserter) insert(ctx context.Context, in Insert, may ready) (chconn.Phase, error) {
	release, err := ins.client.Acquire(ctx)
	if err != nil {
		return chconn.Unsent, err
	}
	defer release()
	ctx, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	send := ins.insertNative
	if ins.client.IsHTTP() {
		send = ins.insertHTTP
	}
	at, err := send(ctx, in, may)
	if err != nil && chconn.ServerCode(err) == 0 && !errors.Is(err, chconn.ErrSchema) {
		if cause := chconn.SettledCause(ctx, err); cause != nil {
			err = cause // read_timeout may be behind it, which the caller's ctx does not know
		}
	}
	return at, err
}

// errNoInsert means that the caller has forgotten what to insert.
var errNoInsert = fmt.Errorf("%w: a table and a block are needed", chconn.ErrRejected)

// settings returns the settings of the insert. Each of them keeps the promise
// that a repeated insert is stored once.
func (in *Insert) settings() map[string]string {
	s := map[string]string{
		"async_insert":       "0", // answer when stored
		"insert_deduplicate": "1",
		"deduplicate_blocks_in_dependent_materialized_views": "1",
	}
	if in.oneSwitch {
		s["deduplicate_insert"] = "enable" // overrules insert_deduplicate, which servers before it know
	}
	if in.Token != "" {
		s["insert_deduplication_token"] = in.Token
	}
	maps.Copy(s, in.Block.Layout().Settings())
	maps.Copy(s, in.Settings)
	return s
}

// QueryIDPrefix begins the query IDs of all inserts into the table, so that
// they can be found among the server's processes.
func QueryIDPrefix(table string) string {
	return fmt.Sprintf("factload-insert-%016x-", xxhash.Sum64String(table))
}

// insertID returns a new query ID for an insert into the table.
func insertID(table string) string { return QueryIDPrefix(table) + rand.Text() }
