package migrate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var shardedOptions = ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "cityHash64( id )", Comment: "what was said"}

func shardedSchema(extra ...fact.Field) fact.Schema {
	return fact.Schema{Name: "spread", OrderBy: []string{"id"}, Fields: append([]fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "n", Type: fact.UInt16, Default: 7, Comment: "a number"},
		{Name: "doc", Type: fact.JSON},
	}, extra...)}
}

// planned returns the plans that are not empty, of both tables on all hosts.
func planned(t *testing.T, m *Migrator, table ddl.Table) []HostPlan {
	t.Helper()
	tables, err := ddl.Expand(table)
	require.NoError(t, err)
	require.Len(t, tables, 2)
	var out []HostPlan
	for _, table := range tables {
		plans, err := m.PlanHosts(t.Context(), table, "")
		require.NoError(t, err)
		for _, p := range plans {
			if p.Drift() {
				out = append(out, p)
			}
		}
	}
	return out
}

func clusterOf(t *testing.T, n int) (*testClient, []*embedded.Server, []*testClient) {
	t.Helper()
	servers := enginetest.Cluster(t, n)
	each := make([]*testClient, n)
	for i, s := range servers {
		each[i] = open(t, s.DSN())
	}
	return each[0], servers, each
}

func TestTablesOfAClusterAreMadeAndChangedOnEachHost(t *testing.T) {
	t.Parallel()
	c, servers, each := clusterOf(t, 3)
	table := chtest.NewTable(t, shardedSchema(), shardedOptions)
	require.Len(t, planned(t, c.Migrator, table), 6, "two tables on three hosts")
	require.NoError(t, c.Ensure(t.Context(), table))
	require.Empty(t, planned(t, c.Migrator, table))

	table = chtest.NewTable(t, shardedSchema(fact.Field{Name: "more", Type: fact.String, Array: true}), shardedOptions)
	require.NoError(t, c.Ensure(t.Context(), table))
	require.NoError(t, c.Ensure(t.Context(), table))
	require.Empty(t, planned(t, c.Migrator, table))

	// One host differs, and is put right without the others.
	require.NoError(t, each[1].Exec(t.Context(), "ALTER TABLE spread_local DROP COLUMN more"))
	require.NoError(t, each[2].Exec(t.Context(), "ALTER TABLE spread MODIFY COLUMN n UInt64, MODIFY COMMENT 'other'"))
	drift := planned(t, c.Migrator, table)
	require.Len(t, drift, 2)
	require.Equal(t, "spread_local", drift[0].Table)
	require.Equal(t, chtest.Host(t, servers[1].DSN()), drift[0].Host)
	require.Equal(t, "spread", drift[1].Table)
	require.Equal(t, chtest.Host(t, servers[2].DSN()), drift[1].Host)
	require.NoError(t, drift[1].Apply(t.Context()))
	left := planned(t, c.Migrator, table)
	require.Len(t, left, 1)
	require.Equal(t, drift[0].Host, left[0].Host)
	tables, err := ddl.Expand(table)
	require.NoError(t, err)
	only, err := c.PlanHosts(t.Context(), tables[0], drift[0].Host)
	require.NoError(t, err)
	require.Len(t, only, 1)
	require.NoError(t, only[0].Apply(t.Context()))
	require.Empty(t, planned(t, c.Migrator, table))
	_, err = c.PlanHosts(t.Context(), tables[0], "127.0.0.9:1")
	require.ErrorContains(t, err, `"127.0.0.9:1" is none of its hosts`)

	// A host that is down is named, the others are seen to, and what is left is done later.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, servers[1].Kill())
	table = chtest.NewTable(t, shardedSchema(fact.Field{Name: "more", Type: fact.String, Array: true}, fact.Field{Name: "most", Type: fact.Bool}), shardedOptions)
	err = c.Ensure(t.Context(), table)
	require.ErrorIs(t, err, chconn.ErrRetryable)
	require.ErrorContains(t, err, "host "+drift[0].Host)
	have, err := each[2].Inspect(t.Context(), "spread_local")
	require.NoError(t, err)
	require.Len(t, have.Columns, 5)
	require.NoError(t, servers[1].Restart(ctx))
	require.NotEmpty(t, planned(t, c.Migrator, table))
	require.NoError(t, c.Ensure(t.Context(), table))
	require.Empty(t, planned(t, c.Migrator, table))

	// Other places for rows are a change that somebody has to permit.
	moved := shardedOptions
	moved.ShardingKey = "cityHash64(doc)"
	table.Distributed = chtest.NewTable(t, shardedSchema(), moved).Distributed
	drift = planned(t, c.Migrator, table)
	require.Len(t, drift, 3)
	require.ErrorAs(t, drift[0].Apply(t.Context()), new(*diff.RefusedError))
	for _, p := range drift {
		require.NoError(t, p.Apply(t.Context(), ddl.DropsMetadata))
	}
	require.Empty(t, planned(t, c.Migrator, table))
}

func TestTableWithRowsDoesNotBecomeDistributed(t *testing.T) {
	t.Parallel()
	c, _, _ := clusterOf(t, 1)
	require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, shardedSchema(), ddl.Options{})))
	table := chtest.NewTable(t, shardedSchema(), shardedOptions)
	err := c.Ensure(t.Context(), table)
	require.ErrorAs(t, err, new(*diff.RefusedError))
	require.ErrorContains(t, err, `rename it to "spread_local"`)
	require.NoError(t, c.Exec(t.Context(), "DROP TABLE spread_local"))
	require.NoError(t, c.Exec(t.Context(), "RENAME TABLE spread TO spread_local"))
	require.NoError(t, c.Ensure(t.Context(), table))
	require.Empty(t, planned(t, c.Migrator, table))
}

func TestUnknownClusterIsSaid(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	o := shardedOptions
	o.Cluster = "nowhere"
	err := open(t, db.DSN).Ensure(t.Context(), chtest.NewTable(t, shardedSchema(), o))
	require.ErrorIs(t, err, chconn.ErrSchema)
	require.ErrorContains(t, err, `cluster "nowhere": the server knows no cluster of that name`)
}
