package insert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// The server refuses a block that spans too many partitions before it stores
// any of it. The rows are then sent in several inserts.
//
// What makes that exactly-once is that the same block always goes the same way:
// the limit is sent along, so that it is the same however the server is
// configured by then; the server itself says which rows belong together; and
// each insert has a token made of the block's token and its place.

// maxPartitions is the setting that limits the partitions of one block.
const maxPartitions = "max_partitions_per_insert_block"

// defaultMaxPartitions is the server's own default.
const defaultMaxPartitions = 100

// withPartitionLimit returns the settings of the insert with its limit of
// partitions: its own, that of the DSN, or the default.
func (ins *Inserter) withPartitionLimit(in Insert) map[string]string {
	settings := map[string]string{maxPartitions: strconv.Itoa(defaultMaxPartitions)}
	if own, ok := ins.client.Setting(maxPartitions); ok {
		settings[maxPartitions] = fmt.Sprint(own)
	}
	maps.Copy(settings, in.Settings)
	return settings
}

// insertByPartition sends a block that the server has refused, at the phase,
// with the code that it has for too many partitions and for too many parts.
// When the block spans too many partitions, it goes in several inserts.
func (ins *Inserter) insertByPartition(ctx context.Context, in Insert, at chconn.Phase, refused error) (divided bool, _ chconn.Phase, _ error) {
	limit, err := strconv.Atoi(in.Settings[maxPartitions])
	if err != nil || limit < 1 {
		return false, at, refused // there is no limit that the block could exceed
	}
	groups, n, err := ins.partitionGroups(ctx, in, limit)
	switch {
	case err != nil:
		// The question has failed. Without its answer nobody knows which inserts
		// these rows make, and whichever are made next must be those of before.
		return false, chconn.Unsent, err
	case n > 1:
		ins.generations.divide(insertKey{in.Table, in.Token}, groups, n)
		return ins.insertGroups(ctx, in, groups, n)
	case n == 1 && at != chconn.RowsSentToViews:
		return false, at, refused // the table has too many parts
	}
	// It cannot be told which rows belong together, or it is the table of a view
	// that has too many partitions. The token is that of the block, which holds
	// for each partition: what is stored is not stored again.
	at, err = ins.sendOnce(ctx, in.unlimited())
	return false, at, err
}

// insertGroups sends a block in n inserts, each with the rows of one group. The
// phase and the error are of the one that failed; divided reports whether there
// were others before it.
func (ins *Inserter) insertGroups(ctx context.Context, in Insert, groups []int, n int) (divided bool, at chconn.Phase, err error) {
	part := in
	part.Block = in.Block.Layout().NewBlock()
	for group := min(in.PartsDone, n); group < n; group++ {
		part.Block.Reset()
		if err := part.Block.AppendSelected(in.Block, func(row int) bool { return groups[row] == group }); err != nil {
			return group > 0, chconn.Unsent, err
		}
		part.Token = partToken(in.Token, group)
		at, err := ins.sendOnce(ctx, part)
		if chconn.ServerCode(err) == chconn.CodeTooManyParts && at == chconn.RowsSentToViews {
			at, err = ins.sendOnce(ctx, part.unlimited()) // of a view's table
		}
		if err != nil {
			return group > 0, at, err
		}
		if in.OnPart != nil {
			if err := in.OnPart(group + 1); err != nil {
				return true, chconn.Sent, err
			}
		}
	}
	for group := range n { // not before: a repetition sends those again that were stored
		ins.generations.settle(insertKey{in.Table, partToken(in.Token, group)})
	}
	return true, chconn.RowsSent, nil
}

// partToken returns the token for a part of an insert.
func partToken(token string, group int) string {
	if token == "" {
		return ""
	}
	return fmt.Sprintf("%s#%d", token, group)
}

// unlimited returns the insert without a limit of partitions.
func (in Insert) unlimited() Insert {
	in.Settings = maps.Clone(in.Settings)
	in.Settings[maxPartitions] = "0"
	return in
}

// partitionGroups divides the rows of the insert into n groups of at most limit
// partitions, in the order in which the partitions first occur, and returns the
// group of each row. With n == 0 it cannot be told how to divide them.
func (ins *Inserter) partitionGroups(ctx context.Context, in Insert, limit int) (groups []int, n int, err error) {
	partitions, err := ins.partitionsOf(ctx, in)
	if err != nil || len(partitions) != in.Block.Rows() {
		return nil, 0, err
	}
	known := make(map[uint64]int)
	groups = make([]int, len(partitions))
	for row, partition := range partitions {
		i, ok := known[partition]
		if !ok {
			i = len(known)
			known[partition] = i
		}
		groups[row] = i / limit
	}
	return groups, (len(known) + limit - 1) / limit, nil
}

// partitionsOf returns the hash of each row's partition, or nil when the block
// lacks columns of the partition key. A question that fails, for whatever reason, is
// no answer: the block must not go another way because of it than the last time.
//
// The server evaluates the key, whatever expression that is, on a temporary
// table of the columns that it needs.
func (ins *Inserter) partitionsOf(ctx context.Context, in Insert) ([]uint64, error) {
	keys, err := ins.tableKeys(ctx, in)
	if err != nil || keys == nil || keys.Partition == "" {
		return nil, err
	}
	var columns []int
	var named []string
	for i, info := range in.Block.Layout().Columns() {
		if keys.columns[info.Name].Partition == 1 {
			columns = append(columns, i)
			named = append(named, externalColumn(i)+" AS "+ddl.QuoteIdent(info.Name))
		}
	}
	return ins.evaluate(ctx, in, fmt.Sprintf("partitions of %q", in.Table), "cityHash64(tuple("+keys.Partition+"))", columns, named)
}

// evaluate has the server evaluate an expression of the type UInt64 for each row. Named are the
// columns that it needs, as they are selected from a temporary table of them.
func (ins *Inserter) evaluate(ctx context.Context, in Insert, op, expr string, columns []int, named []string) ([]uint64, error) {
	rows, err := externalRows(in, columns)
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf("SELECT arrayMap(row -> row.2, arraySort(groupArray((%s, %s)))) FROM (SELECT %s FROM %s)",
		externalRow, expr, strings.Join(append([]string{externalRow}, named...), ", "), externalName)
	numbers, err := chconn.One[[]uint64](chgo.Context(ctx, chgo.WithExternalTable(rows)), ins.client, op, sql)
	if errors.Is(err, chconn.ErrRejected) || errors.Is(err, chconn.ErrSchema) {
		return nil, reclassed(err, chconn.ErrRetryable, "") // its class is not that of the insert
	}
	if err != nil {
		return nil, err
	}
	if len(numbers) != in.Block.Rows() {
		return nil, chconn.Incomplete(op)
	}
	return numbers, nil
}
