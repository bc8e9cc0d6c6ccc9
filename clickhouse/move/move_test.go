package move_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/move"
	"github.com/factload/factload/internal/enginetest"
)

// pair is a source and a target, of which the target's database does not exist.
type pair struct {
	*enginetest.DB
	to     *enginetest.DB
	config move.Config
}

func open(t *testing.T, dsn string) *chconn.Client {
	t.Helper()
	c, err := chconn.Open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{DB: enginetest.Database(t), to: enginetest.Database(t)}
	p.to.Exec(t, "DROP DATABASE "+p.to.Name+" SYNC")
	p.config = move.Config{From: open(t, p.DSN), To: open(t, p.to.HTTPDSN+"?compress=gzip"), PieceRows: 400}
	return p
}

// run moves and returns the rows that were copied of a table.
func (p *pair) run(t *testing.T, table string) uint64 {
	t.Helper()
	report, err := move.Run(t.Context(), p.config)
	require.NoError(t, err)
	require.True(t, report.Equal || !p.config.Finish)
	for _, done := range report.Tables {
		if done.Name == table {
			require.True(t, done.Equal, "%+v", report)
			return done.Copied
		}
	}
	t.Fatalf("no table %s in %+v", table, report)
	return 0
}

// requireSame compares the rows of a table on both sides. It asks for all of a column,
// also for what the server computes.
func (p *pair) requireSame(t *testing.T, table, columns string) {
	t.Helper()
	const sql = " FORMAT JSONStringsEachRow"
	ask := "SELECT " + columns + " FROM " + table + " ORDER BY ALL" + sql
	require.Equal(t, p.Query(t, ask), p.to.Query(t, ask))
}

// Every type of column, names that need quotes, values that the server has computed once,
// few values of a key, and rows that are there more than once.
func TestEveryRowOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.Exec(t, `CREATE TABLE t (
		k LowCardinality(String), n UInt32, "odd ""name\`+"`"+`" Nullable(Int64), at DateTime64(6, 'Asia/Kolkata'), local DateTime, day Date32,
		f Float64, d Decimal(38, 10), u UUID, e Enum8('a' = 1, 'b' = -2), tags Array(Nullable(String)), m Map(String, Array(UInt8)),
		j JSON, tup Tuple(a Int8, b String), ip IPv6, big Int256, fix FixedString(3), lcn LowCardinality(Nullable(String)),
		random UInt64 MATERIALIZED rand64(), twice UInt64 ALIAS n * 2, s AggregateFunction(sum, UInt64))
		ENGINE = MergeTree PARTITION BY (toYear(at), n % 2) ORDER BY (k, toDate(local), n)`)
	fill := func(from, rows, of string) {
		p.Exec(t, `INSERT INTO t SELECT if(number % 10 = 0, toString(number), 'heavy'), number, if(number % 3 = 0, NULL, -number),
			fromUnixTimestamp64Micro(1730000000000000 + number * 7777777777), toDateTime(1730000000 + intDiv(number, 100)), toDate32('1950-01-01') + number,
			multiIf(number % 50 = 1, nan, number % 50 = 2, -0.0, number / 7), number / 3, toUUID('00000000-0000-0000-0000-00000000000' || toString(number % 10)), if(number % 2, 'a', 'b'),
			[NULL, toString(number)], map('x', [1, 2], toString(number), []), '{"a":{"b":' || toString(number) || '},"c":"' || toString(number) || '"}', (1, 'x'),
			toIPv6('::1'), -number * 1000000007, 'abc', if(number % 4 = 0, NULL, 'v'), initializeAggregation('sumState', toUInt64(number))
			FROM (SELECT number % `+of+` + `+from+` AS number FROM numbers(`+rows+`))`)
	}
	fill("0", "3000", "3000")
	require.EqualValues(t, 3000, p.run(t, "t"))
	p.requireSame(t, "t", "* EXCEPT s, random, twice, finalizeAggregation(s)")
	require.EqualValues(t, 0, p.run(t, "t"))
	fill("2000", "1500", "1500") // of which 1,000 are there once already but for what is random
	fill("7", "999", "1")
	p.Exec(t, "INSERT INTO t (*, random) SETTINGS insert_allow_materialized_columns = 1 SELECT *, random FROM t WHERE n < 20") // and these are equal
	n := p.run(t, "t")
	require.Equal(t, p.Query(t, "SELECT count() - 3000 FROM t"), p.Query(t, "SELECT "+fmt.Sprint(n)))
	p.requireSame(t, "t", "* EXCEPT s, random, twice, finalizeAggregation(s)")
	require.EqualValues(t, 0, p.run(t, "t"))
}

// Tables whose engines make one row of several come over as they are seen, sums when the
// move is finished, and views behind all rows.
func TestEnginesAndViews(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.Exec(t, "CREATE TABLE raw (id String, n UInt64, at DateTime) ENGINE = MergeTree ORDER BY id TTL at + INTERVAL 1 DAY")
	p.Exec(t, "CREATE TABLE latest (id String, n UInt64) ENGINE = ReplacingMergeTree(n) ORDER BY id")
	p.Exec(t, "CREATE TABLE total (k UInt8, n SimpleAggregateFunction(sum, UInt64), u AggregateFunction(uniq, String)) ENGINE = AggregatingMergeTree ORDER BY k")
	p.Exec(t, "CREATE MATERIALIZED VIEW latest_view TO latest AS SELECT id, n FROM raw")
	p.Exec(t, "CREATE MATERIALIZED VIEW total_view TO total AS SELECT r.n % 3 AS k, sum(r.n) AS n, uniqState(id) AS u FROM "+p.Name+".raw AS r GROUP BY k")
	p.Exec(t, "CREATE TABLE of_memory (n Int8) ENGINE = Memory")
	write := func(db *enginetest.DB, from string) {
		db.Exec(t, "INSERT INTO raw SELECT toString(number % 700), number + "+from+", if(number % 5 = 0, now() - INTERVAL 3 DAY, now()) FROM numbers(1000)")
	}
	p.Exec(t, "SYSTEM STOP TTL MERGES raw")
	write(p.DB, "0")
	require.EqualValues(t, 800, p.run(t, "raw"))
	require.EqualValues(t, 700, p.run(t, "latest")+700)
	write(p.DB, "5000")
	require.EqualValues(t, 800, p.run(t, "raw"))
	report, err := move.Run(t.Context(), p.config)
	require.NoError(t, err)
	require.False(t, report.Equal)
	require.Equal(t, []string{"of_memory: its engine is Memory"}, report.NotMoved)
	require.Equal(t, "0", p.to.Query(t, "SELECT count() FROM total"))

	p.config.Finish = true
	report, err = move.Run(t.Context(), p.config)
	require.NoError(t, err)
	require.True(t, report.Finished && report.Equal)
	p.requireSame(t, "latest FINAL", "*")
	sums := "k, sum(n), uniqMerge(u)"
	require.Equal(t, p.Query(t, "SELECT "+sums+" FROM total GROUP BY k ORDER BY k"), p.to.Query(t, "SELECT "+sums+" FROM total GROUP BY k ORDER BY k"))
	for _, db := range []*enginetest.DB{p.DB, p.to} { // the same views go on
		write(db, "9000")
	}
	p.requireSame(t, "latest FINAL", "*")
	require.Equal(t, p.Query(t, "SELECT "+sums+" FROM total GROUP BY k ORDER BY k"), p.to.Query(t, "SELECT "+sums+" FROM total GROUP BY k ORDER BY k"))
}

// Rows that only the target has are an error, and stay.
func TestForeignRows(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"MergeTree", "ReplacingMergeTree"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.Exec(t, "CREATE TABLE t (n UInt64) ENGINE = "+engine+" ORDER BY n")
			p.Exec(t, "INSERT INTO t SELECT number FROM numbers(1000)")
			require.EqualValues(t, 1000, p.run(t, "t"))
			p.Exec(t, "DELETE FROM t WHERE n = 500")
			p.Exec(t, "INSERT INTO t VALUES (5000)")
			_, err := move.Run(t.Context(), p.config)
			require.ErrorContains(t, err, "the target has 1 rows that the source does not have")
			require.Equal(t, "1", p.to.Query(t, "SELECT count() FROM t WHERE n = 500"))
		})
	}
}

// The source may grow while a run is under way. What it misses comes with the next one.
func TestSourceGrows(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.Exec(t, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree PARTITION BY n % 3 ORDER BY n")
	p.Exec(t, "INSERT INTO t SELECT number, toString(number) FROM numbers(2000)")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 30 {
			_, err := p.Try(t.Context(), fmt.Sprintf("INSERT INTO t SELECT number * 67 + %d, 'later' FROM numbers(50)", i))
			assert.NoError(t, err)
		}
	})
	for range 3 {
		_, err := move.Run(t.Context(), p.config)
		require.NoError(t, err)
	}
	wg.Wait()
	p.config.Finish = true
	p.run(t, "t")
	require.Equal(t, "3500", p.to.Query(t, "SELECT count() FROM t"))
	p.requireSame(t, "t", "*")
}
