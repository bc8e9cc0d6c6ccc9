package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/rebuildhook"
	"github.com/factload/factload/internal/soak"
)

// hooked returns a context for rebuilds that call step, unless it is nil, after
// each step. They hold back inserts for no time: nobody inserts meanwhile.
func hooked(ctx context.Context, step func(string)) context.Context {
	return rebuildhook.With(ctx, rebuildhook.Hook{Step: step})
}

// rebuildVersions returns two versions of a table that differ in all that takes
// a rebuild, and in some things that do not.
func rebuildVersions(t testing.TB, name string) (older, newer ddl.Table) {
	t.Helper()
	s := fact.Schema{Name: name, OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.UInt32},
		{Name: "at", Type: fact.DateTime64},
		{Name: "kind", Type: fact.String},
		{Name: "n", Type: fact.Int64, Nullable: true},
		{Name: "text", Type: fact.String},
	}}
	older = chtest.NewTable(t, s, ddl.Options{Comment: "old"})
	s.OrderBy = []string{"kind", "id"}
	s.Fields = append([]fact.Field{}, s.Fields...)
	s.Fields[2].Type = fact.LowCardinalityString
	s.Fields[3] = fact.Field{Name: "n", Type: fact.UInt16, Nullable: true}
	s.Fields = append(s.Fields, fact.Field{Name: "more", Type: fact.String, Default: "x"})
	newer = chtest.NewTable(t, s, ddl.Options{
		PartitionBy: "toYear(at)", PrimaryKey: []string{"kind"}, Comment: "new",
		Settings: map[string]string{"index_granularity": "1024"},
		Indexes:  []ddl.Index{{Name: "by_n", Expr: "n", Type: "minmax"}},
	})
	return older, newer
}

const (
	insertOlder = "INSERT INTO %s (id, at, kind, n, text) SELECT number, toDateTime64('2024-01-01 00:00:00', 3, 'UTC') + toIntervalDay(number), toString(number %% 3), if(number %% 5 = 0, NULL, number), repeat('x', number %% 7) FROM numbers(%d, 1000)"
	readRebuilt = "SELECT count(), uniqExact(id), sum(n), countIf(n IS NULL), sum(length(text)), min(at), max(at), arraySort(groupUniqArray(toString(kind))) FROM %s"
)

func TestRebuild(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for i, dsn := range []string{db.DSN, db.HTTPDSN} {
		name := fmt.Sprintf("t %d", i)
		quoted := ddl.QuoteIdent(name)
		c := open(t, dsn)
		older, newer := rebuildVersions(t, name)
		require.NoError(t, c.Ensure(t.Context(), older))
		for n := range 3 {
			db.Exec(t, fmt.Sprintf(insertOlder, quoted, n*1000))
		}
		before := db.Query(t, fmt.Sprintf(readRebuilt, quoted))
		plan, err := c.Plan(t.Context(), newer)
		require.NoError(t, err)
		require.Len(t, plan.Statements, 1)
		create := db.Query(t, "SHOW CREATE TABLE "+quoted)
		var refused *diff.RefusedError
		require.ErrorAs(t, c.Apply(t.Context(), plan, ddl.RewritesData, ddl.DeletesData), &refused)
		require.Equal(t, []ddl.Hazard{ddl.NeedsRebuild}, refused.Permissions())
		require.ErrorContains(t, refused, "--allow needs_rebuild")
		require.Equal(t, create, db.Query(t, "SHOW CREATE TABLE "+quoted))

		require.NoError(t, c.Apply(hooked(t.Context(), nil), plan, ddl.NeedsRebuild))
		chtest.RequireDone(t, db, c, newer)
		require.Equal(t, before, db.Query(t, fmt.Sprintf(readRebuilt, quoted)))
		require.Equal(t, "3000", db.Query(t, "SELECT countIf(more = 'x') FROM "+quoted))
		require.NotEqual(t, "1", db.Query(t, "SELECT uniqExact(_partition_id) FROM "+quoted))
		require.NoError(t, c.Apply(hooked(t.Context(), nil), plan, ddl.NeedsRebuild), "it is done already")

		kept := db.Query(t, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND name LIKE '"+name+"%' AND name != '"+name+"'")
		require.Regexp(t, `^\['t \d_before_\d{8}'\]$`, kept)
		old := ddl.QuoteIdent(strings.Trim(kept, "[']"))
		require.Equal(t, before, db.Query(t, fmt.Sprintf(readRebuilt, old)), "the old table is kept as it was")
		require.Contains(t, db.Query(t, "SHOW CREATE TABLE "+old), "COMMENT \\'old\\'")
	}
}

// A value that does not fit stops the rebuild before anything is changed.
func TestRebuildRefusesValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	older, newer := rebuildVersions(t, "t")
	require.NoError(t, c.Ensure(t.Context(), older))
	db.Exec(t, fmt.Sprintf(insertOlder, "t", 0))
	db.Exec(t, "INSERT INTO t (id, n) VALUES (5000, -1), (5001, 70000), (5002, 65535)")
	plan, err := c.Plan(t.Context(), newer)
	require.NoError(t, err)
	create := db.Query(t, "SHOW CREATE TABLE t")
	err = c.Apply(hooked(t.Context(), nil), plan, ddl.NeedsRebuild)
	var misfit *MisfitError
	require.ErrorAs(t, err, &misfit)
	require.ErrorIs(t, err, chconn.ErrRejected)
	require.Equal(t, MisfitError{
		Table: db.Name + ".t", Column: "n", From: "Nullable(Int64)", To: "Nullable(UInt16)", Misfits: 2, Rows: 1003,
		Values: []string{"-1", "70000"}, Keys: []string{"(5000)", "(5001)"},
	}, *misfit)
	require.ErrorContains(t, err, `"70000" in row (5001)`)
	require.Equal(t, create, db.Query(t, "SHOW CREATE TABLE t"))
	require.Equal(t, "t", db.Query(t, "SHOW TABLES"))

	db.Exec(t, "ALTER TABLE t UPDATE n = NULL WHERE n < 0 OR n > 65535 SETTINGS mutations_sync = 2")
	require.NoError(t, c.EnsureAllowing(hooked(t.Context(), nil), []ddl.Hazard{ddl.NeedsRebuild}, newer))
	chtest.RequireDone(t, db, c, newer)
	require.Equal(t, "1003\t202", db.Query(t, "SELECT count(), countIf(n IS NULL) FROM t"))
}

// Text that looks like a date or a number stays text in native JSON, and booleans
// are booleans: in the check before a rebuild, in the copy and in its checksums.
func TestRebuildToNativeJSON(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt32}, {Name: "j", Type: fact.JSON}}}
	older := chtest.NewTable(t, s, ddl.Options{})
	s.Fields = []fact.Field{s.Fields[0], {Name: "j", Type: fact.NativeJSON}}
	newer := chtest.NewTable(t, s, ddl.Options{})
	require.NoError(t, c.Ensure(t.Context(), older))
	const object = `{"at":"2026-01-02T03:04:05Z","day":"2026-01-02","list":["2026-01-02 03:04:05","x",true],"n":"12","ok":true}`
	db.Exec(t, "INSERT INTO t SELECT number, "+ddl.QuoteString(object)+" FROM numbers(100)")
	require.NoError(t, c.EnsureAllowing(hooked(t.Context(), nil), []ddl.Hazard{ddl.NeedsRebuild}, newer))
	chtest.RequireDone(t, db, c, newer)
	require.Equal(t, "100\t"+object, db.Query(t, "SELECT count(), toString(j) AS object FROM t GROUP BY object FORMAT TSVRaw"))
	require.Equal(t, "String\tString\tString\tBool", db.Query(t, "SELECT dynamicType(j.at), dynamicType(j.day), dynamicType(j.n), dynamicType(j.ok) FROM t LIMIT 1"))
}

// A value that does not fit and comes while rows are copied stops the rebuild,
// and the table is as before.
func TestRebuildGivesUp(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	older, newer := rebuildVersions(t, "t")
	require.NoError(t, c.Ensure(t.Context(), older))
	db.Exec(t, fmt.Sprintf(insertOlder, "t", 0))
	create := db.Query(t, "SHOW CREATE TABLE t")
	watch := func(step string) {
		if step == "checksummed" {
			db.Exec(t, "INSERT INTO t (id, n) VALUES (5000, -1)")
		}
	}
	var misfit *MisfitError
	require.ErrorAs(t, c.EnsureAllowing(hooked(t.Context(), watch), []ddl.Hazard{ddl.NeedsRebuild}, newer), &misfit)
	require.Equal(t, create, db.Query(t, "SHOW CREATE TABLE t"))
	require.Equal(t, rebuild.Ledger+"\nt", db.Query(t, "SHOW TABLES"))
	db.Exec(t, "INSERT INTO t (id) VALUES (5001)")
}

// What changes the table otherwise than by inserts makes the copy begin anew.
func TestRebuildBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]string{
		"mutation":           "ALTER TABLE t UPDATE text = 'new' WHERE id < 10 SETTINGS mutations_sync = 2",
		"merge":              "OPTIMIZE TABLE t FINAL",
		"lightweight delete": "DELETE FROM t WHERE id = 0",
		"dropped rows":       "TRUNCATE TABLE t",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			c := open(t, db.DSN)
			older, newer := rebuildVersions(t, "t")
			require.NoError(t, c.Ensure(t.Context(), older))
			db.Exec(t, fmt.Sprintf(insertOlder, "t", 0))
			db.Exec(t, fmt.Sprintf(insertOlder, "t", 1000))
			want, times := "", 0
			watch := func(step string) {
				switch {
				case step == "checksummed":
					if times++; times == 1 {
						db.Exec(t, disturb)
					}
				case step == "frozen" && times == 1:
					db.Exec(t, fmt.Sprintf(insertOlder, "t", 2000)) // the table takes rows while it is copied again
					want = db.Query(t, fmt.Sprintf(readRebuilt, "t"))
				}
			}
			require.NoError(t, c.EnsureAllowing(hooked(t.Context(), watch), []ddl.Hazard{ddl.NeedsRebuild}, newer))
			require.Equal(t, 2, times)
			chtest.RequireDone(t, db, c, newer)
			require.Equal(t, want, db.Query(t, fmt.Sprintf(readRebuilt, "t")))
		})
	}
}

var errStop = errors.New("stopped")

// TestRebuildStoppedAtEachStep ends the process that rebuilds, as far as the
// server can tell, after each of its steps in turn, and runs it again.
func TestRebuildStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	steps := rebuildSteps(t)
	require.GreaterOrEqual(t, len(steps), 15)
	for _, stop := range steps {
		t.Run(stop, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			older, newer := rebuildVersions(t, "t")
			require.NoError(t, open(t, db.DSN).Ensure(t.Context(), older))
			db.Exec(t, fmt.Sprintf(insertOlder, "t", 0))
			stopAt(t, db, newer, stop)
			c := open(t, db.DSN)
			plan, err := c.Plan(t.Context(), newer)
			require.NoError(t, err)
			if stop != "done" && stop != "settled" {
				require.True(t, plan.Rebuilds(), "%+v", plan)
			}
			require.NoError(t, c.Apply(hooked(t.Context(), nil), plan, ddl.NeedsRebuild))
			chtest.RequireDone(t, db, c, newer)
			require.Equal(t, "1000\t1000", db.Query(t, "SELECT count(), uniqExact(id) FROM t"))
			require.Equal(t, "3", db.Query(t, "SELECT count() FROM system.tables WHERE database = currentDatabase()"), "the table, the one of before, and the ledger")
		})
	}
}

// rebuildSteps returns the steps of a rebuild in their order.
func rebuildSteps(t *testing.T) []string {
	t.Helper()
	db := enginetest.Database(t)
	older, newer := rebuildVersions(t, "t")
	c := open(t, db.DSN)
	require.NoError(t, c.Ensure(t.Context(), older))
	db.Exec(t, fmt.Sprintf(insertOlder, "t", 0))
	var steps []string
	watch := func(step string) { steps = append(steps, step) }
	require.NoError(t, c.EnsureAllowing(hooked(t.Context(), watch), []ddl.Hazard{ddl.NeedsRebuild}, newer))
	return steps
}

// stopAt rebuilds the table until a step is done.
func stopAt(t *testing.T, db *enginetest.DB, newer ddl.Table, stop string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c := open(t, db.DSN)
	watch := func(step string) {
		if step == stop {
			cancel(errStop)
		}
	}
	err := c.EnsureAllowing(hooked(ctx, watch), []ddl.Hazard{ddl.NeedsRebuild}, newer)
	if stop != "done" {
		require.ErrorIs(t, err, errStop)
	}
}

// Several processes rebuild a table at once, while rows come.
func TestSoakRebuildAtOnce(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for round := range soak.Scale(1, 3) {
		name := fmt.Sprintf("t%d", round)
		older, newer := rebuildVersions(t, name)
		require.NoError(t, open(t, db.DSN).Ensure(t.Context(), older))
		for n := range 3 {
			db.Exec(t, fmt.Sprintf(insertOlder, name, n*1000))
		}
		var wg sync.WaitGroup
		errs := make([]error, 3)
		for i, dsn := range []string{db.DSN, db.HTTPDSN, db.DSN} {
			c := open(t, dsn)
			plan, err := c.Plan(t.Context(), newer)
			require.NoError(t, err)
			wg.Go(func() { errs[i] = c.Apply(hooked(t.Context(), nil), plan, ddl.NeedsRebuild) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		chtest.RequireDone(t, db, open(t, db.DSN), newer)
		require.Equal(t, "3000\t3000", db.Query(t, "SELECT count(), uniqExact(id) FROM "+name))
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '"+name+"_')"))
	}
}
