package insert

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var spreadSchema = fact.Schema{Name: "spread", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", Type: fact.String, FactID: true},
	{Name: "n", Type: fact.Int32},
	{Name: "tag", Type: fact.LowCardinalityString},
}}

func spreadBlock(t *testing.T, from, n int) *block.Block {
	t.Helper()
	var lines []string
	for i := from; i < from+n; i++ {
		lines = append(lines, fmt.Sprintf(`{"id":"id-%d","n":%d,"tag":"t%d"}`, i, 1000-i, i%7))
	}
	return chtest.BlockOf(t, chtest.Compile(t, spreadSchema), lines...)
}

// requireSpread checks that the shards have n rows, each row once and where the server would have put it.
func requireSpread(t *testing.T, shards []*testClient, key string, n int) {
	t.Helper()
	total := uint64(0)
	for i, c := range shards {
		var rows []struct {
			Rows  uint64 `ch:"rows"`
			IDs   uint64 `ch:"ids"`
			Wrong uint64 `ch:"wrong"`
		}
		require.NoError(t, c.Select(t.Context(), &rows, fmt.Sprintf("SELECT count() AS rows, uniqExact(id) AS ids, countIf(%s %% %d != %d) AS wrong FROM spread_local", key, len(shards), i)))
		require.Zero(t, rows[0].Wrong, "shard %d", i)
		require.Equal(t, rows[0].IDs, rows[0].Rows, "shard %d", i)
		total += rows[0].Rows
	}
	require.EqualValues(t, n, total)
}

func TestRowsGoStraightToTheirShards(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			shards := startShards(t, n)
			for key, unsigned := range map[string]string{"cityHash64(id, tag)": "cityHash64(id, tag)", "n": "reinterpretAsUInt32(n)"} {
				c := shards[0].anew() // one that knows nothing of the table with the other key
				ensure(t, c, spreadSchema, ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: key})
				rows := spreadBlock(t, 0, 3000)
				for range 3 {
					require.NoError(t, c.Insert(t.Context(), Insert{Table: "spread", Block: rows, Token: "a"}))
				}
				require.NoError(t, c.Insert(t.Context(), Insert{Table: "spread", Block: rows, Token: "a", Again: true}))
				require.NoError(t, New(c.Client).Insert(t.Context(), Insert{Table: "spread", Block: rows, Token: "a", Again: true}), "another process")
				requireSpread(t, shards, unsigned, 3000)

				// What a killed server has lost behind its token is found missing on its shard.
				require.NoError(t, shards[1].Exec(t.Context(), "ALTER TABLE spread_local DELETE WHERE 1 SETTINGS mutations_sync = 2"))
				require.NoError(t, c.Insert(t.Context(), Insert{Table: "spread", Block: rows, Token: "a", Again: true}))
				requireSpread(t, shards, unsigned, 3000)
				requireAsServer(t, c, shards)
				for _, shard := range shards {
					require.NoError(t, shard.Exec(t.Context(), "DROP TABLE spread SYNC"))
					require.NoError(t, shard.Exec(t.Context(), "DROP TABLE spread_local SYNC"))
				}
			}
		})
	}
}

// requireAsServer checks that the server would have put each row where it is.
func requireAsServer(t *testing.T, c *testClient, shards []*testClient) {
	t.Helper()
	require.NoError(t, c.Exec(t.Context(), "CREATE TABLE copied AS spread ENGINE = Memory"))
	require.NoError(t, c.Exec(t.Context(), "INSERT INTO copied SELECT * FROM spread"))
	where := func() (out []uint64) {
		for _, shard := range shards {
			var rows []struct {
				Sum uint64 `ch:"sum"`
			}
			require.NoError(t, shard.Select(t.Context(), &rows, "SELECT sum(cityHash64(id)) AS sum FROM spread_local"))
			out = append(out, rows[0].Sum)
		}
		return out
	}
	before := where()
	for _, shard := range shards {
		require.NoError(t, shard.Exec(t.Context(), "TRUNCATE TABLE spread_local SYNC"))
	}
	require.NoError(t, c.Exec(t.Context(), "INSERT INTO spread SETTINGS distributed_foreground_insert = 1, insert_deduplicate = 0, deduplicate_insert = 'disable', deduplicate_insert_select = 'disable' SELECT * FROM copied"))
	require.Equal(t, before, where())
	require.NoError(t, c.Exec(t.Context(), "DROP TABLE copied SYNC"))
}

// startShards returns the clients of n new engines that are the shards of a cluster.
func startShards(t *testing.T, n int) []*testClient {
	t.Helper()
	var out []*testClient
	for _, s := range enginetest.Cluster(t, n) {
		out = append(out, open(t, s.DSN()))
	}
	return out
}

func TestInsertsThatCannotBeDividedAreRefused(t *testing.T) {
	t.Parallel()
	servers := enginetest.Cluster(t, 2)
	c := open(t, servers[0].DSN())
	ensure(t, c, spreadSchema, ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "cityHash64(id)"})
	rows := spreadBlock(t, 0, 10)
	refused := func(c *testClient, table, text string) {
		t.Helper()
		err := c.Insert(t.Context(), Insert{Table: table, Block: rows, Token: "a"})
		require.ErrorContains(t, err, text)
		require.NotErrorIs(t, err, chconn.ErrRetryable)
		require.NotErrorIs(t, err, chconn.ErrAmbiguous)
	}
	as := "CREATE TABLE %s (id String, n Int32, tag LowCardinality(String), more UInt32) ENGINE = Distributed(shards, %s, spread_local, %s)"
	require.NoError(t, c.Exec(t.Context(), "CREATE DATABASE elsewhere"))
	require.NoError(t, c.Exec(t.Context(), fmt.Sprintf(as, "by_chance", "currentDatabase()", "rand()")))
	require.NoError(t, c.Exec(t.Context(), fmt.Sprintf(as, "away", "elsewhere", "n")))
	require.NoError(t, c.Exec(t.Context(), fmt.Sprintf(as, "by_more", "currentDatabase()", "more + n")))
	require.NoError(t, c.Exec(t.Context(), "CREATE TABLE no_key (id String, n Int32, tag LowCardinality(String)) ENGINE = Distributed(shards, currentDatabase(), spread_local)"))
	refused(c, "by_chance", "may go to another shard and be stored twice")
	refused(c, "away", "must be in that of the table")
	refused(c, "by_more", "needs columns that the rows lack")
	refused(c, "no_key", "the sharding key is missing")
	refused(open(t, servers[0].HTTPDSN()), "spread", "use a DSN that begins with clickhouse://")

	// Nothing is stored when a shard is seen to be down, and the error names it. When it goes down after it
	// was looked at, the others have stored their rows.
	knowing := c.anew()
	knowing.generations.fresh = time.Hour
	require.NoError(t, knowing.Insert(t.Context(), Insert{Table: "spread", Block: rows, Token: "a"}))
	require.NoError(t, servers[1].Kill())
	down := func(c *testClient, class error) {
		t.Helper()
		err := c.Insert(t.Context(), Insert{Table: "spread", Block: spreadBlock(t, 10, 10), Token: "b"})
		require.ErrorContains(t, err, "shard "+chtest.Host(t, servers[1].DSN()))
		var e *chconn.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, class, e.Class)
		require.Equal(t, class == chconn.ErrAmbiguous, e.Partial) //nolint:errorlint // it is the very class
	}
	down(c.anew(), chconn.ErrRetryable)
	const count = "SELECT toString(count()) FROM spread_local"
	before, err := c.SelectText(t.Context(), "count", count)
	require.NoError(t, err)
	down(knowing, chconn.ErrAmbiguous)
	after, err := c.SelectText(t.Context(), "count", count)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	require.NoError(t, servers[1].Restart(t.Context()))
	require.NoError(t, c.Insert(t.Context(), Insert{Table: "spread", Block: spreadBlock(t, 10, 10), Token: "b", Again: true}))
	requireSpread(t, []*testClient{c, open(t, servers[1].DSN())}, "cityHash64(id)", 20)
}

// TestABlockWithRowsThatAShardRefuses: no shard stores a row of it, and it is known which rows they are.
func TestABlockWithRowsThatAShardRefuses(t *testing.T) {
	t.Parallel()
	shards := startShards(t, 2)
	c := shards[0]
	ensure(t, c, spreadSchema, ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "n"})
	require.NoError(t, shards[1].Exec(t.Context(), "ALTER TABLE spread_local ADD CONSTRAINT few CHECK n % 5 != 0"))
	rows := spreadBlock(t, 0, 100) // of which those with an odd n are on the second shard
	in := Insert{Table: "spread", Block: rows, Token: "a"}
	for range 2 {
		err := c.Insert(t.Context(), in)
		require.ErrorIs(t, err, chconn.ErrRejected)
		require.True(t, chconn.ViolatesConstraint(err))
		require.ErrorContains(t, err, `constraint "few" of the table "spread_local" is violated by 10 rows: (n % 5) != 0`)
		requireSpread(t, shards, "reinterpretAsUInt32(n)", 0)
	}
	broken, err := c.Violations(t.Context(), in)
	require.NoError(t, err)
	refused := make(map[int]bool)
	for i, v := range broken {
		require.Equal(t, 10*i+5, v.Row)
		require.Equal(t, "few", v.Check.Name)
		refused[v.Row] = true
	}
	require.Len(t, refused, 10)
	rest := rows.Layout().NewBlock()
	require.NoError(t, rest.AppendSelected(rows, func(row int) bool { return !refused[row] }))
	require.NoError(t, c.Insert(t.Context(), Insert{Table: "spread", Block: rest, Token: "b"}))
	requireSpread(t, shards, "reinterpretAsUInt32(n)", 90)
}

// TestQuestionsToReplicas: the server is asked not to answer when it is behind, beside what else goes
// with the question.
func TestQuestionsToReplicas(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		for want, replicated := range map[string]bool{"0 v": false, "1 v": true} {
			ctx, err := chconn.WithValues(t.Context(), "beside", []string{"v"})
			require.NoError(t, err)
			at := Place{Client: c.Client, Replicated: replicated}
			have, err := c.SelectText(at.Reading(ctx), "ask", "SELECT concat(toString(toUInt8(getSetting('select_sequential_consistency'))), ' ', any(value)) FROM beside")
			require.NoError(t, err)
			require.Equal(t, want, have)
		}
	})
}
