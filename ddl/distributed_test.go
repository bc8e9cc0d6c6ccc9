package ddl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
)

func TestShardingKeysThatChangeAreRefused(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "random", Type: fact.UInt32}}}
	problem := func(o ddl.Options) string {
		_, err := ddl.NewTable(schema, o)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, key := range []string{"cityHash64(id)", "random", "intHash64(random) + 1", "xxHash64(id, `random`)"} {
		require.Empty(t, problem(ddl.Options{Cluster: "c", Distributed: true, ShardingKey: key}))
	}
	for _, key := range []string{"rand()", "random + RAND64()", "cityHash64(generateUUIDv4())", "toUnixTimestamp(now())"} {
		require.Contains(t, problem(ddl.Options{Cluster: "c", Distributed: true, ShardingKey: key}), "may go to another shard and be stored twice")
	}
	require.Contains(t, problem(ddl.Options{Cluster: "c", Distributed: true}), "sharding_key: is missing")
	require.Contains(t, problem(ddl.Options{Cluster: "c", Distributed: true, ShardingKey: "a, b"}), "comma outside of brackets")
	require.Contains(t, problem(ddl.Options{Distributed: true, ShardingKey: "random"}), "distributed: takes the name of a cluster")
	require.Contains(t, problem(ddl.Options{ShardingKey: "random"}), "takes distributed: true")
	view := ddl.ViewOptions{Name: "v", To: "w", Select: "SELECT id FROM t"}
	require.Contains(t, problem(ddl.Options{Cluster: "c", Distributed: true, ShardingKey: "random", Views: []ddl.ViewOptions{view}}), "views: of a table that is distributed")
}

func TestReplicatedFormOfEngines(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n", Type: fact.UInt32}}}
	const where = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
	for engine, want := range map[string][2]string{
		"":                            {"ReplicatedMergeTree(" + where + ")", "ReplicatedMergeTree"},
		"ReplacingMergeTree(n)":       {"ReplicatedReplacingMergeTree(" + where + ", n)", "ReplicatedReplacingMergeTree(n)"},
		"ReplicatedMergeTree":         {"ReplicatedMergeTree", "ReplicatedMergeTree"},
		"SharedReplacingMergeTree(n)": {"SharedReplacingMergeTree(n)", "SharedReplacingMergeTree(n)"},
	} {
		table, err := ddl.NewTable(schema, ddl.Options{Engine: engine, Replicated: true})
		require.NoError(t, err)
		require.Equal(t, want[0], table.Engine)
		require.True(t, table.IsReplicated())
		require.Equal(t, want[0], table.In("Atomic").Engine)
		require.Equal(t, want[1], table.In("Replicated").Engine)
		require.Equal(t, want[1], table.In("Shared").Engine)
		require.Contains(t, table.Settings, "replicated_deduplication_window")

		// A server that keeps data in shared storage makes its own form of it.
		shared := table.In("Shared")
		shared.Engine = strings.Replace(shared.Engine, "Replicated", "Shared", 1)
		require.True(t, diff.MakePlan(table.In("Shared"), &shared).Empty())
	}
}

func TestParseDistributed(t *testing.T) {
	t.Parallel()
	for full, want := range map[string]ddl.Distributed{
		"Distributed('c', 'd', 't')":                                          {Cluster: "c", Database: "d", Local: "t"},
		`Distributed('it\'s', 'd', 't', f(a, g(b)), 'policy') SETTINGS x = 1`: {Cluster: "it's", Database: "d", Local: "t", Key: "f(a, g(b))"},
	} {
		got, err := ddl.ParseDistributed(full)
		require.NoError(t, err)
		require.Equal(t, want, *got)
	}
	for _, full := range []string{"MergeTree ORDER BY n", "", "DistributedX('c')"} {
		got, err := ddl.ParseDistributed(full)
		require.NoError(t, err)
		require.Nil(t, got)
	}
	for _, full := range []string{"Distributed('c')", "Distributed(", "Distributed(f(a), 'd', 't')"} {
		_, err := ddl.ParseDistributed(full)
		require.Error(t, err, full)
	}
	require.Equal(t, []string{"cityHash64", "a b", "c"}, ddl.Distributed{Key: "cityHash64(`a b`, c, c)"}.Names())
}
