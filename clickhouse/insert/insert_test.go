package insert

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestInsertComparesColumns(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "m", Fields: []fact.Field{{Name: "a", Type: fact.UInt32}, {Name: "b", Type: fact.String, Nullable: true}}}
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		b := chtest.BlockOf(t, chtest.Compile(t, s), `{"a":1,"b":null}`)
		for columns, want := range map[string]string{
			"a UInt64, b Nullable(String)":                     "",
			"a UInt16, b Nullable(String)":                     `column "a" is UInt16 in the table and UInt32 in the schema`,
			"a Int32, b Nullable(String)":                      `column "a" is Int32 in the table and UInt32 in the schema`,
			"a UInt32, b String":                               `column "b" is String in the table and Nullable(String) in the schema`,
			"a UInt32, b LowCardinality(Nullable(String))":     "",
			"a UInt32, b LowCardinality(String)":               `column "b" is LowCardinality(String) in the table and Nullable(String) in the schema`,
			"a UInt32":                                         `column "b" (Nullable(String)) is in the schema and not in the table`,
			"a UInt32, b Nullable(String) MATERIALIZED 'x'":    `column "b" (Nullable(String)) takes no values: it is materialized in the table`,
			"a UInt32, b String ALIAS 'x'":                     `column "b" (Nullable(String)) takes no values: it is alias in the table`,
			"a UInt32, b Nullable(String), c UInt8 DEFAULT 7":  "",
			"c UInt8 DEFAULT 7, b Nullable(String), a UInt32":  "",
			"a UInt32, b Nullable(String), c UInt8 ALIAS a":    "",
			"a UInt32 DEFAULT 9, b Nullable(String) DEFAULT 1": "",
		} {
			db.Exec(t, "DROP TABLE IF EXISTS m SYNC")
			db.Exec(t, "CREATE TABLE m ("+columns+") ENGINE = MergeTree ORDER BY a")
			err := c.Insert(t.Context(), Insert{Table: "m", Block: b})
			if want == "" {
				require.NoError(t, err, columns)
				require.Equal(t, "1\t\\N", db.Query(t, "SELECT a, b FROM m"))
				continue
			}
			require.EqualError(t, err, `insert into "m": `+want, columns)
			require.ErrorIs(t, err, chconn.ErrSchema)
			require.NotErrorIs(t, err, chconn.ErrAmbiguous)
			require.Equal(t, "0", db.Query(t, "SELECT count() FROM m"))
		}
		db.Exec(t, "DROP TABLE m SYNC")
		err := c.Insert(t.Context(), Insert{Table: "m", Block: b})
		require.ErrorIs(t, err, chconn.ErrSchema)
		require.ErrorContains(t, err, "does not exist")
		require.ErrorContains(t, err, "(code 60, UNKNOWN_TABLE): create it with EnsureSchema or factload apply, or check the database of the DSN")
		require.NoError(t, c.Ping(t.Context()), "the client goes on working")
	})
}

func TestSameType(t *testing.T) {
	t.Parallel()
	require.True(t, sameType("Decimal(18, 4)", "Decimal(18,4)"))
	require.True(t, sameType("Enum8('a b' = 1, 'c' = 2)", "Enum8('a b'=1,'c'=2)"))
	require.False(t, sameType("Enum8('a b' = 1)", "Enum8('ab' = 1)"))
	require.False(t, sameType(`Enum8('a\' b' = 1)`, `Enum8('a\'b' = 1)`))
	require.False(t, sameType("String", "FixedString(1)"))
	require.True(t, sameType("Array(LowCardinality(String))", "Array(String)"))
	require.True(t, sameType("LowCardinality(Nullable(String))", "Nullable(String)"))
	require.False(t, sameType("LowCardinality(String)", "Nullable(String)"))
	require.False(t, sameType("Enum8('LowCardinality(x)' = 1)", "Enum8('x' = 1)"))
	require.Equal(t, ")", essence(")"))
}

func TestInsertNeedsATableAndABlock(t *testing.T) {
	t.Parallel()
	c := open(t, "clickhouse://127.0.0.1:1/db")
	require.ErrorIs(t, c.Insert(t.Context(), Insert{}), chconn.ErrRejected)
	require.ErrorIs(t, c.Insert(t.Context(), Insert{Table: "t"}), chconn.ErrRejected)
	require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: chtest.Compile(t, chtest.SmallSchema).NewBlock()}), "no rows, nothing to do")
}

// numbers returns a block of n rows of smallSchema, from first on.
func numbers(t testing.TB, first, n int) *block.Block {
	t.Helper()
	b := chtest.Compile(t, chtest.SmallSchema).NewBlock()
	for i := range n {
		require.NoError(t, b.AppendJSON(fmt.Appendf(nil, `{"n":%d}`, first+i)))
	}
	return b
}

func TestTokenMakesInsertsExactlyOnce(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		ensure(t, c, chtest.SmallSchema, ddl.Options{})
		insert := func(b *block.Block, token string) {
			t.Helper()
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token}))
		}
		count := func() string { return db.Query(t, "SELECT count(), uniqExact(n) FROM t") }
		for range 3 {
			insert(numbers(t, 0, 10), "first")
		}
		require.Equal(t, "10\t10", count())
		insert(numbers(t, 10, 5), "first")
		require.Equal(t, "10\t10", count(), "the token counts, not the rows")
		insert(numbers(t, 0, 10), "second")
		require.Equal(t, "20\t10", count(), "equal rows are no duplicates under another token")
		insert(numbers(t, 50, 1), "")
		insert(numbers(t, 50, 1), "")
		require.Equal(t, "21\t11", count(), "without a token the rows count")
	})
}

func TestTokenHoldsForEachPartitionAndEachView(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		ensure(t, c, chtest.SmallSchema, ddl.Options{PartitionBy: "n % 3"})
		db.Exec(t, "CREATE TABLE sums (p UInt8, c UInt64) ENGINE = SummingMergeTree ORDER BY p SETTINGS non_replicated_deduplication_window = 100")
		db.Exec(t, "CREATE MATERIALIZED VIEW to_sums TO sums AS SELECT n % 3 AS p, count() AS c FROM t GROUP BY p")
		half := Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":0}`, `{"n":3}`), Token: "x"}
		all := Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":0}`, `{"n":3}`, `{"n":1}`, `{"n":2}`), Token: "x"}
		for _, in := range []Insert{half, half, all, all} {
			require.NoError(t, c.Insert(t.Context(), in))
		}
		require.Equal(t, "0,1,2,3", db.Query(t, "SELECT arrayStringConcat(groupArray(toString(n)), ',') FROM (SELECT n FROM t ORDER BY n)"))

		one := Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":9}`), Token: "y"}
		before := db.Query(t, "SELECT sum(c) FROM sums")
		for range 3 {
			require.NoError(t, c.Insert(t.Context(), one))
		}
		require.Equal(t, before+" 1", before+" "+db.Query(t, "SELECT sum(c) - "+before+" FROM sums"))
	})
}

// TestOneInsertIsOneBlock holds for more rows and bytes than any of the
// server's limits for blocks.
func TestOneInsertIsOneBlock(t *testing.T) {
	t.Parallel()
	b := numbers(t, 0, 1_100_000) // max_insert_block_size is 1,048,449
	parts := func(db *enginetest.DB) string {
		return db.Query(t, "SELECT sum(rows), count() FROM system.parts WHERE database = currentDatabase() AND table = 't' AND active")
	}
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		small := map[string]string{
			"max_insert_block_size": "1000", "min_insert_block_size_rows": "100", "min_insert_block_size_bytes": "100", "max_insert_threads": "4",
		}
		for _, settings := range []map[string]string{nil, small} {
			db.Exec(t, "DROP TABLE IF EXISTS t SYNC")
			ensure(t, c, chtest.SmallSchema, ddl.Options{})
			for range 2 {
				require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: "x", Settings: settings}))
				require.Equal(t, "1100000\t1", parts(db))
			}
		}
		// A server that is told to split blocks gives each piece a token.
		if db.Query(t, "SELECT count() FROM system.settings WHERE name = 'use_strict_insert_block_limits'") == "0" {
			return
		}
		db.Exec(t, "TRUNCATE TABLE t SYNC")
		split := map[string]string{"use_strict_insert_block_limits": "1", "max_insert_block_size": "1000", "min_insert_block_size_rows": "100"}
		for range 2 {
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 5000), Token: "split", Settings: split}))
		}
		require.Equal(t, "5000\t5", parts(db))
	})
}

func TestInsertSettings(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		ensure(t, c, chtest.SmallSchema, ddl.Options{})
		err := c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 2), Settings: map[string]string{"max_threads": "many"}})
		require.ErrorContains(t, err, "many")
		err = c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 2), Settings: map[string]string{"no_such_setting": "1"}})
		require.ErrorIs(t, err, chconn.ErrRejected)
		require.ErrorContains(t, err, "no_such_setting")
	})
}

func TestInsertWithEveryCompression(t *testing.T) {
	t.Parallel()
	const rows = 16_000 // more than 1 MB, which is compressed in pieces
	db := enginetest.Database(t)
	for _, dsn := range []string{
		db.DSN + "?compress=none", db.DSN + "?compress=lz4", db.DSN + "?compress=lz4hc", db.DSN + "?compress=zstd", db.DSN + "?compress=true",
		db.HTTPDSN + "?compress=none", db.HTTPDSN + "?compress=lz4", db.HTTPDSN + "?compress=zstd", db.HTTPDSN + "?compress=zstd&compress_level=3",
		db.HTTPDSN + "?compress=gzip", db.HTTPDSN + "?compress=deflate", db.HTTPDSN + "?compress=br",
	} {
		_, parameters, _ := strings.Cut(dsn, "?")
		t.Run(dsn[:4]+" "+parameters, func(t *testing.T) {
			t.Parallel()
			c := open(t, dsn)
			s := fact.Schema{Name: fmt.Sprintf("t %s %s", dsn[:4], parameters), Fields: []fact.Field{{Name: "n", Type: fact.UInt32}, {Name: "s", Type: fact.String}, {Name: "lc", Type: fact.LowCardinalityString}}}
			ensure(t, c, s, ddl.Options{})
			b := chtest.Compile(t, s).NewBlock()
			for i := range rows {
				require.NoError(t, b.AppendJSON(fmt.Appendf(nil, `{"n":%d,"s":"%s %d","lc":"v%d"}`, i, strings.Repeat("text ", 12), i, i%9)))
			}
			require.NoError(t, c.Insert(t.Context(), Insert{Table: s.Name, Block: b}))
			var got []struct{ Rows, Sum, Length, Values uint64 }
			require.NoError(t, c.Select(t.Context(), &got, "SELECT count() AS Rows, sum(n) AS Sum, sum(length(s)) AS Length, uniqExact(lc) AS Values FROM "+ddl.QuoteIdent(s.Name)))
			require.EqualValues(t, rows, got[0].Rows)
			require.EqualValues(t, rows*(rows-1)/2, got[0].Sum)
			require.EqualValues(t, 9, got[0].Values)
			require.ErrorContains(t, c.Exec(t.Context(), "SELECT 1 1"), "code 62, SYNTAX_ERROR")
		})
	}
}

// TestInsertCompressedOnNewConnections inserts where nothing has connected
// before, so that the driver connects with the settings of the insert at hand.
func TestInsertCompressedOnNewConnections(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"none", "lz4", "zstd", "gzip"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			ensure(t, open(t, db.HTTPDSN), chtest.SmallSchema, ddl.Options{})
			c := open(t, db.HTTPDSN+"?compress="+method)
			var wait sync.WaitGroup
			for i := range 4 {
				wait.Go(func() {
					assert.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 10*i, 10)}))
				})
			}
			wait.Wait()
			require.Equal(t, "40", db.Query(t, "SELECT count() FROM t"))
		})
	}
}

func TestBlockCopies(t *testing.T) {
	t.Parallel()
	for dsn, copies := range map[string]int{
		"clickhouse://h/db?compress=none": 1, "clickhouse://h/db?compress=lz4": 3, "clickhouse://h/db?compress=zstd": 3,
		"http://h/db?compress=none": 2, "http://h/db?compress=lz4": 2,
	} {
		require.Equal(t, copies, BlockCopies(open(t, dsn).Client), dsn)
	}
}
