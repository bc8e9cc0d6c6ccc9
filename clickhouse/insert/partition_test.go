package insert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// partitionsOfParts returns the rows, the parts and the partitions of a table.
// With as many parts as partitions, each partition went into one insert.
func partitionsOfParts(t *testing.T, db *enginetest.DB, table string) string {
	t.Helper()
	return db.Query(t, `SELECT sum(rows), count(), uniqExact(partition_id) FROM system.parts
		WHERE database = currentDatabase() AND table = `+ddl.QuoteString(table)+` AND active`)
}

func TestManyPartitions(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		ensure(t, c, chtest.SmallSchema, ddl.Options{PartitionBy: "n % 110"})
		db.Exec(t, "SYSTEM STOP MERGES t")
		for range 2 {
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 1000), Token: "x"}))
			require.Equal(t, "1000\t110\t110", partitionsOfParts(t, db, "t"))
		}
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 10), Token: "y"}))
		require.Equal(t, "1010\t120\t110", partitionsOfParts(t, db, "t"))
		for range 2 { // without a token the rows count
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 1000, 110)}))
			require.Equal(t, "1120\t230\t110", partitionsOfParts(t, db, "t"))
		}
		require.Equal(t, "1000\t500500", db.Query(t, "SELECT count(), sum(n + 1) FROM (SELECT DISTINCT n FROM t WHERE n < 1000)"))
	})
}

// TestPartitionLimit: the limit may be given with the insert or in the DSN.
func TestPartitionLimit(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for dsn, limit := range map[string]string{db.DSN: "100", db.DSN + "?max_partitions_per_insert_block=7": "7"} {
		c := open(t, dsn)
		require.Equal(t, limit, c.withPartitionLimit(Insert{})[maxPartitions])
		own := map[string]string{maxPartitions: "3", "max_threads": "1"}
		require.Equal(t, own, c.withPartitionLimit(Insert{Settings: own}))
	}
	c := open(t, db.DSN+"?max_partitions_per_insert_block=7")
	ensure(t, c, chtest.SmallSchema, ddl.Options{PartitionBy: "n"})
	db.Exec(t, "SYSTEM STOP MERGES t")
	for range 2 {
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 20), Token: "x"}))
		require.Equal(t, "20\t20\t20", partitionsOfParts(t, db, "t"))
	}
}

// TestPartitionExpressions: whatever the partition key is, the rows of each
// partition are sent together.
func TestPartitionExpressions(t *testing.T) {
	t.Parallel()
	const hostile = "q\"`) \\ {p:Int} ?"
	schema := fact.Schema{Name: "t", Fields: []fact.Field{
		{Name: "id", Type: fact.UInt32},
		{Name: "n", Type: fact.Int64},
		{Name: "at", Type: fact.DateTime64},
		{Name: "day", Type: fact.Date},
		{Name: "lc", Type: fact.LowCardinalityString},
		{Name: "s", Type: fact.String},
		{Name: "maybe", Type: fact.UInt16, Nullable: true},
		{Name: "u", Type: fact.UUID},
		{Name: "e", Type: fact.Enum, Values: []string{"x", "it's"}},
		{Name: "b", Type: fact.Bool},
		{Name: "d", Type: fact.Decimal, Precision: 18, Scale: 2},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "labels", Type: fact.StringMap},
		{Name: hostile, Type: fact.UInt16},
		{Name: "c1", Type: fact.UInt8},
		{Name: "c0", Type: fact.UInt8},
		{Name: "body", Type: fact.JSON},
	}, OrderBy: []string{"id"}}
	b := chtest.Compile(t, schema).NewBlock()
	const rows = 200
	few := map[string]string{maxPartitions: "9"} // parts are files, and many of them take their time
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(rows) {
		data := map[string]any{
			"id": i, "n": i - 1000, "at": int64(1_500_000_000_000) + int64(i)*8_640_000, "day": fmt.Sprintf("20%02d-%02d-01", i%5, 1+i%4),
			"lc": fmt.Sprint("v", i%20), "s": strings.Repeat("'\\", i%15), "u": fmt.Sprintf("00000000-0000-0000-0000-%012x", i%20),
			"e": []string{"x", "it's"}[i%2], "b": i%3 == 0, "d": i % 19, "tags": []string{fmt.Sprint(i % 18)},
			"labels": map[string]string{"k": fmt.Sprint(i % 21)}, hostile: i % 22,
			"c0": i % 23, "c1": 0,
		}
		if i%5 > 0 {
			data["maybe"] = i % 16
		}
		require.NoError(t, b.AppendFact("", data))
	}
	quoted := ddl.QuoteIdent(hostile)
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		for i, expr := range []string{
			"toYYYYMMDD(at)", "toDate(at)", "(toMonday(at), e, b)", "(toStartOfWeek(at, 3), e, b)", "(toYYYYMM(at), lc)", "tuple(lc)",
			"intDiv(n, 7)", "n % 25", "modulo(id, 11)", "(b, e, intDiv(id, 30))", "intDiv(toHour(toDateTime(at, 'Asia/Kathmandu')), 2)",
			"s", "length(s)", "upper(lc)", "concat(lc, '''', '\\\\', s)", "maybe", "assumeNotNull(maybe)", "u", "d", "toString(d)",
			"tags[1]", "labels['k']", "cityHash64(s, lc) % 20", quoted, "(" + quoted + " % 3, day)", "if(n < 900, toDate(at), day)",
			"formatDateTime(at, '%m-%d')", "murmurHash3_32(id) % 12", "c0 + c1",
		} {
			if c.IsHTTP() && i%5 > 0 {
				continue // the way to the server makes no difference to the expressions
			}
			table := fmt.Sprintf("t%d", i)
			s := schema
			s.Name = table
			ensure(t, c, s, ddl.Options{PartitionBy: expr, Settings: map[string]string{"allow_nullable_key": "1"}})
			db.Exec(t, "SYSTEM STOP MERGES "+table)
			require.NoError(t, c.Insert(t.Context(), Insert{Table: table, Block: b, Token: "x", Settings: few}), expr)
			got := strings.Fields(partitionsOfParts(t, db, table))
			require.Equal(t, fmt.Sprint(rows), got[0], expr)
			require.Equal(t, got[2], got[1], "%s: each partition is in one insert", expr)
			require.NotEqual(t, "1", db.Query(t, "SELECT "+got[2]+" <= 9"), "%s has too few partitions to test anything", expr)
			require.NoError(t, c.Insert(t.Context(), Insert{Table: table, Block: b, Token: "x", Settings: few}), expr)
			require.Equal(t, strings.Join(got, "\t"), partitionsOfParts(t, db, table), expr)
			db.Exec(t, "DROP TABLE "+table+" SYNC")
		}
	})
}

// TestPartitionKeyOfOtherColumns: columns that the block lacks are made by the
// server, which alone knows the partitions then.
func TestPartitionKeyOfOtherColumns(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		few := map[string]string{maxPartitions: "5"}
		for i, column := range []string{"DEFAULT n % 20", "MATERIALIZED n % 20"} {
			table := fmt.Sprintf("t%d", i)
			db.Exec(t, fmt.Sprintf(`CREATE TABLE %s (n UInt32, p UInt32 %s) ENGINE = MergeTree ORDER BY n PARTITION BY p
				SETTINGS non_replicated_deduplication_window = 1000`, table, column))
			for range 2 {
				require.NoError(t, c.Insert(t.Context(), Insert{Table: table, Block: numbers(t, 0, 1000), Token: "x", Settings: few}))
				require.Equal(t, "1000\t20\t20", partitionsOfParts(t, db, table))
			}
		}
	})
}

// TestPartitionsOfViews: it may be the table of a view that has the partitions.
func TestPartitionsOfViews(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		few := map[string]string{maxPartitions: "5"}
		for i, by := range []string{"tuple()", "n % 20", "n % 3"} {
			table := fmt.Sprintf("t%d", i)
			s := chtest.SmallSchema
			s.Name = table
			ensure(t, c, s, ddl.Options{PartitionBy: by})
			for v, view := range []string{"n % 18", "tuple()"} {
				to := fmt.Sprintf("%s_%d", table, v)
				db.Exec(t, "CREATE TABLE "+to+" (n UInt32, twice UInt64) ENGINE = MergeTree ORDER BY n PARTITION BY "+view+
					" SETTINGS non_replicated_deduplication_window = 1000")
				db.Exec(t, "CREATE MATERIALIZED VIEW to_"+to+" TO "+to+" AS SELECT n, n * 2 AS twice FROM "+table)
			}
			for range 3 {
				require.NoError(t, c.Insert(t.Context(), Insert{Table: table, Block: numbers(t, 0, 1000), Token: "x", Settings: few}), by)
				for _, of := range []string{table, table + "_0", table + "_1"} {
					require.Equal(t, "1000\t1000", db.Query(t, "SELECT count(), uniqExact(n) FROM "+of), "%s by %s", of, by)
				}
			}
		}
	})
}

// TestPartitionsCutOnTheWay: an insert that breaks between its parts says that
// some of it is stored, and is made complete by its repetition.
func TestPartitionsCutOnTheWay(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *testClient) {
		db.Exec(t, "DROP TABLE t SYNC")
		ensure(t, c, chtest.SmallSchema, ddl.Options{PartitionBy: "n % 25"})
		few := map[string]string{maxPartitions: "5"}
		b := numbers(t, 0, 50_000) // 200 kB, five inserts
		const sum = "50000\t50000\t1249975000"
		for parts := range 4 {
			token := fmt.Sprint("x", parts)
			var cut atomic.Bool
			enough := func(int) bool { // false as soon as so many parts are stored and the next one is on its way
				if db.Query(t, fmt.Sprintf("SELECT count() >= %d FROM t", (parts+1)*10_000)) == "1" {
					cut.Store(true)
				}
				return !cut.Load()
			}
			p.OnBytes.Store(&enough)
			err := c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token, Settings: few})
			p.OnBytes.Store(nil)
			require.True(t, isClass(err, chconn.ErrAmbiguous) || isClass(err, chconn.ErrRetryable), "%v", err)
			var e *chconn.Error
			require.ErrorAs(t, err, &e)
			require.True(t, e.Partial, "%v", err)
			require.Equal(t, fmt.Sprint((parts+1)*10_000), db.Query(t, "SELECT count() FROM t"))
			for range 2 {
				require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token, Settings: few}))
				require.Equal(t, sum, db.Query(t, "SELECT count(), uniqExact(n), sum(n) FROM t"))
			}
			db.Exec(t, "TRUNCATE TABLE t SYNC")
		}
	})
}

func TestAppendSelected(t *testing.T) {
	t.Parallel()
	src := numbers(t, 0, 10)
	b := src.Layout().NewBlock()
	for _, c := range []struct {
		chosen func(int) bool
		want   []int
	}{
		{func(int) bool { return false }, nil},
		{func(int) bool { return true }, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{func(i int) bool { return i%2 == 0 }, []int{0, 2, 4, 6, 8}},
		{func(i int) bool { return i > 6 || i == 0 }, []int{0, 7, 8, 9}},
	} {
		b.Reset()
		require.NoError(t, b.AppendSelected(src, c.chosen))
		want := src.Layout().NewBlock()
		for _, n := range c.want {
			require.NoError(t, want.AppendRows(src, n, n+1))
		}
		require.Equal(t, want.Input(), b.Input())
	}
	require.ErrorIs(t, b.AppendSelected(b, func(int) bool { return true }), block.ErrLayout)
}

// TestPartitionsThatCannotBeAsked cuts one direction of the connection in the middle of the
// question for the partitions, when a part of the block is stored already: the answer that
// comes then, whatever it is, must not make the block go another way.
func TestPartitionsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	ensure(t, open(t, db.DSN), chtest.SmallSchema, ddl.Options{PartitionBy: "n % 110"})
	var halfClose atomic.Bool
	through := chtest.WithDSN(t, db.DSN, func(u *url.URL) { u.Host = halfClosing(t, u.Host, &halfClose) })
	c := open(t, through)
	in := Insert{Table: "t", Block: numbers(t, 0, 1000), Token: "x"}
	lost := errors.New("lost")
	in.OnPart = func(int) error { return lost }
	require.ErrorIs(t, c.Insert(t.Context(), in), chconn.ErrAmbiguous)
	in.OnPart, in.Again = nil, true
	c = open(t, through) // another process, which has to ask again
	halfClose.Store(true)
	require.ErrorIs(t, c.Insert(t.Context(), in), chconn.ErrRetryable)
	require.False(t, halfClose.Load(), "the question was cut")
	require.NoError(t, c.Insert(t.Context(), in))
	require.Equal(t, "1000\t1000", db.Query(t, "SELECT count(), uniqExact(n) FROM t"))
}

// halfClosing passes on what goes to a server, but for the next question for partitions
// when on is set: of that the end is missing, and the server sees the end of the stream.
func halfClosing(t *testing.T, server string, on *atomic.Bool) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	t.Cleanup(conns.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	conns.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			conns.Go(func() {
				_, _ = io.Copy(client, to)
				_ = client.Close()
			})
			conns.Go(func() {
				passUntilQuestion(to.(*net.TCPConn), client, on)
				_ = to.Close()
			})
		}
	})
	return listener.Addr().String()
}

// passUntilQuestion passes on bytes to the server until the client is gone.
func passUntilQuestion(to *net.TCPConn, from net.Conn, on *atomic.Bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		question := bytes.Index(buf[:n], []byte("arraySort(groupArray("))
		if question >= 0 && on.CompareAndSwap(true, false) {
			_, _ = to.Write(buf[:n-20])
			_ = to.CloseWrite()
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}
