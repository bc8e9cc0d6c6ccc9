package migrate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// wideSchema has every type, so that its table exercises all that Ensure
// compares.

// wideOptions has an option of every kind.

func TestEnsureCreatesOnceAndThenDoesNothing(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		table := chtest.NewTable(t, chtest.WideSchema, chtest.WideOptions)
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
		require.Len(t, have.Columns, len(chtest.WideSchema.Fields))
		require.Equal(t, db.Name, have.Database)
	})
}

func TestEnsureAddsColumns(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		old := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "z", Type: fact.UInt32}}, OrderBy: []string{"id"}}
		ensure(t, c, old)
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
		ensure(t, c, grown)
		ensure(t, c, grown)
		require.Equal(t, "a\t5\t[]\t1\t\\N\tkept", db.Query(t, "SELECT id, n, `odd \\`name`, z, j, theirs FROM t"))

		// Rows of the old schema, written by a service that is not updated yet.
		db.Exec(t, "INSERT INTO t (id, z) VALUES ('b', 2)")
		require.Equal(t, "b\t5\t[]\t2\t\\N\tkept", db.Query(t, "SELECT id, n, `odd \\`name`, z, j, theirs FROM t WHERE id = 'b'"))
	})
}

func TestEnsureRefusesWhatItCannotFix(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		db.Exec(t, "CREATE TABLE t (id String, n String, gone UInt8) ENGINE = MergeTree ORDER BY id")
		before := db.Query(t, "SHOW CREATE TABLE t")
		s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "n", Type: fact.UInt32}, {Name: "new", Type: fact.UInt8}}, OrderBy: []string{"id"}}
		err := c.Ensure(t.Context(), chtest.NewTable(t, s, ddl.Options{}))
		require.ErrorIs(t, err, chconn.ErrSchema)
		var refused *diff.RefusedError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, `change column "n" from String to UInt32`)
		require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t"), "nothing is done when something is refused")

		s.Fields = s.Fields[:1]
		s.OrderBy = nil
		err = c.Ensure(t.Context(), chtest.NewTable(t, s, ddl.Options{}))
		require.ErrorContains(t, err, "change sorting key")

		db.Exec(t, "CREATE VIEW v AS SELECT 1 AS id")
		s.Name = "v"
		require.ErrorIs(t, c.Ensure(t.Context(), chtest.NewTable(t, s, ddl.Options{})), chconn.ErrSchema)
	})
}

func TestApplyStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		plan := diff.Plan{Table: "t", Statements: []diff.Statement{
			{SQL: "CREATE TABLE a (x UInt8) ENGINE = Memory"}, {SQL: "CREATE TABLE a\n(x UInt8) ENGINE = Memory"}, {SQL: "CREATE TABLE b (x UInt8) ENGINE = Memory"},
		}}
		err := c.Apply(t.Context(), plan)
		var apply *PartialError
		require.ErrorAs(t, err, &apply)
		require.Len(t, apply.Applied, 1)
		require.Equal(t, plan.Statements[1], apply.Failed)
		require.ErrorIs(t, err, chconn.ErrRejected)
		require.ErrorContains(t, err, "statement: CREATE TABLE a …; 1 statements before it took effect")
		require.Equal(t, "a", db.Query(t, "SHOW TABLES"))

		plan.Statements[2].Hazard = ddl.DeletesData
		var refused *diff.RefusedError
		require.ErrorAs(t, c.Apply(t.Context(), plan), &refused)
		plan.Statements = plan.Statements[2:]
		require.NoError(t, c.Apply(t.Context(), plan, ddl.DeletesData))
	})
}

func TestEnsureFromManyGoroutinesAndClients(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	grown := chtest.WideSchema
	grown.Fields = append(append([]fact.Field{}, chtest.WideSchema.Fields...), fact.Field{Name: "more", Type: fact.String}, fact.Field{Name: "most", Type: fact.UInt64, Array: true})
	for _, s := range []fact.Schema{chtest.WideSchema, grown} {
		table := chtest.NewTable(t, s, chtest.WideOptions)
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
		s := chtest.WideSchema
		s.Name = fmt.Sprintf("wide_%d", i)
		require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, s, chtest.WideOptions)))
		s.Fields = append(append([]fact.Field{}, s.Fields...), fact.Field{Name: "more", Type: fact.String})
		require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, s, chtest.WideOptions)))
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
	s := fact.Schema{Name: "pair", OrderBy: []string{"k"}, Fields: []fact.Field{{Name: "k", Type: fact.String}, {Name: "n", Type: fact.UInt16}}}
	s.Fields = append(append([]fact.Field{}, s.Fields...), fact.Field{Name: "more", Type: fact.String, Array: true})
	table := chtest.NewTable(t, s, ddl.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_, _ = db.Try(ctx, "DROP TABLE IF EXISTS pair SYNC")
			_, _ = db.Try(ctx, "CREATE TABLE IF NOT EXISTS pair (k String) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 10000")
		}
	})
	for range 3 {
		if err := c.Ensure(t.Context(), table); err != nil {
			// Eight defeats in a row are possible and reported as such.
			require.ErrorIs(t, err, chconn.ErrSchema)
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
		dsn := chtest.WithDSN(t, dsn, func(u *url.URL) { u.Path = "/" + name })
		t.Cleanup(func() {
			_, err := db.Try(context.Background(), "DROP DATABASE IF EXISTS "+ddl.QuoteIdent(name)+" SYNC")
			require.NoError(t, err)
		})
		table := chtest.NewTable(t, chtest.SmallSchema, ddl.Options{})

		err := open(t, dsn).Ensure(t.Context(), table)
		require.ErrorIs(t, err, chconn.ErrSchema)
		require.ErrorContains(t, err, fmt.Sprintf("database %q does not exist", name))

		c := open(t, dsn, WithCreateDatabase())
		require.ErrorIs(t, c.Ping(t.Context()), chconn.ErrSchema, "Ping creates nothing")
		require.NoError(t, c.Ensure(t.Context(), table))
		require.NoError(t, c.Ensure(t.Context(), table))
		require.NoError(t, c.Ping(t.Context()))
		require.NoError(t, c.Exec(t.Context(), "INSERT INTO t VALUES (1)"))
	}
}

func TestEnsureWithTheServerDown(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]Option{nil, {WithCreateDatabase()}} {
		err := open(t, "clickhouse://u:p@"+chtest.ClosedAddr(t)+"/db", opts...).Ensure(t.Context(), chtest.NewTable(t, chtest.SmallSchema, ddl.Options{}))
		require.ErrorIs(t, err, chconn.ErrRetryable)
		require.ErrorContains(t, err, "connection refused")
	}
}

func TestOvertaken(t *testing.T) {
	t.Parallel()
	for _, code := range []int{15, 44, 57, 60, 218, 253, 390, 517, 319, 210} {
		c := open(t, "clickhouse://h/db")
		err := &PartialError{Err: c.Fail(context.Background(), "op", &ch.Exception{Code: proto.Error(code)}, chconn.Sent)}
		require.True(t, overtaken(err), code)
	}
	require.False(t, overtaken(&ch.Exception{Code: proto.ErrSyntaxError}))
	require.False(t, overtaken(errors.New("x")))
}

// TestServerFunctionsAreAskedForWhenCalled: it takes the server longer than all else.
func TestServerFunctionsAreAskedForWhenCalled(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	ensure := func(partition string) {
		schema := chtest.SmallSchema
		schema.Name = "by" + strconv.Itoa(len(partition))
		require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, schema, ddl.Options{PartitionBy: partition})))
	}
	ensure("n")
	require.Nil(t, c.functions.Load())
	ensure("ABS(n)")
	require.NotNil(t, c.functions.Load())
}
