package move

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
)

// table is a table that is moved.
type table struct {
	m       *mover
	def     ddl.Table // as it is created at the target
	engine  engine
	columns string   // that are copied, as SQL
	hash    string   // of what is compared of a row, as SQL
	keys    []string // by which it is divided into pieces: the partition key and the sorting key
	limit   uint64   // rows of a piece
	alive   string   // the condition for rows that have not expired when the move began
	pass    int
	copied  uint64
}

// engine is what an engine makes of rows.
type engine int

const (
	keeps    engine = iota // as they are
	replaces               // one for each sorting key: FINAL shows what counts
	sums                   // one for each sorting key that is none of those inserted
)

func engineOf(name string) engine {
	name, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, "Replicated"), "Shared"), "(")
	switch name {
	case "MergeTree":
		return keeps
	case "ReplacingMergeTree":
		return replaces
	}
	return sums
}

// newTable makes the table at the target, unless there is one, and finds out how its rows
// are compared.
func (m *mover) newTable(ctx context.Context, def ddl.Table) (*table, error) {
	def = def.Canonical()
	def.Database = ""
	t := &table{m: m, def: def, engine: engineOf(def.Engine), alive: "1", keys: def.OrderBy, limit: m.PieceRows}
	if def.PartitionBy != "" {
		t.keys = slices.Concat([]string{def.PartitionBy}, def.OrderBy)
	}
	if def.TTL != "" {
		if strings.ContainsAny(def.TTL, ",") || slices.ContainsFunc(strings.Fields(strings.ToUpper(def.TTL)), isTTLWord) {
			return nil, errors.New("its TTL does more than to delete rows: take that away until it is moved")
		}
		t.alive = fmt.Sprintf("NOT (%s <= toDateTime(%d))", def.TTL, time.Now().Unix())
	}
	var copied, compared []string
	for _, c := range def.Columns {
		if c.Kind == ddl.Alias || c.Kind == ddl.Ephemeral {
			continue
		}
		copied = append(copied, ddl.QuoteIdent(c.Name))
		if c.TTL == "" && (t.engine != sums || !strings.Contains(c.Type, "AggregateFunction") && !strings.Contains(c.Type, "Float")) {
			compared = append(compared, ddl.QuoteIdent(c.Name))
		}
	}
	t.columns, t.hash = strings.Join(copied, ", "), "cityHash64(tuple("+strings.Join(compared, ", ")+"))"
	stored, err := m.source.Storage(ctx, def.Name)
	if err != nil {
		return nil, err
	}
	if stored.Rows > 0 { // sizes of columns are compressed: a tenth, about
		t.limit = min(t.limit, max(m.PieceBytes/10/max(stored.Bytes/stored.Rows, 1), 1))
	}
	def.Views = nil
	if created, err := m.target.Create(ctx, def); err != nil || created || t.engine != sums {
		return t, err
	}
	there, err := m.target.Inspect(ctx, def.Name)
	if err == nil && there != nil && there.IsDistributed() { // only a table that keeps rows can take its place
		err = errors.New("its engine sums up rows, and the target's table is Distributed: drop that, move, and spread the rows by hand")
	}
	return t, err
}

func isTTLWord(word string) bool {
	return slices.Contains([]string{"GROUP", "WHERE", "SET", "TO", "RECOMPRESS", "DELETE"}, word)
}

// rows is a number of rows with their checksums.
type rows struct {
	Rows uint64 `ch:"rows"`
	Sum  uint64 `ch:"sum"`
	Xor  uint64 `ch:"xor"`
}

// from returns the FROM clause for the rows that count.
func (t *table) from(where string) string { return t.of(t.def.Name, where) }

func (t *table) of(name, where string) string {
	final := ""
	if t.engine != keeps {
		final = " FINAL"
	}
	return " FROM " + ddl.QuoteIdent(name) + final + " WHERE " + where
}

// reading gives the context what reading takes: the rows as they are stored, times that
// mean the same on both servers, and no limit of time.
func reading(ctx context.Context, more ...map[string]any) context.Context {
	settings := chgo.Settings{
		"session_timezone": "UTC", "max_execution_time": 0, "apply_mutations_on_fly": 0, "final": 0, "join_use_nulls": 0,
	}
	for _, m := range more {
		maps.Copy(settings, m)
	}
	return chgo.Context(ctx, chgo.WithSettings(settings))
}

// sum returns what a server has of a piece.
func (t *table) sum(ctx context.Context, c *chconn.Client, name, where string) (rows, error) {
	var out []rows
	err := c.SelectAs(reading(ctx), "compare", &out, "SELECT count() AS rows, sum(_factload_hash) AS sum, groupBitXor(_factload_hash) AS xor\n"+
		"FROM (SELECT "+t.hash+" AS _factload_hash"+t.of(name, where)+")")
	if err != nil || len(out) == 0 {
		return rows{}, err
	}
	return out[0], nil
}

func (t *table) count(ctx context.Context, c *chconn.Client, where string) (uint64, error) {
	return chconn.One[uint64](reading(ctx), c, "count", "SELECT count()"+t.from(where))
}

// both returns what the two sides have of a piece. The first pass only counts, so that a
// run soon goes on where the last one ended. Checksums of the source are not taken if the
// target has nothing.
func (t *table) both(ctx context.Context, where string) (have, want rows, err error) {
	if t.pass == 0 {
		have.Rows, err = t.count(ctx, t.m.To, where)
	} else {
		have, err = t.sum(ctx, t.m.To, t.def.Name, where)
	}
	if err != nil {
		return have, want, fmt.Errorf("the target: %w", err)
	}
	if t.pass == 0 || have.Rows == 0 {
		want.Rows, err = t.count(ctx, t.m.From, where)
		return have, want, err
	}
	want, err = t.sum(ctx, t.m.From, t.def.Name, where)
	return have, want, err
}

// maxPasses is how often a table is gone through while its source grows.
const maxPasses = 3

// move copies what the target lacks, until the checksums of the whole table are equal.
func (t *table) move(ctx context.Context) (done Table, err error) {
	done.Name = t.def.Name
	if err := t.settle(ctx); err != nil {
		return done, err
	}
	for t.pass = 0; ; t.pass++ {
		have, want, err := t.both(ctx, t.alive)
		same := have == want && err == nil
		done.Rows, done.Copied, done.Equal = want.Rows, t.copied, same && t.pass > 0
		switch {
		case err != nil || done.Equal:
			return done, err
		case same:
			continue
		case t.engine == sums && !t.m.Finish:
			done.Waits = "its engine sums up rows, so that it is copied when the move is finished"
			return done, nil
		case t.pass == maxPasses:
			return done, nil // the next run copies what has come since
		case t.engine == sums:
			err = t.replace(ctx, have, want)
		default:
			err = t.piece(ctx, t.alive, 0, have, want)
		}
		if err != nil {
			return done, err
		}
	}
}

// queryID begins the query IDs of all inserts into the target's table.
func (t *table) queryID() string {
	return fmt.Sprintf("factload-move-%016x-", xxhash.Sum64String(t.m.To.Database()+"\x00"+t.def.Name))
}

// settle waits until no insert of an earlier run is under way at the target.
func (t *table) settle(ctx context.Context) error {
	for try := 0; ; try++ {
		busy, err := chconn.One[uint64](ctx, t.m.To, "running inserts", "SELECT count() FROM system.processes WHERE startsWith(initial_query_id, {id:String})", chconn.Param("id", t.queryID()))
		if err != nil || busy == 0 {
			return err
		}
		if err := retry.Pause(ctx, try); err != nil {
			return err
		}
	}
}

// replace copies all rows into a table of its own, which then takes the place of the
// target's, if that has none.
func (t *table) replace(ctx context.Context, have, want rows) error {
	if have.Rows > 0 {
		return errors.New("its engine sums up rows, and the target has others than the source: drop that table and run it again")
	}
	fresh := t.def
	fresh.Name, fresh.Views = ddl.ReservedPrefix+"_move_"+t.def.Name, nil
	drop := "DROP TABLE IF EXISTS " + ddl.QuoteIdent(fresh.Name) + " SYNC"
	if err := t.m.To.ExecAs(ctx, "drop", drop); err != nil {
		return err
	}
	if _, err := t.m.target.Create(ctx, fresh); err != nil {
		return err
	}
	if err := t.insert(ctx, ctx, fresh.Name, fmt.Sprint("whole ", want), "SELECT "+t.columns+t.from(t.alive)); err != nil {
		return err
	}
	got, err := t.sum(ctx, t.m.To, fresh.Name, t.alive)
	if err != nil {
		return err
	}
	if want, err = t.sum(ctx, t.m.From, t.def.Name, t.alive); err != nil || got != want {
		return errors.Join(err, t.m.To.ExecAs(ctx, "drop", drop))
	}
	if err := t.m.To.ExecAs(ctx, "exchange", "EXCHANGE TABLES "+ddl.QuoteIdent(t.def.Name)+" AND "+ddl.QuoteIdent(fresh.Name)); err != nil {
		return err
	}
	t.copied = want.Rows
	return t.m.To.ExecAs(ctx, "drop", drop)
}
