package migrate

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// versions returns two versions of a schema that differ in everything that can
// be changed in place.
func versions(t testing.TB, name string) (older, newer ddl.Table) {
	t.Helper()
	s := fact.Schema{Name: name, OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String},
		{Name: "n", Type: fact.UInt16, Default: 5, Comment: "old"},
		{Name: "label", Type: fact.String},
		{Name: "at", Type: fact.DateTime64},
	}}
	older = chtest.NewTable(t, s, ddl.Options{Comment: "old", Indexes: []ddl.Index{{Name: "by_n", Expr: "n", Type: "minmax"}}})
	s.Fields[1] = fact.Field{Name: "n", Type: fact.UInt32, Default: 6, Comment: "new"}
	s.Fields[2].Type = fact.LowCardinalityString
	s.Fields = append(s.Fields, fact.Field{Name: "more", Type: fact.String, Default: "x"}, fact.Field{Name: "most", Type: fact.UInt8})
	newer = chtest.NewTable(t, s, ddl.Options{
		Comment: "new", TTL: "at + INTERVAL 90 YEAR", Settings: map[string]string{"merge_with_ttl_timeout": "60"},
		Columns: map[string]ddl.ColumnOptions{"at": {Codec: "DoubleDelta, ZSTD"}, "n": {TTL: "at + INTERVAL 80 YEAR"}},
		Indexes: []ddl.Index{{Name: "by_n", Expr: "n", Type: "minmax"}, {Name: "by_more", Expr: "more", Type: "bloom_filter(0.01)"}},
	})
	return older, newer
}

var allowed = []ddl.Hazard{ddl.RewritesData, ddl.DeletesData}

const insertVersions = "INSERT INTO %s SELECT toString(number), number, 'l', now64() FROM numbers(1000)"

func TestApplyChangesEverything(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		older, newer := versions(t, "t")
		require.NoError(t, c.Ensure(t.Context(), older))
		db.Exec(t, fmt.Sprintf(insertVersions, "t"))
		plan, err := c.Plan(t.Context(), newer)
		require.NoError(t, err)
		before := db.Query(t, "SHOW CREATE TABLE t")

		var refused *diff.RefusedError
		require.ErrorAs(t, c.Apply(t.Context(), plan), &refused)
		require.ErrorAs(t, c.Apply(t.Context(), plan, ddl.RewritesData), &refused)
		require.Equal(t, []ddl.Hazard{ddl.DeletesData}, refused.Permissions())
		require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t"), "nothing is done when something is refused")
		require.Equal(t, "0", db.Query(t, "SELECT count() FROM system.mutations WHERE database = currentDatabase()"))

		require.NoError(t, c.Apply(t.Context(), plan, allowed...))
		chtest.RequireDone(t, db, c, newer)
		require.NoError(t, c.Apply(t.Context(), plan, allowed...), "it is done already")
		require.Equal(t, "1000\t499500\t1000\t1000", db.Query(t, "SELECT count(), sum(n), countIf(label = 'l'), countIf(more = 'x') FROM t"))
		require.Contains(t, db.Query(t, "SELECT groupArray(command) FROM system.mutations WHERE database = currentDatabase()"), "MATERIALIZE INDEX by_more")
	})
}

func TestApplyRefusesAStalePlan(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	older, newer := versions(t, "t")
	create, err := c.Plan(t.Context(), older)
	require.NoError(t, err)
	require.NoError(t, c.Apply(t.Context(), create))
	plan, err := c.Plan(t.Context(), newer)
	require.NoError(t, err)
	db.Exec(t, "ALTER TABLE t MODIFY COLUMN n UInt8")
	require.NoError(t, c.Apply(t.Context(), plan, allowed...), "the statements are still the right ones")

	db.Exec(t, "DROP TABLE t SYNC")
	err = c.Apply(t.Context(), plan, allowed...)
	require.ErrorIs(t, err, ErrStalePlan)
	require.ErrorContains(t, err, "the table does not exist")
	require.Empty(t, db.Query(t, "SHOW TABLES"))

	require.NoError(t, c.Ensure(t.Context(), older))
	db.Exec(t, "ALTER TABLE t MODIFY COLUMN n Int64")
	err = c.Apply(t.Context(), plan, allowed...)
	require.ErrorIs(t, err, ErrStalePlan)
	require.ErrorContains(t, err, `change column "n" from Int64 to UInt32`)
	require.Contains(t, db.Query(t, "SHOW CREATE TABLE t"), "Int64")
}

// A statement that fails in the middle leaves the rest undone, and the next run
// finishes.
func TestApplyAgainFinishes(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	older, newer := versions(t, "t")
	require.NoError(t, c.Ensure(t.Context(), older))
	db.Exec(t, fmt.Sprintf(insertVersions, "t"))
	broken := newer
	broken.TTL = "at + INTERVAL 90 YEAR + nowhere"
	plan, err := c.Plan(t.Context(), broken)
	require.NoError(t, err)
	err = c.Apply(t.Context(), plan, allowed...)
	var failed *PartialError
	require.ErrorAs(t, err, &failed)
	require.NotEmpty(t, failed.Applied)
	require.Contains(t, failed.Failed.SQL, "nowhere")
	require.ErrorContains(t, err, "statements before it took effect")

	require.NoError(t, c.EnsureAllowing(t.Context(), allowed, newer))
	chtest.RequireDone(t, db, c, newer)
	require.Equal(t, "499500", db.Query(t, "SELECT sum(n) FROM t"))
}

// Old rows keep the default that they were read with, also when the default
// changes.
func TestNewDefaultLeavesOldRows(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt8}}}
	ensure(t, c, s)
	db.Exec(t, "INSERT INTO t VALUES (1)")
	s.Fields = append(s.Fields, fact.Field{Name: "n", Type: fact.UInt8, Default: 7})
	ensure(t, c, s)
	db.Exec(t, "INSERT INTO t (id) VALUES (2)")

	for _, next := range []any{8, nil} {
		s.Fields[1].Default = next
		want := chtest.NewTable(t, s, ddl.Options{})
		plan, err := c.Plan(t.Context(), want)
		require.NoError(t, err)
		if next == 8 {
			require.ErrorContains(t, plan.Check(), `store column "n" in the rows that are older than it`)
		} else {
			require.NoError(t, plan.Check(), "every row has it now")
		}
		require.NoError(t, c.Apply(t.Context(), plan, ddl.RewritesData))
		chtest.RequireDone(t, db, c, want)
		require.Equal(t, "1\t7\n2\t7", db.Query(t, "SELECT * FROM t ORDER BY id"))
	}
}

// Three clients apply the same plan at once.
func TestSoakApplyAtOnce(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	clients := []*testClient{open(t, db.DSN), open(t, db.HTTPDSN), open(t, db.DSN)}
	older, newer := versions(t, "alone")
	require.NoError(t, clients[0].Ensure(t.Context(), older))
	db.Exec(t, fmt.Sprintf(insertVersions, "alone"))
	require.NoError(t, clients[0].EnsureAllowing(t.Context(), allowed, newer))
	const mutations = "SELECT arrayStringConcat(arraySort(groupArray(command)), '\n') FROM system.mutations WHERE database = currentDatabase() AND table = "
	once := db.Query(t, mutations+"'alone'")
	for round := range soak.Scale(3, 10) {
		name := fmt.Sprintf("round_%d", round)
		older, newer := versions(t, name)
		require.NoError(t, clients[0].Ensure(t.Context(), older))
		db.Exec(t, fmt.Sprintf(insertVersions, name))
		var wg sync.WaitGroup
		errs := make([]error, len(clients))
		start := make(chan struct{})
		for i, c := range clients {
			plan, err := c.Plan(t.Context(), newer)
			require.NoError(t, err)
			wg.Go(func() {
				<-start
				errs[i] = c.Apply(t.Context(), plan, allowed...)
			})
		}
		close(start)
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		chtest.RequireDone(t, db, clients[0], newer)
		require.Equal(t, once, db.Query(t, mutations+ddl.QuoteString(name)), "no work is done twice")
		require.Equal(t, "1000\t499500", db.Query(t, "SELECT count(), sum(n) FROM "+name))
	}
}

// applyChildEnv makes the test binary a process that changes tables.
const applyChildEnv = "FACTLOAD_TEST_APPLY_DSN"

var applyRounds = soak.Scale(3, 8)

func TestApplyChild(t *testing.T) {
	dsn := os.Getenv(applyChildEnv)
	if dsn == "" {
		t.Skip("run by TestSoakApplyFromTwoProcesses")
	}
	c := open(t, dsn)
	for i := range applyRounds {
		_, newer := versions(t, fmt.Sprintf("t%d", i))
		plan, err := c.Plan(t.Context(), newer)
		require.NoError(t, err)
		require.NoError(t, c.Apply(t.Context(), plan, allowed...))
	}
}

func TestSoakApplyFromTwoProcesses(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	for i := range applyRounds {
		older, _ := versions(t, fmt.Sprintf("t%d", i))
		require.NoError(t, c.Ensure(t.Context(), older))
		db.Exec(t, fmt.Sprintf(insertVersions, older.Name))
	}
	var wg sync.WaitGroup
	outs, errs := make([][]byte, 2), make([]error, 2)
	for i, dsn := range []string{db.DSN, db.HTTPDSN} {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestApplyChild$", "-test.v")
			cmd.Env = append(os.Environ(), applyChildEnv+"="+dsn)
			outs[i], errs[i] = cmd.CombinedOutput()
		})
	}
	wg.Wait()
	for i := range outs {
		require.NoError(t, errs[i], "%s", outs[i])
		require.Contains(t, string(outs[i]), "--- PASS: TestApplyChild")
	}
	for i := range applyRounds {
		_, newer := versions(t, fmt.Sprintf("t%d", i))
		chtest.RequireDone(t, db, c, newer)
		require.Equal(t, "1000\t499500", db.Query(t, "SELECT count(), sum(n) FROM "+newer.Name))
	}
	twice := strings.TrimSpace(db.Query(t, "SELECT table, command FROM system.mutations WHERE database = currentDatabase() AND command != '(MATERIALIZE TTL)' GROUP BY table, command HAVING count() > 1"))
	require.Empty(t, twice, "no work is done twice")
}
