package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// wideSchema has every type, so that its table exercises all that Ensure
// compares.
var wideSchema = fact.Schema{
	Name: "wide",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, Comment: "it's the key"},
		{Name: "at", Type: fact.DateTime64},
		{Name: "lc", Type: fact.LowCardinalityString, Nullable: true},
		{Name: "ok", Type: fact.Bool, Default: true},
		{Name: "n16", Type: fact.UInt16, Default: 7},
		{Name: "n32", Type: fact.UInt32, Nullable: true},
		{Name: "f32", Type: fact.Float32},
		{Name: "f64", Type: fact.Float64, Nullable: true},
		{Name: "doc", Type: fact.JSON, Nullable: true},
		{Name: "i8", Type: fact.Int8},
		{Name: "i16", Type: fact.Int16},
		{Name: "i32", Type: fact.Int32},
		{Name: "i64", Type: fact.Int64},
		{Name: "u8", Type: fact.UInt8},
		{Name: "u64", Type: fact.UInt64},
		{Name: "day", Type: fact.Date},
		{Name: "uid", Type: fact.UUID},
		{Name: "dec", Type: fact.Decimal, Precision: 18, Scale: 4},
		{Name: "kind", Type: fact.Enum, Values: []string{"a", "b'c"}, Default: "a"},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "nums", Type: fact.Int64, Array: true},
		{Name: "meta", Type: fact.StringMap},
		{Name: "native", Type: fact.NativeJSON},
	},
	OrderBy: []string{"id", "at"},
}

// wideOptions has an option of every kind.
var wideOptions = ddl.Options{
	PartitionBy: "toYYYYMM(at)",
	TTL:         "toDateTime(at) + INTERVAL 10 YEAR",
	Comment:     "all sorts",
	Settings:    map[string]string{"index_granularity": "1024"},
	Indexes:     []ddl.Index{{Name: "by_n", Expr: "n16", Type: "minmax", Granularity: 4}},
	Columns:     map[string]ddl.ColumnOptions{"doc": {Codec: "ZSTD(3)"}},
}

func newTable(t testing.TB, s fact.Schema, o ddl.Options) ddl.Table {
	t.Helper()
	table, err := ddl.NewTable(s, o)
	require.NoError(t, err)
	return table
}

func TestEnsureCreatesOnceAndThenDoesNothing(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		table := newTable(t, wideSchema, wideOptions)
		have, err := c.Inspect(t.Context(), "wide")
		require.NoError(t, err)
		require.Nil(t, have)
		plan, err := c.Plan(t.Context(), table)
		require.NoError(t, err)
		require.Len(t, plan.Statements, 1)
		require.Equal(t, "wide", plan.Table)

		require.NoError(t, c.Ensure(t.Context(), table))
		uuid := db.Query(t, "SELECT uuid FROM system.tables WHERE database = currentDatabase() AND name = 'wide'")
		for range 3 {
			require.NoError(t, c.Ensure(t.Context(), table))
		}
		plan, err = c.Plan(t.Context(), table)
		require.NoError(t, err)
		require.True(t, plan.Empty(), "%v", plan)
		require.Equal(t, "wide", plan.Table)
		require.Equal(t, uuid, db.Query(t, "SELECT uuid FROM system.tables WHERE database = currentDatabase() AND name = 'wide'"))

		have, err = c.Inspect(t.Context(), "wide")
		require.NoError(t, err)
		require.Len(t, have.Columns, len(wideSchema.Fields))
		require.Equal(t, db.Name, have.Database)
	})
}

func TestEnsureAddsColumns(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		old := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "z", Type: fact.UInt32}}, OrderBy: []string{"id"}}
		ensure(t, c, old, ddl.Options{})
		db.Exec(t, "INSERT INTO t VALUES ('a', 1)")
		db.Exec(t, "ALTER TABLE t ADD COLUMN theirs String DEFAULT 'kept'")

		grown := old
		grown.Fields = []fact.Field{
			old.Fields[0],
			{Name: "n", Type: fact.UInt32, Default: 5},
			{Name: "odd `name", Type: fact.String, Array: true},
			old.Fields[1],
			{Name: "j", Type: fact.JSON, Nullable: true},
		}
		ensure(t, c, grown, ddl.Options{})
		ensure(t, c, grown, ddl.Options{})
		require.Equal(t, "a\t5\t[]\t1\t\\N\tkept", db.Query(t, "SELECT id, n, `odd \\`name`, z, j, theirs FROM t"))

		// Rows of the old schema, written by a service that is not updated yet.
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: blockOf(t, compile(t, old), `{"id":"b","z":2}`)}))
		require.Equal(t, "b\t5\t[]\t2\t\\N\tkept", db.Query(t, "SELECT id, n, `odd \\`name`, z, j, theirs FROM t WHERE id = 'b'"))
	})
}

func TestEnsureRefusesWhatItCannotMend(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		db.Exec(t, "CREATE TABLE t (id String, n String, gone UInt8) ENGINE = MergeTree ORDER BY id")
		before := db.Query(t, "SHOW CREATE TABLE t")
		s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "n", Type: fact.UInt32}, {Name: "new", Type: fact.UInt8}}, OrderBy: []string{"id"}}
		err := c.Ensure(t.Context(), newTable(t, s, ddl.Options{}))
		require.ErrorIs(t, err, ErrSchema)
		var refused *ddl.RefusedError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, `change column "n" from String to UInt32`)
		require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t"), "nothing is done when something is refused")

		s.Fields = s.Fields[:1]
		s.OrderBy = nil
		err = c.Ensure(t.Context(), newTable(t, s, ddl.Options{}))
		require.ErrorContains(t, err, "change sorting key")

		db.Exec(t, "CREATE VIEW v AS SELECT 1 AS id")
		s.Name = "v"
		require.ErrorIs(t, c.Ensure(t.Context(), newTable(t, s, ddl.Options{})), ErrSchema)
	})
}

func TestApplyStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		plan := ddl.Plan{Table: "t", Statements: []ddl.Statement{
			{SQL: "CREATE TABLE a (x UInt8) ENGINE = Memory"}, {SQL: "CREATE TABLE a\n(x UInt8) ENGINE = Memory"}, {SQL: "CREATE TABLE b (x UInt8) ENGINE = Memory"},
		}}
		err := c.Apply(t.Context(), plan)
		var apply *PartialError
		require.ErrorAs(t, err, &apply)
		require.Len(t, apply.Applied, 1)
		require.Equal(t, plan.Statements[1], apply.Failed)
		require.ErrorIs(t, err, ErrRejected)
		require.ErrorContains(t, err, "statement: CREATE TABLE a …; 1 statements before it took effect")
		require.Equal(t, "a", db.Query(t, "SHOW TABLES"))

		plan.Statements[2].Hazard = ddl.DeletesData
		var refused *ddl.RefusedError
		require.ErrorAs(t, c.Apply(t.Context(), plan), &refused)
		plan.Statements = plan.Statements[2:]
		require.NoError(t, c.Apply(t.Context(), plan, ddl.DeletesData))
	})
}

func TestEnsureFromManyGoroutinesAndClients(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	grown := wideSchema
	grown.Fields = append(append([]fact.Field{}, wideSchema.Fields...), fact.Field{Name: "more", Type: fact.String}, fact.Field{Name: "most", Type: fact.UInt64, Array: true})
	for _, s := range []fact.Schema{wideSchema, grown} {
		table := newTable(t, s, wideOptions)
		var wg sync.WaitGroup
		errs := make(chan error, 16)
		for _, dsn := range []string{db.DSN, db.HTTPDSN} {
			c := open(t, dsn)
			for range 8 {
				wg.Go(func() { errs <- c.Ensure(t.Context(), table) })
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
	}
	require.Equal(t, fmt.Sprint(len(grown.Fields)), db.Query(t, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'wide'"))
}

// ensureChildEnv makes the test binary a process that does nothing but Ensure.
const ensureChildEnv = "FACTLOAD_TEST_ENSURE_DSN"

func TestEnsureChild(t *testing.T) {
	dsn := os.Getenv(ensureChildEnv)
	if dsn == "" {
		t.Skip("run by TestEnsureFromTwoProcesses")
	}
	c := open(t, dsn)
	for i := range 10 {
		s := wideSchema
		s.Name = fmt.Sprintf("wide_%d", i)
		require.NoError(t, c.Ensure(t.Context(), newTable(t, s, wideOptions)))
		s.Fields = append(append([]fact.Field{}, s.Fields...), fact.Field{Name: "more", Type: fact.String})
		require.NoError(t, c.Ensure(t.Context(), newTable(t, s, wideOptions)))
	}
}

func TestEnsureFromTwoProcesses(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	var wg sync.WaitGroup
	outs, errs := make([][]byte, 2), make([]error, 2)
	for i, dsn := range []string{db.DSN, db.HTTPDSN} {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnsureChild$", "-test.v")
			cmd.Env = append(os.Environ(), ensureChildEnv+"="+dsn)
			outs[i], errs[i] = cmd.CombinedOutput()
		})
	}
	wg.Wait()
	for i := range outs {
		require.NoError(t, errs[i], "%s", outs[i])
		require.Contains(t, string(outs[i]), "--- PASS: TestEnsureChild")
	}
	require.Equal(t, "10", db.Query(t, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND name = 'more'"))
}

func TestEnsureMeetsATableThatIsDroppedAndMadeAgain(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	s := pairSchema
	s.Fields = append(append([]fact.Field{}, s.Fields...), fact.Field{Name: "more", Type: fact.String, Array: true})
	table := newTable(t, s, ddl.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_, _ = db.Try(ctx, "DROP TABLE IF EXISTS pair SYNC")
			_, _ = db.Try(ctx, "CREATE TABLE IF NOT EXISTS pair (k String) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 10000")
		}
	})
	for range 8 {
		if err := c.Ensure(t.Context(), table); err != nil {
			// Eight defeats in a row are possible and reported as such.
			require.ErrorIs(t, err, ErrSchema)
			require.ErrorContains(t, err, "still differs after 8 tries")
		}
	}
	cancel()
	wg.Wait()
	require.NoError(t, c.Ensure(t.Context(), table))
}

func TestEnsureCreatesTheDatabaseOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for i, dsn := range []string{db.DSN, db.HTTPDSN} {
		name := fmt.Sprintf("%s odd `%d", db.Name, i)
		dsn := with(t, dsn, func(u *url.URL) { u.Path = "/" + name })
		t.Cleanup(func() {
			_, err := db.Try(context.Background(), "DROP DATABASE IF EXISTS "+ddl.QuoteIdent(name)+" SYNC")
			require.NoError(t, err)
		})
		table := newTable(t, smallSchema, ddl.Options{})

		err := open(t, dsn).Ensure(t.Context(), table)
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorContains(t, err, fmt.Sprintf("database %q does not exist", name))

		c := open(t, dsn, WithCreateDatabase())
		require.ErrorIs(t, c.Ping(t.Context()), ErrSchema, "Ping creates nothing")
		require.NoError(t, c.Ensure(t.Context(), table))
		require.NoError(t, c.Ensure(t.Context(), table))
		require.NoError(t, c.Ping(t.Context()))
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: blockOf(t, compile(t, smallSchema), `{"n":1}`)}))
	}
}

func TestEnsureWithTheServerDown(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]Option{nil, {WithCreateDatabase()}} {
		err := open(t, "clickhouse://u:p@"+closedAddr(t)+"/db", opts...).Ensure(t.Context(), newTable(t, smallSchema, ddl.Options{}))
		require.ErrorIs(t, err, ErrRetryable)
		require.ErrorContains(t, err, "connection refused")
	}
}

func TestOvertaken(t *testing.T) {
	t.Parallel()
	for _, code := range []int{15, 44, 57, 60, 218, 253, 390, 517, 319, 210} {
		c := open(t, "clickhouse://h/db")
		err := &PartialError{Err: c.fail(context.Background(), "op", exceptions(proto.Error(code), "x")["ch-go"], sent)}
		require.True(t, overtaken(err), code)
	}
	require.False(t, overtaken(exceptions(62, "x")["ch-go"]))
	require.False(t, overtaken(errors.New("x")))
}
