package insert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var benchSchema = fact.Schema{
	Name: "bench",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "content", Type: fact.String},
		{Name: "tokens", Type: fact.UInt32},
		{Name: "score", Type: fact.Float64, Nullable: true},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"id"},
}

// BenchmarkInsert sends blocks that are encoded already: what the client adds
// to the work of the server.
func BenchmarkInsert(b *testing.B) {
	const rows = 50_000
	db := enginetest.Database(b)
	rowsBlock := chtest.Compile(b, benchSchema).NewBlock()
	for i := range rows {
		line := fmt.Sprintf(`{"id":"c-%08d","role":%q,"content":%q,"tokens":%d,"created_at":%d}`,
			i, []string{"user", "assistant"}[i%2], strings.Repeat("some words of a chat message ", 8), i%5000, int64(1770000000000+i))
		require.NoError(b, rowsBlock.AppendJSON([]byte(line)))
	}
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		b.Run(name, func(b *testing.B) {
			c := open(b, dsn)
			ensure(b, c, benchSchema, ddl.Options{Engine: "MergeTree"})
			b.SetBytes(int64(rowsBlock.Bytes()))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				require.NoError(b, c.Insert(b.Context(), Insert{Table: "bench", Block: rowsBlock, Token: fmt.Sprint(name, n)}))
			}
			b.ReportMetric(float64(rows*n)/b.Elapsed().Seconds(), "rows/s")
			db.Exec(b, "TRUNCATE TABLE bench SYNC")
		})
	}
}
