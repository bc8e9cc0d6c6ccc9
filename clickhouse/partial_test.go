package clickhouse

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// A call for two tables whose second one fails is repeated as a whole. Its rows
// in the first table had shared an insert with those of others, so that no token
// tells that they are there.
func TestRepeatedPartialCallStoresOnce(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, _ *Materializer) {
		m := materializer(t, Config{DSN: db.DSN, Pace: 500 * time.Millisecond, RetryBudget: -1})
		a, b := named(idSchema, "a"), named(idSchema, "b")
		require.NoError(t, m.EnsureSchema(t.Context(), a, b))
		one := func(schema, id string) fact.Fact {
			return fact.Fact{Schema: schema, ID: id, Data: map[string]any{"n": 1}}
		}
		require.NoError(t, m.Materialize(t.Context(), one("a", "first")))
		db.Exec(t, "ALTER TABLE b ADD CONSTRAINT broken CHECK n = 0")

		both := []fact.Fact{one("a", "1"), one("b", "2"), one("a", "3")}
		var wg sync.WaitGroup
		for _, id := range []string{"x", "y"} { // in the same insert, for it has to wait for its turn
			wg.Go(func() {
				if err := m.Materialize(t.Context(), one("a", id)); err != nil {
					t.Error(err)
				}
			})
		}
		var partial *PartialInsertError
		require.ErrorAs(t, m.Materialize(t.Context(), both...), &partial)
		require.Equal(t, []string{"a"}, partial.Stored)
		wg.Wait()
		require.Equal(t, "2", db.Query(t, "SELECT uniqExact(_part) FROM a"), "one insert for three calls")

		db.Exec(t, "ALTER TABLE b DROP CONSTRAINT broken")
		require.NoError(t, m.Materialize(t.Context(), both...))
		require.Equal(t, "5\t5", db.Query(t, "SELECT count(), uniqExact(id) FROM a"))
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM b"))
	})
}
