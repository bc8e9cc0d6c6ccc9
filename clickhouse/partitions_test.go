package clickhouse

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// TestSoakPartitionsOfDays: a call whose facts are of ten years, with a
// partition each day.
func TestSoakPartitionsOfDays(t *testing.T) {
	t.Parallel()
	days := soak.Scale(210, 3650)
	db := enginetest.Database(t)
	m := materializer(t, Config{DSN: db.DSN, Tables: map[string]ddl.Options{"daily": {PartitionBy: "toYYYYMMDD(at)"}}})
	schema := fact.Schema{Name: "daily", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "at", Type: fact.DateTime64}}, OrderBy: []string{"at"}}
	require.NoError(t, m.EnsureSchema(t.Context(), schema))
	facts := make([]fact.Fact, days)
	for i := range facts {
		facts[i] = fact.Fact{Schema: "daily", ID: fmt.Sprint(i), Data: map[string]any{"at": int64(1_400_000_000_000) + int64(i)*86_400_000}}
	}
	for range 2 {
		require.NoError(t, m.Materialize(t.Context(), facts...))
		require.Equal(t, fmt.Sprintf("%d\t%d\t%d", days, days, days), db.Query(t, "SELECT count(), uniqExact(id), uniqExact(toDate(at)) FROM daily"))
	}
}
