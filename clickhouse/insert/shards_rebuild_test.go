package insert

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/rebuildhook"
	"github.com/factload/factload/internal/soak"
)

// shardedVersion is killVersion spread over shards.
func shardedVersion(t testing.TB, version int) ddl.Table {
	t.Helper()
	o := ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "intHash64(id)"}
	s := killSchema
	if version%2 == 1 {
		s.OrderBy = []string{"who", "id"}
		o.PartitionBy = "id % 3"
	}
	return chtest.NewTable(t, s, o)
}

// TestSoakRebuildKillsOverShards rebuilds the local tables of a Distributed one while rows are being
// inserted. Each time an engine is killed after one of the steps, and the rebuild is run
// again. No row may be lost or doubled.
func TestSoakRebuildKillsOverShards(t *testing.T) {
	t.Parallel()
	trials, seed := soak.Trials(t, 1, 20), soak.Seed(t)
	servers := enginetest.Cluster(t, 2)
	steps := killSteps(t)
	require.NoError(t, open(t, servers[0].DSN()).Ensure(t.Context(), shardedVersion(t, 0)))
	w := &writers{stop: make(chan struct{})}
	for i := range 3 {
		c := open(t, servers[i%2].DSN())
		c.generations.fresh = killFresh
		w.wait.Go(func() { w.write(t, c, seed+uint64(i)) })
	}
	defer w.wait.Wait()
	stop := sync.OnceFunc(func() { close(w.stop) })
	defer stop()
	r := rand.New(rand.NewPCG(seed, 3))
	from := r.IntN(len(steps))
	for trial := range trials {
		step := steps[(from+trial*3)%len(steps)]
		what := fmt.Sprintf("seed %d, trial %d: a shard killed when %s", seed, trial, step)
		killed := 0
		watch := func(s string) {
			if s == step && killed == 0 {
				killed++
				restart(t, servers[r.IntN(2)])
			}
		}
		rebuildShards(t, servers[trial%2], trial+1, watch, what)
		require.NotZero(t, killed, what)
		w.requireWell(t, what)
	}
	stop()
	w.wait.Wait()
	w.requireWell(t, "the end")
	ids := w.ids.Load()
	total := uint64(0)
	for i, server := range servers {
		var rows []struct {
			Rows  uint64 `ch:"rows"`
			IDs   uint64 `ch:"ids"`
			Wrong uint64 `ch:"wrong"`
		}
		sql := fmt.Sprintf("SELECT count() AS rows, uniqExact(id) AS ids, countIf(intHash64(id) %% 2 != %d OR id > %d) AS wrong FROM t_local", i, ids)
		require.NoError(t, open(t, server.DSN()).Select(t.Context(), &rows, sql))
		require.Equal(t, rows[0].IDs, rows[0].Rows, "seed %d: rows are doubled on shard %d", seed, i)
		require.Zero(t, rows[0].Wrong)
		total += rows[0].Rows
	}
	require.Equal(t, ids, total, "seed %d", seed)
	t.Logf("%d trials, %d rows, %d inserts repeated, %d of them in doubt", trials, ids, w.again.Load(), w.doubt.Load())
}

func restart(t *testing.T, server *embedded.Server) {
	t.Helper()
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
}

// rebuildShards rebuilds until it is done, and then finds nothing to do on any host.
func rebuildShards(t *testing.T, server *embedded.Server, version int, watch func(string), what string) {
	t.Helper()
	table := shardedVersion(t, version)
	rebuildUntilDone(t, server.DSN(), table, watch, what)
	tables, err := ddl.Expand(table)
	require.NoError(t, err)
	for _, table := range tables {
		plans, err := open(t, server.DSN()).PlanHosts(t.Context(), table, "")
		require.NoError(t, err)
		require.Len(t, plans, 2)
		for _, plan := range plans {
			require.Empty(t, plan.Statements, "%s: %s on %s", what, plan.Table, plan.Host)
		}
	}
}

// TestShardThatIsRebuiltBeforeAnInsertIsRepeated: an insert fails on one shard, and the other, which
// has its rows, is rebuilt before all of it is repeated. The new table does not know the token.
func TestShardThatIsRebuiltBeforeAnInsertIsRepeated(t *testing.T) {
	t.Parallel()
	servers := enginetest.Cluster(t, 2)
	c := open(t, servers[0].DSN())
	c.generations.fresh = killFresh
	options := ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "cityHash64(id)"}
	ensure(t, c, spreadSchema, options)
	in := Insert{Table: "spread", Block: spreadBlock(t, 0, 100), Token: "a"}
	other := open(t, servers[1].DSN())
	require.NoError(t, other.Exec(t.Context(), "RENAME TABLE spread_local TO away"))
	require.ErrorIs(t, c.Insert(t.Context(), in), chconn.ErrAmbiguous)

	anew := spreadSchema
	anew.OrderBy = []string{"n"}
	tables, err := ddl.Expand(chtest.NewTable(t, anew, options))
	require.NoError(t, err)
	plans, err := c.PlanHosts(t.Context(), tables[0], chtest.Host(t, servers[0].DSN()))
	require.NoError(t, err)
	require.Len(t, plans, 1)
	ctx := rebuildhook.With(t.Context(), rebuildhook.Hook{Hold: killHold})
	require.NoError(t, plans[0].Apply(ctx, ddl.NeedsRebuild))

	require.NoError(t, other.Exec(t.Context(), "RENAME TABLE away TO spread_local"))
	in.Again = true
	require.NoError(t, c.Insert(t.Context(), in))
	requireSpread(t, []*testClient{c, other}, "cityHash64(id)", 100)
}
