package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestRepeatedCallReachesFixedView repeats a call whose facts a view's target has
// refused, once it no longer does: with fact IDs and without, and from the log.
func TestRepeatedCallReachesFixedView(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		for _, id := range []bool{true, false} {
			s := fact.Schema{Name: "seen", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: id}, {Name: "n", Type: fact.Int64}}, OrderBy: []string{"id"}}
			view := ddl.ViewOptions{Name: "seen_view", To: "seen_target", Select: "SELECT id, n FROM seen", Target: ddl.TargetOptions{
				OrderBy: []string{"id"}, Columns: []ddl.TargetColumn{{Name: "id", Type: "String"}, {Name: "n", Type: "Int64"}},
			}}
			m := materializer(t, Config{Client: m.client, Tables: map[string]ddl.Options{"seen": {Views: []ddl.ViewOptions{view}}}, RetryBudget: time.Millisecond})
			require.NoError(t, m.EnsureSchema(t.Context(), s))
			const count = "SELECT (SELECT count() FROM seen), (SELECT count() FROM seen_target)"
			refuse := func() { db.Exec(t, "ALTER TABLE seen_target ADD CONSTRAINT c CHECK n < 0") }
			fix := func() { db.Exec(t, "ALTER TABLE seen_target DROP CONSTRAINT c") }
			refuse()
			f := fact.Fact{Schema: "seen", ID: "a", Data: map[string]any{"id": "a", "n": 1}}
			for range 2 { // the second one looks for it
				require.ErrorIs(t, m.Materialize(t.Context(), f), ErrAmbiguous)
			}
			fix()
			require.NoError(t, m.Materialize(t.Context(), f))
			require.Equal(t, "1\t1", db.Query(t, count))
			if id {
				db.Exec(t, "TRUNCATE TABLE seen_target")
				n, err := m.MaterializeMissing(t.Context(), f)
				require.NoError(t, err)
				require.Zero(t, n)
				require.Equal(t, "1\t1", db.Query(t, count))
			}
			db.Exec(t, "DROP TABLE seen_view SYNC")
			db.Exec(t, "DROP TABLE seen SYNC")
			db.Exec(t, "DROP TABLE seen_target SYNC")
		}
	})
}
