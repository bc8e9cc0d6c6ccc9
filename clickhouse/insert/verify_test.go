package insert

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// forget removes rows and leaves the server the token of their insert, as a
// server does that is killed between noting the token and keeping the rows.
func forget(t *testing.T, db *enginetest.DB, table, which string) {
	t.Helper()
	db.Exec(t, fmt.Sprintf("ALTER TABLE %s DELETE WHERE %s SETTINGS mutations_sync = 2", table, which))
}

// eventSchema has keys that are expressions, and something of every kind.
var eventSchema = fact.Schema{Name: "events", Fields: []fact.Field{
	{Name: "id", Type: fact.String, FactID: true},
	{Name: "at", Type: fact.DateTime64},
	{Name: "kind", Type: fact.LowCardinalityString, Nullable: true},
	{Name: "opt", Type: fact.UInt32, Nullable: true},
	{Name: "price", Type: fact.Decimal, Precision: 10, Scale: 2},
	{Name: "color", Type: fact.Enum, Values: []string{"red", "green"}},
	{Name: "day", Type: fact.Date},
	{Name: "ok", Type: fact.Bool},
	{Name: "key", Type: fact.UUID},
	{Name: "score", Type: fact.Float64},
	{Name: "tags", Type: fact.String, Array: true},
	{Name: "text", Type: fact.String},
	{Name: "partition", Type: fact.String},
	{Name: "payload", Type: fact.NativeJSON},
}, OrderBy: []string{"ok", "at"}}

func eventLines(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		kind, opt := fmt.Sprintf(`"k%d"`, i%3), fmt.Sprint(i)
		if i%4 == 0 {
			kind, opt = "null", "null"
		}
		lines[i] = fmt.Sprintf(`{"id":"e%d","at":"2026-%02d-03T04:05:06.%03dZ","kind":%s,"opt":%s,"price":%d.25,"color":"green","day":"2026-01-02","ok":true,`+
			`"key":"61f0c404-5cb3-11e7-907b-a6006ad3dba0","score":0.1,"tags":["a"],"text":"t%d","partition":"p","payload":{"a":{"b":%d}}}`,
			i, 1+i%5, i%1000, kind, opt, i, i, i)
	}
	return lines
}

func TestInsertAgainFindsLostRows(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		ensure(t, c, eventSchema, ddl.Options{PartitionBy: "toYYYYMM(at)"})
		in := Insert{Table: "events", Block: chtest.BlockOf(t, chtest.Compile(t, eventSchema), eventLines(100)...), Token: "x"}
		sum := func() string {
			return db.Query(t, "SELECT count(), uniqExact(id), sum(cityHash64(toString(tuple(*)))) FROM events")
		}
		require.NoError(t, c.Insert(t.Context(), in))
		all := sum()
		in.Again = true
		require.NoError(t, c.Insert(t.Context(), in))
		require.Equal(t, all, sum(), "nothing was lost")

		for i, which := range []string{"1", "toMonth(at) = 3", "toMonth(at) IN (1, 5)"} {
			forget(t, db, "events", which)
			in.Again = false
			require.NoError(t, c.Insert(t.Context(), in))
			require.NotEqual(t, all, sum(), "the server does not tell")
			in.Again = true
			require.NoError(t, c.Insert(t.Context(), in))
			require.Equal(t, all, sum(), which)
			in.Token = fmt.Sprint("y", i) // once lost is all that can happen in one test
			forget(t, db, "events", "1")
			require.NoError(t, c.Insert(t.Context(), in))
			require.Equal(t, all, sum())
		}

		// Rows that somebody has removed stay away, when others of their part
		// are there.
		forget(t, db, "events", "id = 'e7'")
		require.NoError(t, c.Insert(t.Context(), in))
		require.Equal(t, "99", db.Query(t, "SELECT count() FROM events"))
	})
}

// TestInsertAgainIntoMergingEngines loses rows as a server does that is killed between the
// token and the part. Where rows are merged, their fact IDs in the sorting key find them.
func TestInsertAgainIntoMergingEngines(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		s := fact.Schema{Name: "m", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.UInt32}}}
		rows := []string{`{"id":"a","n":1}`, `{"id":"b","n":2}`, `{"id":"c","n":3}`}
		for _, engine := range []string{"ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CoalescingMergeTree"} {
			for _, key := range []string{"id", "n"} {
				db.Exec(t, "DROP TABLE IF EXISTS m SYNC")
				db.Exec(t, fmt.Sprintf("CREATE TABLE m (id String, n UInt32) ENGINE = %s ORDER BY %s SETTINGS non_replicated_deduplication_window = 100", engine, key))
				in := Insert{Table: "m", Block: chtest.BlockOf(t, chtest.Compile(t, s), rows...), Token: engine + key}
				require.NoError(t, c.Insert(t.Context(), in))
				forget(t, db, "m", "id = 'b'")
				in.Again = true
				err := c.Insert(t.Context(), in)
				if key == "n" {
					require.ErrorIs(t, err, chconn.ErrAmbiguous, engine)
					continue
				}
				require.NoError(t, err, engine)
				require.Equal(t, "a,b,c", db.Query(t, "SELECT arrayStringConcat(arraySort(groupUniqArray(id)), ',') FROM m"), engine)
			}
		}
	})
}

func TestInsertAgainIntoOddTables(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		for i, name := range []string{"back`tick", `quo'"te`, `back\slash`, "a,b", "new\nline", "{x:Identifier}", "?", "count()", "c0", "漢字", "row"} {
			s := fact.Schema{Name: name, Fields: []fact.Field{{Name: name, Type: fact.String}, {Name: "floats", Type: fact.Float32, Array: true}}}
			if i%2 == 0 {
				s.OrderBy = []string{name}
			}
			ensure(t, c, s, ddl.Options{})
			b := chtest.Compile(t, s).NewBlock()
			require.NoError(t, b.AppendFact("", map[string]any{name: "x"}))
			in := Insert{Table: name, Block: b, Token: "x", Again: true}
			require.NoError(t, c.Insert(t.Context(), in), name)
			forget(t, db, ddl.QuoteIdent(name), "1")
			require.NoError(t, c.Insert(t.Context(), in), name)
			require.Equal(t, "1", db.Query(t, "SELECT count() FROM "+ddl.QuoteIdent(name)), name)
		}

		// Nothing but floats, which are compared then.
		floats := fact.Schema{Name: "floats", Fields: []fact.Field{{Name: "x", Type: fact.Float64}}}
		ensure(t, c, floats, ddl.Options{})
		in := Insert{Table: "floats", Block: chtest.BlockOf(t, chtest.Compile(t, floats), `{"x":1.1}`), Token: "x", Again: true}
		require.NoError(t, c.Insert(t.Context(), in))
		forget(t, db, "floats", "1")
		require.NoError(t, c.Insert(t.Context(), in))
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM floats"))

		// Nothing that can be compared.
		lists := fact.Schema{Name: "lists", Fields: []fact.Field{{Name: "x", Type: fact.Float64, Array: true}}}
		ensure(t, c, lists, ddl.Options{})
		in = Insert{Table: "lists", Block: chtest.BlockOf(t, chtest.Compile(t, lists), `{"x":[1]}`), Token: "x"}
		require.NoError(t, c.Insert(t.Context(), in))
		in.Again = true
		require.ErrorIs(t, c.Insert(t.Context(), in), chconn.ErrAmbiguous)

		// Keys with columns that the schema does not have.
		db.Exec(t, `CREATE TABLE t (n UInt32, host String DEFAULT 'h', day Date MATERIALIZED toDate(n)) ENGINE = MergeTree
			PARTITION BY day ORDER BY host SETTINGS non_replicated_deduplication_window = 100`)
		in = Insert{Table: "t", Block: numbers(t, 1, 10), Token: "x", Again: true}
		require.NoError(t, c.Insert(t.Context(), in))
		forget(t, db, "t", "1")
		require.NoError(t, c.Insert(t.Context(), in))
		require.Equal(t, "10", db.Query(t, "SELECT count() FROM t"))
	})
}
