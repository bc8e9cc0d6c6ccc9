package clickhouse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// bothProtocols runs a test over the native protocol and over HTTP, each in a
// database of its own.
func bothProtocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, c *Client)) {
	t.Helper()
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			dsn := db.DSN
			if protocol == "http" {
				dsn = db.HTTPDSN
			}
			c, err := Open(dsn)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, c.Close()) })
			test(t, db, c)
		})
	}
}

func compile(t testing.TB, s fact.Schema) *block.Layout {
	t.Helper()
	l, err := block.Compile(s, block.Options{})
	require.NoError(t, err)
	return l
}

func ensure(t testing.TB, c *Client, s fact.Schema, o ddl.Options) {
	t.Helper()
	table, err := ddl.NewTable(s, o)
	require.NoError(t, err)
	require.NoError(t, c.Ensure(t.Context(), table))
}

func blockOf(t testing.TB, l *block.Layout, lines ...string) *block.Block {
	t.Helper()
	b := l.NewBlock()
	for _, line := range lines {
		require.NoError(t, b.AppendJSON([]byte(line)))
	}
	return b
}

// hostileNames are names of tables and columns that statements, and those who
// take statements apart with expressions, may trip over.
var hostileNames = []string{
	"plain", "with space", "back`tick", "``", "quo'te", `dou"ble`, `back\slash`, `\`, "`) VALUES (1); DROP TABLE x; --",
	"pa(ren", "pa)ren", "(", ")", "((", "a,b", "a, `b", "new\nline", "ta\tb", "-- comment", "/* comment */", "# hash",
	"FORMAT Native", "VALUES", "SETTINGS x = 1", "select", "INSERT INTO y", "{x:Identifier}", "{x", "?", "@p", "$1", "ünïcode", "漢字", "🙂",
	"%41", "a.b", "1st", strings.Repeat("l", 100), ";", "a;b", "$tag$", "null", "`", "\u00a0", "\x01",
}

func TestHostileNamesAreInserted(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		for i, name := range hostileNames {
			t.Run(fmt.Sprintf("%d %.12q", i, name), func(t *testing.T) {
				s := fact.Schema{Name: name, Fields: []fact.Field{{Name: "n", Type: fact.UInt32}, {Name: name, Type: fact.String}, {Name: "z", Type: fact.LowCardinalityString}}, OrderBy: []string{name}}
				if name == "n" || name == "z" {
					return
				}
				ensure(t, c, s, ddl.Options{})
				ensure(t, c, s, ddl.Options{})
				b := compile(t, s).NewBlock()
				require.NoError(t, b.AppendFact("", map[string]any{"n": i, name: "v", "z": "w"}))
				require.NoError(t, c.Insert(t.Context(), Insert{Table: name, Block: b, Token: "t"}))
				got := db.Query(t, "SELECT n, "+ddl.QuoteIdent(name)+", z FROM "+ddl.QuoteIdent(name))
				require.Equal(t, fmt.Sprintf("%d\tv\tw", i), got)
			})
		}
	})
}

func TestProbeMismatch(t *testing.T) {
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		s := fact.Schema{Name: "m", Fields: []fact.Field{{Name: "a", Type: fact.UInt32}, {Name: "b", Type: fact.String, Nullable: true}}}
		b := blockOf(t, compile(t, s), `{"a":1,"b":null}`)
		for _, ddl := range []string{"a UInt64, b Nullable(String)", "a UInt32, b String", "a UInt32", "a UInt32, b Nullable(String), c String DEFAULT 'x'", "a UInt32, b Nullable(String) MATERIALIZED 'x'", "a UInt32, b String ALIAS 'x'"} {
			db.Exec(t, "DROP TABLE IF EXISTS m SYNC")
			db.Exec(t, "CREATE TABLE m ("+ddl+") ENGINE=MergeTree ORDER BY a")
			err := c.Insert(t.Context(), Insert{Table: "m", Block: b})
			t.Log(ddl, "=>", err, classify(err, sent), db.Query(t, "SELECT * FROM m FORMAT TSVWithNames"))
		}
		db.Exec(t, "DROP TABLE IF EXISTS m SYNC")
		err := c.Insert(t.Context(), Insert{Table: "m", Block: b})
		t.Log(err)
		_, err = c.Query(t.Context(), "SELECT * FROM nope")
		t.Log(err)
		err = c.Exec(t.Context(), "SELEC 1")
		t.Log(err)
	})
}
