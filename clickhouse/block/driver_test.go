package block

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// TestDriverColumns decodes every column with clickhouse-go's own and has it
// encode the values again: the bytes are the same. So a block can be handed to
// a batch of that driver.
func TestDriverColumns(t *testing.T) {
	t.Parallel()
	b := newBlock(t, everything(), Options{})
	r := rand.New(rand.NewPCG(6, 6))
	for range 400 {
		require.NoError(t, b.AppendJSON(randomLine(r, false)))
	}
	for i, want := range encoded(b) {
		col := driverColumn(t, b, i)
		var buf proto.Buffer
		if s, ok := col.(driver.CustomSerialization); ok {
			require.NoError(t, s.WriteStatePrefix(&buf))
		}
		col.Encode(&buf)
		require.Equal(t, want, string(buf.Buf), col.Type())
	}
}

// TestDriverBatch inserts the same block with ch-go and with a batch of
// clickhouse-go, and finds the same rows in the table.
func TestDriverBatch(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	layout := mustCompile(t, everything(), Options{})
	b := layout.NewBlock()
	r := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		require.NoError(t, b.AppendJSON(randomLine(r, false)))
	}
	createTable(t, db, "direct", layout)
	require.NoError(t, send(t, dial(t, db), "direct", b))

	createTable(t, db, "batch", layout)
	options, err := clickhouse.ParseDSN(db.DSN)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	settings := clickhouse.Settings{}
	for name, value := range layout.Settings() {
		settings[name] = value
	}
	batch, err := conn.PrepareBatch(clickhouse.Context(t.Context(), clickhouse.WithSettings(settings)), "INSERT INTO batch")
	require.NoError(t, err)
	for i, col := range batch.Columns() {
		var buf proto.Buffer
		b.EncodeColumn(i, &buf)
		reader := buf.Reader()
		if s, ok := col.(driver.CustomSerialization); ok {
			require.NoError(t, s.ReadStatePrefix(reader))
		}
		require.NoError(t, col.Decode(reader, b.Rows()))
	}
	require.NoError(t, batch.Send())

	require.Equal(t, fmt.Sprint(b.Rows()), db.Query(t, "SELECT count() FROM batch"))
	requireSameRows(t, db, "direct", "batch", layout)
}

// requireSameRows compares two tables as bags of rows, both ways.
func requireSameRows(t testing.TB, db *enginetest.DB, a, b string, l *Layout) {
	t.Helper()
	var columns []string
	for _, c := range l.Columns() {
		name := ddl.QuoteIdent(c.Name)
		if c.Type == "JSON" {
			name = "toString(" + name + ")"
		}
		columns = append(columns, name)
	}
	list := strings.Join(columns, ", ")
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		q := fmt.Sprintf("SELECT * FROM (SELECT %s FROM %s EXCEPT SELECT %s FROM %s) LIMIT 1 FORMAT Vertical", list, pair[0], list, pair[1])
		require.Empty(t, db.Query(t, q), "in %s and not in %s", pair[0], pair[1])
	}
	count := func(table string) string { return db.Query(t, "SELECT count() FROM "+table) }
	require.Equal(t, count(a), count(b))
}
