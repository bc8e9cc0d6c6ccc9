package insert

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var viewedSchema = fact.Schema{Name: "v", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.UInt32}}, OrderBy: []string{"id"}}

// viewed makes a table with a view that takes rows as they are, one that takes some
// of them, and one that counts.
func viewed(t *testing.T, db *enginetest.DB) Insert {
	t.Helper()
	const window = " SETTINGS non_replicated_deduplication_window = 100"
	for _, sql := range []string{
		"CREATE TABLE v (id String, n UInt32) ENGINE = MergeTree PARTITION BY n % 3 ORDER BY id" + window,
		"CREATE TABLE v_all (id String, n UInt64, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY n" + window,
		"CREATE TABLE v_even (id LowCardinality(String), half Float64) ENGINE = ReplacingMergeTree ORDER BY id" + window,
		"CREATE TABLE v_count (n UInt32, rows UInt64) ENGINE = SummingMergeTree ORDER BY n" + window,
		"CREATE MATERIALIZED VIEW v_1 TO v_all AS SELECT id, n FROM v",
		"CREATE MATERIALIZED VIEW v_2 TO v_even AS SELECT id, n / 2 AS half FROM v WHERE n % 2 = 0",
		"CREATE MATERIALIZED VIEW v_3 TO v_count AS SELECT n % 2 AS n, count() AS rows FROM v GROUP BY n",
	} {
		db.Exec(t, sql)
	}
	var rows []string
	for i := range 30 {
		rows = append(rows, fmt.Sprintf(`{"id":"i%d","n":%d}`, i, i))
	}
	return Insert{Table: "v", Block: chtest.BlockOf(t, chtest.Compile(t, viewedSchema), rows...), Token: "x"}
}

const viewedCounts = `SELECT (SELECT (count(), uniqExact(id)) FROM v), (SELECT (count(), uniqExact(id)) FROM v_all),
	(SELECT (count(), uniqExact(id)) FROM v_even FINAL), (SELECT sum(rows) FROM v_count)`

// TestInsertAgainCompletesViews loses parts as a server does that is killed between
// the token and the part: of the table, of what views fill, and of all.
func TestInsertAgainCompletesViews(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		in := viewed(t, db)
		require.NoError(t, c.Insert(t.Context(), in))
		in.Again = true
		const whole = "(30,30)\t(30,30)\t(15,15)\t30"
		require.Equal(t, whole, db.Query(t, viewedCounts))
		for _, lost := range [][]string{{}, {"v"}, {"v_all"}, {"v_even"}, {"v_all", "v_even", "v"}} {
			for _, table := range lost {
				forget(t, db, table, "1")
			}
			require.NoError(t, c.Insert(t.Context(), in))
			require.Equal(t, whole, db.Query(t, viewedCounts), "%v", lost)
		}
		require.Equal(t, "0", db.Query(t, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '_factload')"))
	})
}

// A server that was killed may have kept what the views fill, and not the rows: they are brought
// back, and no view sees them a second time.
func TestAdoptRows(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		in := viewed(t, db)
		require.NoError(t, c.AdoptRows(t.Context(), "v", in.Block), "nobody has the rows")
		require.NoError(t, c.Insert(t.Context(), in))
		whole := db.Query(t, viewedCounts)
		for _, lost := range []string{"0", "n < 10", "1"} {
			forget(t, db, "v", lost)
			require.NoError(t, c.AdoptRows(t.Context(), "v", in.Block))
			require.Equal(t, whole, db.Query(t, viewedCounts), lost)
		}
	})
}

// A view that came after the last look at its table is seen by who repairs what it fills.
func TestInsertAgainSeesANewView(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}}, OrderBy: []string{"id"}}
		ensure(t, c, s, ddl.Options{})
		c.generations.fresh = time.Hour
		row := func(id string) Insert {
			b := chtest.Compile(t, s).NewBlock()
			require.NoError(t, b.AppendFact(id, map[string]any{}))
			return Insert{Table: "t", Block: b, Token: id}
		}
		require.NoError(t, c.Insert(t.Context(), row("before the view")))
		db.Exec(t, "CREATE TABLE target (id String) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
		db.Exec(t, "CREATE MATERIALIZED VIEW view TO target AS SELECT id FROM t")
		in := row("lost")
		require.NoError(t, c.Insert(t.Context(), in))
		forget(t, db, "t", "id = 'lost'")
		in.Again = true
		require.NoError(t, c.Insert(t.Context(), in))
		require.Equal(t, "2\t1", db.Query(t, "SELECT (SELECT count() FROM t), (SELECT count() FROM target)"))
	})
}

// TestCompleteViewsWhoseTargetRefuses has a target that refuses what it lacks.
func TestCompleteViewsWhoseTargetRefuses(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		in := viewed(t, db)
		require.NoError(t, c.Insert(t.Context(), in))
		forget(t, db, "v_all", "1")
		db.Exec(t, "ALTER TABLE v_all ADD CONSTRAINT broken CHECK n > 100")
		require.ErrorIs(t, c.CompleteViews(t.Context(), "v", in.Block), chconn.ErrAmbiguous)
		db.Exec(t, "ALTER TABLE v_all DROP CONSTRAINT broken")
		require.NoError(t, c.CompleteViews(t.Context(), "v", in.Block))
		require.Equal(t, "(30,30)\t(30,30)\t(15,15)\t30", db.Query(t, viewedCounts))
	})
}

// TestViewsThatCombineRowsAreLeftAlone: of these nothing tells what is missing.
func TestViewsThatCombineRowsAreLeftAlone(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		viewed(t, db)
		for sql, want := range map[string]bool{
			"SELECT id, n FROM v": true, "SELECT id, n + 1 AS m FROM v WHERE n > 3": true, "SELECT id, arrayJoin([n, n]) AS n FROM v": true,
			"SELECT any(id) AS id FROM v": false, "SELECT DISTINCT id FROM v": false, "SELECT id FROM v LIMIT 1": false, "SELECT id, max(n) FROM v GROUP BY id": false,
			"SELECT id FROM v UNION ALL SELECT id FROM v_all": false, "SELECT id, sum(n) OVER () FROM v": false,
			"SELECT v.id FROM v JOIN v_all USING id": false, "SELECT id FROM v WHERE id IN (SELECT id FROM v_all)": false,
		} {
			step, err := c.combines(t.Context(), "test", ddl.View{Select: sql})
			require.NoError(t, err, sql)
			require.Equal(t, want, step == "", "%s: %s", sql, step)
		}
	})
}
