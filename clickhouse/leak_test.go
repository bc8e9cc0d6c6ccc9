package clickhouse

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/internal/enginetest"
)

// TestNoGoroutineIsLeftBehind is not parallel: it looks at all goroutines.
func TestNoGoroutineIsLeftBehind(t *testing.T) {
	db := enginetest.Database(t)
	silent := chtest.SilentAddr(t)
	before := goleak.IgnoreCurrent()
	for _, dsn := range []string{db.DSN, db.HTTPDSN, db.HTTPDSN + "?compress=gzip", "clickhouse://" + silent + "/db?dial_timeout=300ms", "http://" + silent + "/db?dial_timeout=300ms"} {
		m, err := New(Config{DSN: dsn})
		require.NoError(t, err)
		reachable := m.Ping(t.Context()) == nil
		ensured := m.EnsureSchema(t.Context(), pairSchema)
		if reachable {
			require.NoError(t, ensured)
			for i := range 5 {
				require.NoError(t, m.Materialize(t.Context(), pair("pair", "", "x", i)))
			}
			rows, err := m.client.Query(t.Context(), "SELECT number FROM numbers(1000000)")
			require.NoError(t, err)
			require.True(t, rows.Next())
			require.NoError(t, rows.Close())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, m.Materialize(ctx, pair("pair", "", "x", 1)), context.Canceled)
		require.NoError(t, m.Close(t.Context()))
	}
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/factload/factload/clickhouse.silentAddr.func1"))
}
