package migrate

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// numbered returns a table of numbers of the given type.
func numbered(t *testing.T, of fact.FieldType) ddl.Table {
	t.Helper()
	return chtest.NewTable(t, fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt64}, {Name: "n", Type: of}}}, ddl.Options{})
}

// widening makes a table with rows, keeps the server from rewriting it, and
// returns the plan that does.
func widening(t *testing.T, db *enginetest.DB, c *testClient) diff.Plan {
	t.Helper()
	require.NoError(t, c.Ensure(t.Context(), numbered(t, fact.UInt8)))
	db.Exec(t, "INSERT INTO t SELECT number, number % 10 FROM numbers(1000)")
	db.Exec(t, "SYSTEM STOP MERGES t")
	plan, err := c.Plan(t.Context(), numbered(t, fact.UInt64))
	require.NoError(t, err)
	return plan
}

// A rewrite takes longer than the DSN's read_timeout.
func TestApplyWaitsForALongMutation(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		const timeout = time.Second
		var calls []MutationProgress
		c := open(t, dsn+"?read_timeout="+timeout.String(), WithMutationProgress(func(p MutationProgress) {
			calls = append(calls, p)
			if !p.Done && p.Elapsed > 2*timeout {
				db.Exec(t, "SYSTEM START MERGES t")
			}
		}))
		plan := widening(t, db, open(t, dsn))
		require.NoError(t, c.Apply(t.Context(), plan, ddl.RewritesData))
		require.Equal(t, "4500\tUInt64", db.Query(t, "SELECT sum(n), any(toTypeName(n)) FROM t"))
		require.Equal(t, "1", db.Query(t, "SELECT min(is_done) FROM system.mutations WHERE database = currentDatabase() AND table = 't'"))
		require.GreaterOrEqual(t, len(calls), 2)
		require.False(t, calls[0].Done)
		require.Positive(t, calls[0].PartsLeft)
		require.Equal(t, "t", calls[0].Table)
		require.Equal(t, plan.Statements[0], calls[0].Statement)
		last := calls[len(calls)-1]
		require.True(t, last.Done)
		require.Zero(t, last.PartsLeft)
		chtest.RequireDone(t, db, c, numbered(t, fact.UInt64))
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

// When the caller gives up, the server goes on, and the error says so.
func TestApplyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := open(t, db.DSN, WithMutationProgress(func(MutationProgress) { cancel() }))
	plan := widening(t, db, open(t, db.DSN))
	err := c.Apply(ctx, plan, ddl.RewritesData)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, chconn.ErrAmbiguous)
	require.ErrorContains(t, err, "the server has accepted the statement and goes on with it")
	var failed *PartialError
	require.ErrorAs(t, err, &failed)
	db.Exec(t, "SYSTEM START MERGES t")
	require.NoError(t, c.EnsureAllowing(t.Context(), []ddl.Hazard{ddl.RewritesData}, numbered(t, fact.UInt64)))
	require.Equal(t, "4500", db.Query(t, "SELECT sum(n) FROM t"))
}

// A mutation that somebody kills is no success.
func TestApplyNoticesAKilledMutation(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN, WithMutationProgress(func(MutationProgress) {
		db.Exec(t, "KILL MUTATION WHERE database = currentDatabase() AND table = 't' SYNC")
	}))
	err := c.Apply(t.Context(), widening(t, db, c), ddl.RewritesData)
	require.ErrorContains(t, err, "somebody has killed it")
	require.ErrorIs(t, err, chconn.ErrRejected)
	db.Exec(t, "SYSTEM START MERGES t")
}

// A mutation that fails is an error with the server's reason and a way out.
func TestApplyReportsAFailedMutation(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt64}}}
		ensure(t, c, s)
		db.Exec(t, "INSERT INTO t VALUES (1)")
		db.Exec(t, "ALTER TABLE t ADD COLUMN n UInt8 DEFAULT throwIf(id = 1)")
		s.Fields = append(s.Fields, fact.Field{Name: "n", Type: fact.UInt8, Default: 7})
		want := chtest.NewTable(t, s, ddl.Options{})
		plan, err := c.Plan(t.Context(), want)
		require.NoError(t, err)
		err = c.Apply(t.Context(), plan, ddl.RewritesData)
		require.ErrorContains(t, err, "mutation mutation_")
		require.ErrorContains(t, err, "throwIf")
		require.ErrorContains(t, err, "KILL MUTATION WHERE table = 't' AND mutation_id = 'mutation_")
		var failed *PartialError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Failed.SQL, "UPDATE `n` = `n`")
		require.NotContains(t, db.Query(t, "SHOW CREATE TABLE t"), "DEFAULT 7", "what follows is not done")

		db.Exec(t, "KILL MUTATION WHERE database = currentDatabase() AND table = 't' SYNC")
		db.Exec(t, "ALTER TABLE t MODIFY COLUMN n DEFAULT 3")
		require.NoError(t, c.EnsureAllowing(t.Context(), []ddl.Hazard{ddl.RewritesData}, want))
		require.Equal(t, "1\t3", db.Query(t, "SELECT * FROM t"))
	})
}

// What another process has begun is waited for and not begun again.
func TestApplyWaitsForAnothersMutation(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt64}}}
	first, second := open(t, db.DSN), open(t, db.HTTPDSN)
	ensure(t, first, s)
	db.Exec(t, "INSERT INTO t VALUES (1)")
	s.Fields = append(s.Fields, fact.Field{Name: "n", Type: fact.UInt8, Default: 3})
	ensure(t, first, s)
	s.Fields[1].Default = 7
	o := ddl.Options{Indexes: []ddl.Index{{Name: "by n", Expr: "n", Type: "minmax"}}}
	plan, err := first.Plan(t.Context(), chtest.NewTable(t, s, o))
	require.NoError(t, err)
	db.Exec(t, "SYSTEM STOP MERGES t")
	db.Exec(t, "ALTER TABLE t UPDATE n = n WHERE 1 SETTINGS mutations_sync = 0") // as if a third one had begun
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, c := range []*testClient{first, second} {
		wg.Go(func() { errs[i] = c.Apply(t.Context(), plan, ddl.RewritesData) })
	}
	require.Never(t, func() bool {
		return db.Query(t, "SELECT count() FROM system.mutations WHERE database = currentDatabase()") != "1"
	}, 500*time.Millisecond, 50*time.Millisecond)
	db.Exec(t, "SYSTEM START MERGES t")
	wg.Wait()
	require.Equal(t, make([]error, 2), errs)
	require.Equal(t, "1\t3", db.Query(t, "SELECT * FROM t"))
	require.Equal(t, "1", db.Query(t, "SELECT countIf(command LIKE '%UPDATE%') FROM system.mutations WHERE database = currentDatabase()"))
}
