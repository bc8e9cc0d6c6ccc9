package clickhouse

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// rollingSchema is a schema in its first version or in its second, which has a
// wider field and one more.
func rollingSchema(second bool) fact.Schema {
	s := fact.Schema{Name: "answer", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.Int32}, {Name: "verdict", Type: fact.Enum, Values: []string{"good", "bad"}},
	}}
	if second {
		s.Fields[1].Type = fact.Int64
		s.Fields[2].Values = append(s.Fields[2].Values, "unsure")
		s.Fields = append(s.Fields, fact.Field{Name: "model", Type: fact.LowCardinalityString, Default: "none"})
	}
	return s
}

// TestRollingDeploy switches back and forth between two versions of a service.
// At each switch the version that comes starts while the other one still records.
func TestRollingDeploy(t *testing.T) {
	t.Parallel()
	const switches, goroutines, each = 10, 64, 2
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		var ids atomic.Int64
		start := func(second bool) *Materializer {
			m := materializer(t, Config{DSN: dsn, Allow: []ddl.Hazard{ddl.RewritesData}})
			if err := m.EnsureSchema(t.Context(), rollingSchema(second)); err != nil {
				require.False(t, second, "%v", err)
				require.ErrorAs(t, err, new(*diff.RefusedError), "a rolled-back version may live with that")
			}
			return m
		}
		record := func(wait *sync.WaitGroup, m *Materializer, second bool) {
			for range goroutines {
				wait.Go(func() {
					for range each {
						data := map[string]any{"n": 70000, "verdict": "bad"}
						if second {
							data = map[string]any{"n": int64(1) << 40, "verdict": "unsure", "model": "m"}
						}
						if err := m.Materialize(t.Context(), fact.Fact{Schema: "answer", ID: fmt.Sprint(ids.Add(1)), Data: data}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		running := start(false)
		for i := range switches {
			second := i%2 == 0
			var wait sync.WaitGroup
			record(&wait, running, !second)
			next := start(second)
			record(&wait, next, second)
			wait.Wait()
			require.NoError(t, running.Close(t.Context()))
			running = next
		}
		n := switches * 2 * goroutines * each
		require.EqualValues(t, n, ids.Load())
		require.Equal(t, fmt.Sprintf("%d\t%d\t%d\t%d", n, n, n/2, n/2), db.Query(t, "SELECT count(), uniqExact(id), countIf(n = 70000 AND verdict = 'bad' AND model = 'none'), countIf(n = 1099511627776 AND verdict = 'unsure' AND model = 'm') FROM answer"))
		require.Equal(t, "answer", db.Query(t, "SHOW TABLES"), "no copies are left")
	})
}
