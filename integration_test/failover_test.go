package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestFirstHostDiesAndComesBackBehind: all rows are on the second host, and the first one of the DSN,
// which divides them, dies while facts are recorded. The second takes over. Meanwhile the table gets a
// field, which the first lacks when it is back, until the schema is ensured again.
func TestFirstHostDiesAndComesBackBehind(t *testing.T) {
	t.Parallel()
	tr := newShardsTrial(t, 2)
	schema := spreadAnswers()
	options, _ := schema.Table.(ddl.Options)
	options.ShardingKey = "toUInt8(1)"
	schema.Table = options
	pipeline, _ := service(t, clickhouse.Config{DSN: tr.dsn})
	require.NoError(t, pipeline.EnsureSchemas(t.Context(), schema))
	recorded := 0
	record := func(p *fact.Pipeline, more map[string]any) {
		t.Helper()
		errs := make([]error, 40)
		var wg sync.WaitGroup
		for i := range errs {
			id := fmt.Sprintf("%d-%d", recorded, i)
			data := map[string]any{"id": id, "n": i, "text": "said"}
			for k, v := range more {
				data[k] = v
			}
			wg.Go(func() { errs[i] = p.Record(t.Context(), fact.Fact{ID: id, Schema: schema.Name, Data: data}) })
			if i == len(errs)/2 && recorded == 0 {
				require.NoError(t, tr.servers[0].Kill())
			}
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		recorded += len(errs)
	}
	record(pipeline, nil)
	record(pipeline, nil)

	wider := schema
	wider.Fields = append(slices.Clone(schema.Fields), fact.Field{Name: "more", Type: fact.UInt32})
	later, _ := service(t, clickhouse.Config{DSN: tr.dsn, RetryBudget: -1})
	err := later.EnsureSchemas(t.Context(), wider)
	require.ErrorContains(t, err, "host "+hostOf(tr.servers[0]))
	require.ErrorIs(t, err, clickhouse.ErrRetryable)
	require.NoError(t, tr.servers[0].Restart(t.Context()))
	first := &enginetest.DB{HTTPDSN: tr.servers[0].HTTPDSN()}
	require.Equal(t, "0", first.Query(t, "SELECT count() FROM system.columns WHERE table = 'spread_answer' AND name = 'more'"), "it is behind")
	record(pipeline, nil)
	require.NoError(t, later.EnsureSchemas(t.Context(), wider))
	record(later, map[string]any{"more": 7})
	for _, s := range tr.servers {
		db := &enginetest.DB{HTTPDSN: s.HTTPDSN()}
		require.Equal(t, fmt.Sprintf("%d\t%[1]d\t280", recorded), db.Query(t, "SELECT count(), uniqExact(id), sum(more) FROM spread_answer"))
	}
}
