package clickhouse

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faultproxy"
)

// TestHalfClosedConnections ends one direction of connections in the middle of a
// block. Whatever the server makes of what it has, the facts are not to blame: they
// are stored once, by the next connection.
func TestHalfClosedConnections(t *testing.T) {
	t.Parallel()
	throughFaults(t, "", func(t *testing.T, db *enginetest.DB, p *faultproxy.Proxy, m *Materializer) {
		facts := make([]fact.Fact, 100)
		for i := range facts {
			facts[i] = fact.Fact{Schema: "wide", Data: map[string]any{"id": strings.Repeat("x", 400), "at": "2026-02-03T04:05:06Z"}}
		}
		first := -1
		p.SetPlan(func(n int) faultproxy.Plan { // the first turns of some connections
			if first < 0 {
				first = n
			}
			if n-first >= 6 {
				return faultproxy.Plan{}
			}
			return faultproxy.Plan{Kind: faultproxy.HalfClose, Turn: 1 + n - first, Bytes: 300 * (1 + n - first)}
		})
		p.CutAll()
		require.NoError(t, m.Materialize(t.Context(), facts...))
		require.NoError(t, m.Flush(t.Context()))
		require.Positive(t, p.Happened()[faultproxy.HalfClose])
		require.Equal(t, "100", db.Query(t, "SELECT count() FROM wide"))
	})
}

// TestFlippedBytes changes a byte of rows on their way. Compressed rows have checksums:
// the server refuses what it gets, the facts are not to blame, and they are stored once.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	throughFaults(t, "?compress=lz4", func(t *testing.T, db *enginetest.DB, p *faultproxy.Proxy, m *Materializer) {
		facts := make([]fact.Fact, 1000)
		for i := range facts {
			facts[i] = fact.Fact{Schema: "wide", Data: map[string]any{"id": rand.Text() + rand.Text(), "at": "2026-02-03T04:05:06Z"}}
		}
		first := -1
		p.SetPlan(func(n int) faultproxy.Plan {
			if first < 0 {
				first = n
			}
			if n-first >= 3 {
				return faultproxy.Plan{}
			}
			return faultproxy.Plan{Kind: faultproxy.FlipByte, Bytes: 10_000 * (1 + n - first)} // statements are shorter
		})
		p.CutAll()
		require.NoError(t, m.Materialize(t.Context(), facts...))
		require.NoError(t, m.Flush(t.Context()))
		require.Positive(t, p.Happened()[faultproxy.FlipByte])
		require.Equal(t, "1000\t1000", db.Query(t, "SELECT count(), uniqExact(id) FROM wide"))
	})
}

// throughFaults runs a test over both protocols and in both modes, with a table wide and
// a proxy before the server. In Buffered mode no fact may be given up.
func throughFaults(t *testing.T, params string, test func(t *testing.T, db *enginetest.DB, p *faultproxy.Proxy, m *Materializer)) {
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		for _, mode := range []Mode{Acknowledged, Buffered} {
			p, proxied, err := faultproxy.ForDSN(dsn+params, faultproxy.Healthy())
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Close()) })
			cfg := Config{DSN: proxied, Mode: mode}
			if mode == Buffered {
				cfg.OnFailure = func(f Failure) { t.Errorf("given up: %v", f.Err) }
			}
			m := materializer(t, cfg)
			require.NoError(t, m.EnsureSchema(t.Context(), chtest.WideSchema))
			db.Exec(t, "TRUNCATE TABLE wide")
			test(t, db, p, m)
		}
	})
}
