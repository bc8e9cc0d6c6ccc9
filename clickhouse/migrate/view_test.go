package migrate_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// viewed returns the schema t with a materialized view that adds up its rows.
func viewed(query string) (fact.Schema, ddl.Options) {
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "n", Type: fact.UInt32}}}
	return s, ddl.Options{Views: []ddl.ViewOptions{{
		Name: "t_view", To: "t_sums", Select: query,
		Target: ddl.TargetOptions{
			Columns: []ddl.TargetColumn{{Name: "id", Type: "String"}, {Name: "total", Type: "SimpleAggregateFunction(sum, UInt64)"}},
			OrderBy: []string{"id"}, Engine: "AggregatingMergeTree",
		},
	}}}
}

const (
	sums       = "SELECT id, sum(n) AS total FROM t GROUP BY id"
	brokenSums = "SELECT id, sum(n) + throwIf(max(n) > 100) AS total FROM t GROUP BY id"
	readSums   = "SELECT id, sum(total) FROM t_sums GROUP BY id ORDER BY id"
)

func insertRows(t *testing.T, c *testClient, s fact.Schema, token string, rows ...map[string]any) error {
	t.Helper()
	layout, err := block.Compile(s, block.Options{})
	require.NoError(t, err)
	b := layout.NewBlock()
	for _, row := range rows {
		require.NoError(t, b.AppendFact("", row))
	}
	return c.Insert(t.Context(), insert.Insert{Table: s.Name, Block: b, Token: token})
}

// A retried insert neither doubles the rows of a view nor loses them, also when
// the view is what failed.
func TestRetriedInsertReachesTheViewOnce(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		s, o := viewed(sums)
		ensure(t, c, s, o)
		row := map[string]any{"id": "a", "n": 1}
		for range 3 {
			require.NoError(t, insertRows(t, c, s, "first", row, map[string]any{"id": "b", "n": 2}))
		}
		require.NoError(t, insertRows(t, c, s, "second", row))
		require.Equal(t, "a\t2\nb\t2", db.Query(t, readSums))

		_, o = viewed(brokenSums)
		ensure(t, c, s, o)
		big := map[string]any{"id": "a", "n": 1000}
		for range 2 {
			err := insertRows(t, c, s, "third", big)
			require.ErrorIs(t, err, chconn.ErrAmbiguous, "the rows may be stored: this is no rejection")
			require.NotErrorIs(t, err, chconn.ErrRejected)
			require.ErrorContains(t, err, "such as a materialized view, and repeat the insert with its token")
		}
		require.Equal(t, "1002", db.Query(t, "SELECT sum(n) FROM t WHERE id = 'a'"), "they are stored")
		require.Equal(t, "a\t2\nb\t2", db.Query(t, readSums), "and the view lacks them")

		_, o = viewed(sums)
		ensure(t, c, s, o)
		for range 3 {
			require.NoError(t, insertRows(t, c, s, "third", big))
		}
		require.Equal(t, "1002", db.Query(t, "SELECT sum(n) FROM t WHERE id = 'a'"))
		require.Equal(t, "a\t1002\nb\t2", db.Query(t, readSums))
	})
}

// Tables, targets and views are made in the right order, whatever the order in
// which they are named, and by several clients at once.
func TestEnsureMakesViewsInOrder(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	clients := []*testClient{open(t, db.DSN), open(t, db.HTTPDSN)}
	s, o := viewed(sums)
	o.Views = append(o.Views, ddl.ViewOptions{Name: "copies", To: "z", Select: "SELECT id, n FROM t"})
	first := chtest.NewTable(t, s, o)
	last := chtest.NewTable(t, fact.Schema{Name: "z", OrderBy: []string{"id"}, Fields: s.Fields}, ddl.Options{Views: []ddl.ViewOptions{{Name: "more", To: "t_sums", Select: "SELECT id, n AS total FROM z"}}})
	var wg sync.WaitGroup
	errs := make([]error, 2*len(clients))
	for i := range errs {
		wg.Go(func() { errs[i] = clients[i%len(clients)].Ensure(t.Context(), first, last) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, insertRows(t, clients[0], s, "token", map[string]any{"id": "a", "n": 1}))
	require.NoError(t, insertRows(t, clients[1], s, "token", map[string]any{"id": "a", "n": 1}))
	require.Equal(t, "a\t1", db.Query(t, "SELECT * FROM z"))
	require.Equal(t, "a\t2", db.Query(t, readSums), "once by each of the views")
	for _, table := range []ddl.Table{first, last, *first.Views[0].Target} {
		chtest.RequireDone(t, db, clients[0], table)
	}
	require.ErrorIs(t, clients[0].Ensure(t.Context(), first, *first.Views[0].Target), chconn.ErrSchema)
}

// A view whose query returns a column that the target lacks is refused, also
// when the view exists already.
func TestViewWithoutItsColumn(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		const wrong = "SELECT id, sum(n) AS total, count() AS number FROM t GROUP BY id"
		s, o := viewed(wrong)
		require.ErrorIs(t, c.Ensure(t.Context(), chtest.NewTable(t, s, o)), chconn.ErrSchema)
		_, o = viewed(sums)
		ensure(t, c, s, o)
		before := db.Query(t, "SHOW CREATE TABLE t_view")
		_, o = viewed(wrong)
		err := c.Ensure(t.Context(), chtest.NewTable(t, s, o))
		require.ErrorIs(t, err, chconn.ErrSchema)
		require.ErrorContains(t, err, `its query returns "number", and the target "t_sums" has no such column`)
		require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t_view"))
	})
}

// Nothing is done when the target of a view is not there, also not what comes
// before the view.
func TestViewWithoutItsTarget(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		s, o := viewed(sums)
		o.Views[0].Target = ddl.TargetOptions{}
		o.Views[0].To = "nowhere"
		err := c.Ensure(t.Context(), chtest.NewTable(t, s, o))
		require.ErrorIs(t, err, chconn.ErrSchema)
		require.ErrorContains(t, err, `nothing was changed: materialized view "t_view": its target "nowhere" does not exist`)
		require.Empty(t, db.Query(t, "SHOW TABLES"))
	})
}

// What else may have the name of a view is not touched.
func TestViewOverSomethingElse(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	s, o := viewed(sums)
	for _, other := range []string{
		"CREATE TABLE t_view (id String) ENGINE = Log",
		"CREATE VIEW t_view AS SELECT 1",
		"CREATE MATERIALIZED VIEW t_view (id String, total UInt64) ENGINE = SummingMergeTree ORDER BY id AS " + sums,
		"CREATE MATERIALIZED VIEW t_view REFRESH EVERY 1 YEAR APPEND TO t_sums AS " + sums,
	} {
		ensure(t, c, s, ddl.Options{})
		ensure(t, c, fact.Schema{Name: "t_sums", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "total", Type: fact.UInt64}}}, ddl.Options{})
		db.Exec(t, other)
		plan, err := c.Plan(t.Context(), chtest.NewTable(t, s, o))
		require.NoError(t, err)
		require.Len(t, plan.Statements, 1, other)
		require.Equal(t, ddl.NeedsRebuild, plan.Statements[0].Hazard, other)
		require.Error(t, c.Apply(t.Context(), plan, ddl.Hazards()...), other)

		plan, err = c.Plan(t.Context(), chtest.NewTable(t, s, ddl.Options{}), diff.Prune)
		require.NoError(t, err)
		for _, statement := range plan.Statements {
			require.Equal(t, ddl.DeletesData, statement.Hazard, other)
			require.Contains(t, other, "ENGINE = SummingMergeTree", "nothing else belongs to the table")
		}
		db.Exec(t, "DROP TABLE t_view SYNC")
		db.Exec(t, "DROP TABLE t SYNC")
		db.Exec(t, "DROP TABLE t_sums SYNC")
	}
}

// The plan says which rows a new view does not see, and how to add them.
func TestRowsBeforeTheView(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	s, o := viewed(sums)
	ensure(t, c, s, ddl.Options{})
	want := chtest.NewTable(t, s, o)
	plan, err := c.Plan(t.Context(), want)
	require.NoError(t, err)
	require.Empty(t, plan.Notes, "there are no rows")
	require.NoError(t, insertRows(t, c, s, "token", map[string]any{"id": "a", "n": 1}))
	plan, err = c.Plan(t.Context(), want)
	require.NoError(t, err)
	require.Len(t, plan.Notes, 1)
	require.Contains(t, plan.Notes[0], `materialized view "t_view" does not see the rows that are in the table`)
	_, sql, _ := strings.Cut(plan.Notes[0], "inserted: ")

	require.NoError(t, c.Ensure(t.Context(), want))
	require.Empty(t, db.Query(t, readSums))
	db.Exec(t, strings.Replace(sql, "columns of the query in its order", "id, total", 1))
	require.Equal(t, "a\t1", db.Query(t, readSums))
}

// hostileViewNames are names that somebody might use to leave the quotes.
var hostileViewNames = []string{"`; DROP TABLE x; --", "a\\", "\\`'\"/*", "\n\t\x01 ", "$1 {x:String} ? @x;", "a.b", "TO", "тест😀", `","[]\\x41\\N`}

func TestHostileViews(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		for i, name := range hostileViewNames {
			if c.IsHTTP() && i%5 > 0 {
				continue // the way to the server makes no difference to the names
			}
			quoted := ddl.QuoteIdent(name + "t")
			s := fact.Schema{Name: name + "t", OrderBy: []string{name}, Fields: []fact.Field{{Name: name, Type: fact.String}}}
			options := func(filter string) ddl.Options {
				return ddl.Options{Views: []ddl.ViewOptions{{
					Name: name + "v", To: name + "target", Comment: name + filter,
					Select: fmt.Sprintf("SELECT %s FROM %s WHERE %[1]s != %[3]s", ddl.QuoteIdent(name), quoted, ddl.QuoteString(filter)),
					Target: ddl.TargetOptions{Columns: []ddl.TargetColumn{{Name: name, Type: "String", Comment: name}}, OrderBy: []string{name}, Comment: name},
				}}}
			}
			for _, filter := range []string{name, name + "2"} {
				want := chtest.NewTable(t, s, options(filter))
				require.NoError(t, c.Ensure(t.Context(), want), "%q", name)
				chtest.RequireDone(t, db, c, want)
				chtest.RequireDone(t, db, c, *want.Views[0].Target)
				require.NoError(t, insertRows(t, c, s, filter, map[string]any{name: name}, map[string]any{name: "x"}))
			}
			require.Equal(t, "3", db.Query(t, "SELECT count() FROM "+ddl.QuoteIdent(name+"target")), "%q", name)
			gone, err := c.Plan(t.Context(), chtest.NewTable(t, s, ddl.Options{}), diff.Prune)
			require.NoError(t, err)
			require.NoError(t, c.Apply(t.Context(), gone, ddl.DeletesData))
			require.NotContains(t, strings.Split(db.Query(t, "SELECT hex(name) FROM system.tables WHERE database = currentDatabase()"), "\n"), fmt.Sprintf("%X", name+"v"))
			for _, table := range []string{name + "target", name + "t"} {
				db.Exec(t, "DROP TABLE "+ddl.QuoteIdent(table)+" SYNC")
			}
		}
	})
}

// Several clients give a view another query at once.
func TestSoakChangeViewAtOnce(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	clients := []*testClient{open(t, db.DSN), open(t, db.HTTPDSN), open(t, db.DSN)}
	s, o := viewed(sums)
	ensure(t, clients[0], s, o)
	for round := range soak.Scale(2, 5) {
		_, o := viewed(fmt.Sprintf("SELECT id, sum(n) + %d AS total FROM t GROUP BY id", round))
		want := chtest.NewTable(t, s, o)
		plan, err := clients[0].Plan(t.Context(), want)
		require.NoError(t, err)
		require.Len(t, plan.Statements, 1)
		require.Contains(t, plan.Statements[0].SQL, "MODIFY QUERY")
		var wg sync.WaitGroup
		errs := make([]error, len(clients))
		for i, c := range clients {
			wg.Go(func() { errs[i] = c.Apply(t.Context(), plan) })
		}
		wg.Wait()
		require.Equal(t, make([]error, len(clients)), slices.Clone(errs))
		chtest.RequireDone(t, db, clients[0], want)
	}
}

// A target that does not hold what the query of a view returns is refused before
// anything is done: numbers would wrap, and an enum value that the target lacks
// would make it unreadable.
func TestViewTypesAreCompared(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	table := func(tokens fact.FieldType, verdicts ...string) ddl.Table {
		s := fact.Schema{Name: "ans", OrderBy: []string{"id"}, Fields: []fact.Field{
			{Name: "id", Type: fact.Int64}, {Name: "verdict", Type: fact.Enum, Values: verdicts}, {Name: "tokens", Type: tokens},
		}}
		out, err := ddl.NewTable(s, ddl.Options{Views: []ddl.ViewOptions{{
			Name: "ans_mv", To: "ans_by", Select: "SELECT verdict, tokens, count() AS n, max(id) AS last FROM ans GROUP BY verdict, tokens",
			Target: ddl.TargetOptions{OrderBy: []string{"verdict"}, Columns: []ddl.TargetColumn{
				{Name: "verdict", Type: "Enum8('good' = 1, 'bad' = 2)"}, {Name: "tokens", Type: "Int16"}, {Name: "n", Type: "UInt64"}, {Name: "last", Type: "SimpleAggregateFunction(max, Int64)"},
			}},
		}}})
		require.NoError(t, err)
		return out
	}
	require.ErrorContains(t, c.Ensure(t.Context(), table(fact.Int32, "good", "bad")), `materialized view "ans_mv": its query returns "tokens" as Int32, and the column of the target "ans_by" is Int16`)
	require.NoError(t, c.Ensure(t.Context(), table(fact.Int16, "good", "bad")))
	create := db.Query(t, "SHOW CREATE TABLE ans")
	for _, newer := range []ddl.Table{table(fact.Int32, "good", "bad"), table(fact.Int16, "good", "bad", "unsure")} {
		_, err := c.Plan(t.Context(), newer)
		require.ErrorIs(t, err, chconn.ErrSchema)
		require.ErrorContains(t, err, "which does not hold every such value")
		require.ErrorIs(t, c.EnsureAllowing(t.Context(), ddl.Hazards(), newer), chconn.ErrSchema)
		require.Equal(t, create, db.Query(t, "SHOW CREATE TABLE ans"))
	}
}
