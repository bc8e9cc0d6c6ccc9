package move

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/cespare/xxhash/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
)

// A table is compared piece by piece: ranges of its keys, which both servers can find
// by their index. A piece that the target does not have is copied. Of one that it has in
// part, the target's checksums of rows go to the source, which answers with those rows
// that have none of these. Either may be done again at any time.

// maxTries is how often the copy of a piece is tried again that fails for the moment.
const maxTries = 5

// piece copies what the target lacks of a piece. Depth says by how many of the keys the
// piece is cut out.
func (t *table) piece(ctx context.Context, where string, depth int, have, want rows) error {
	if want.Rows > t.limit && depth <= len(t.keys) {
		return t.split(ctx, where, depth, want.Rows)
	}
	for try := 0; have != want; try++ {
		copied, err := t.fill(ctx, where, have, want, try)
		if err == nil {
			t.copied += copied
			if t.m.Progress != nil && copied > 0 {
				t.m.Progress(t.def.Name, t.copied)
			}
			return nil // the next pass compares
		}
		if try == maxTries || !errors.Is(err, chconn.ErrRetryable) && !errors.Is(err, chconn.ErrAmbiguous) {
			return err
		}
		if err := retry.Pause(ctx, try+3); err != nil {
			return err
		}
		if err := t.settle(ctx); err != nil {
			return err
		}
		if have, want, err = t.both(ctx, where); err != nil {
			return err
		}
	}
	return nil
}

// split divides a piece of so many rows and goes through what it becomes.
func (t *table) split(ctx context.Context, where string, depth int, n uint64) error {
	conditions, depths, err := t.divide(ctx, where, depth, n)
	if err != nil {
		return err
	}
	for i, condition := range conditions {
		inner := where + " AND " + condition
		have, want, err := t.both(ctx, inner)
		if err != nil {
			return err
		}
		if have == want {
			continue
		}
		if err := t.piece(ctx, inner, depths[i], have, want); err != nil {
			return err
		}
	}
	return nil
}

// divide returns the conditions that divide a piece, by the values of the next key. One
// that is a value alone goes on with the key behind it.
func (t *table) divide(ctx context.Context, where string, depth int, n uint64) (conditions []string, depths []int, err error) {
	if depth == len(t.keys) {
		buckets := n/t.limit + 1
		for i := range buckets {
			conditions, depths = append(conditions, fmt.Sprintf("%s %% %d = %d", t.hash, buckets, i)), append(depths, depth+1)
		}
		return conditions, depths, nil
	}
	key := t.keys[depth]
	var at []struct {
		Type   string   `ch:"type"`
		Values []string `ch:"values"`
	}
	err = t.m.From.SelectAs(reading(ctx), "divide", &at, fmt.Sprintf(
		"SELECT any(toTypeName(_factload_key)) AS type, arrayMap(v -> toString(v), arrayDistinct(arraySort(groupArraySample(%d)(_factload_key)))) AS values\n"+
			"FROM (SELECT %s AS _factload_key FROM %s WHERE %s)",
		min(2*n/t.limit+2, 10_000), key, ddl.QuoteIdent(t.def.Name), where))
	if err != nil {
		return nil, nil, err
	}
	if len(at) == 0 || len(at[0].Values) == 0 || strings.Contains(at[0].Type, "Nullable") || strings.Contains(at[0].Type, "Float") {
		return []string{"1"}, []int{depth + 1}, nil // values that are in no order are not divided by
	}
	typ, values := ddl.QuoteString(at[0].Type), at[0].Values
	value := func(i int) string { return "CAST(" + ddl.QuoteString(values[i]) + ", " + typ + ")" }
	if len(values) == 1 {
		v := value(0)
		return []string{"(" + key + ") < " + v, "(" + key + ") = " + v, "(" + key + ") > " + v}, []int{depth, depth + 1, depth}, nil
	}
	for i := range values {
		var condition string
		switch i {
		case 0:
			condition = fmt.Sprintf("(%s) < %s", key, value(1))
		case len(values) - 1:
			condition = fmt.Sprintf("(%s) >= %s", key, value(i))
		default:
			condition = fmt.Sprintf("(%s) >= %s AND (%[1]s) < %[3]s", key, value(i), value(i+1))
		}
		conditions, depths = append(conditions, condition), append(depths, depth)
	}
	return conditions, depths, nil
}

// fill copies the rows of a piece that the target lacks, and returns how many.
func (t *table) fill(ctx context.Context, where string, have, want rows, try int) (uint64, error) {
	token := fmt.Sprint(where, have, t.pass, try)
	if have.Rows == 0 {
		return want.Rows, t.insert(ctx, ctx, t.def.Name, token, "SELECT "+t.columns+t.from(where))
	}
	known, err := t.known(ctx, where)
	if err != nil {
		return 0, err
	}
	knowing := chgo.Context(reading(ctx), chgo.WithExternalTable(known))
	lacking := fmt.Sprintf("FROM (SELECT %s, %s AS _factload_hash, row_number() OVER (PARTITION BY %[2]s) AS _factload_nth%s) AS s\n"+
		"LEFT JOIN _factload_known AS k ON s._factload_hash = k._factload_h", t.columns, t.hash, t.from(where))
	var counts []struct {
		All     uint64 `ch:"all"`
		Lacking uint64 `ch:"lacking"`
	}
	if err := t.m.From.SelectAs(knowing, "compare", &counts, "SELECT count() AS all, countIf(_factload_nth > _factload_n) AS lacking "+lacking); err != nil || len(counts) == 0 {
		return 0, err
	}
	c := counts[0]
	if found := c.All - c.Lacking; found < have.Rows && (t.engine == keeps || c.Lacking == 0) {
		return 0, fmt.Errorf("the target has %d rows that the source does not have: they were changed or deleted there after they were copied, or somebody else writes to the target. "+
			"Drop the target's table, or delete these rows, and run it again", have.Rows-found)
	}
	if c.Lacking == 0 {
		return 0, nil
	}
	return c.Lacking, t.insert(ctx, knowing, t.def.Name, token, "SELECT "+t.columns+" "+lacking+"\nWHERE _factload_nth > _factload_n")
}

// known returns the checksums of the target's rows, with how many there are of each.
func (t *table) known(ctx context.Context, where string) (*ext.Table, error) {
	var hashes []struct {
		H uint64 `ch:"h"`
		N uint64 `ch:"n"`
	}
	if err := t.m.To.SelectAs(reading(ctx), "compare", &hashes, "SELECT _factload_hash AS h, count() AS n FROM (SELECT "+t.hash+" AS _factload_hash"+t.from(where)+") GROUP BY h"); err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	out, err := ext.NewTable("_factload_known", ext.Column("_factload_h", "UInt64"), ext.Column("_factload_n", "UInt64"))
	for i := 0; i < len(hashes) && err == nil; i++ {
		err = out.Append(hashes[i].H, hashes[i].N)
	}
	return out, err
}

// errTarget ends the reading of rows that the target does not take.
var errTarget = errors.New("the target has failed")

// plainNative asks for Native as inserts take it. The driver asks for the dialect that it
// speaks itself.
var plainNative = map[string]any{"client_protocol_version": 0}

// insert sends the answer of a query of the source to a table of the target, as it comes.
// Asking is the context of the query. The token stands for what the target had before: an
// insert that is sent again since nobody knows how the first has ended is stored once.
func (t *table) insert(ctx, asking context.Context, into, token, sql string) error {
	rows, body := io.Pipe()
	read := make(chan error, 1)
	go func() {
		err := t.m.From.QueryFormat(reading(asking, plainNative), body, "Native", sql)
		_ = body.CloseWithError(err) // always nil
		read <- err
	}()
	ctx = chgo.Context(ctx,
		chgo.WithSettings(chgo.Settings{
			"async_insert": 0, "insert_deduplicate": 1, "optimize_on_insert": 0,
			"insert_deduplication_token":        fmt.Sprintf("factload move %016x", xxhash.Sum64String(into+"\x00"+token)),
			"distributed_foreground_insert":     1,
			"insert_allow_materialized_columns": 1,
			"max_partitions_per_insert_block":   0,
			"max_execution_time":                0,
			"input_format_skip_unknown_fields":  0,
			"input_format_null_as_default":      0,
		}),
		chgo.WithQueryID(t.queryID()+rand.Text()),
		chgo.WithParameters(chgo.Parameters{"factload_table": into}))
	err := t.m.To.InsertFormatAs(ctx, fmt.Sprintf("insert into %q of the target", into), "Native", "INSERT INTO {factload_table:Identifier} ("+t.columns+")", rows)
	_ = rows.CloseWithError(errTarget) // always nil
	if failed := <-read; failed != nil && !errors.Is(failed, errTarget) {
		return failed
	}
	return err
}
