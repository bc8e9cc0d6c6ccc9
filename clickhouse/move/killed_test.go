package move_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/move"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// childEnv makes this binary a program that moves, to be killed.
const childEnv = "FACTLOAD_MOVE_CHILD"

// child is what it moves.
type child struct {
	From, To  string
	PieceRows uint64
	Finish    bool
}

func TestMain(m *testing.M) {
	enginetest.RunChild(childEnv, func(ctx context.Context, c child) error {
		_, err := c.move(ctx)
		return err
	})
	enginetest.Main(m)
}

func (c child) move(ctx context.Context) (move.Report, error) {
	from, err := chconn.Open(c.From)
	if err != nil {
		return move.Report{}, err
	}
	defer from.Close()
	to, err := chconn.Open(c.To)
	if err != nil {
		return move.Report{}, err
	}
	defer to.Close()
	return move.Run(ctx, move.Config{From: from, To: to, PieceRows: c.PieceRows, Finish: c.Finish})
}

var idSchema = fact.Schema{
	Name: "with_id", OrderBy: []string{"k", "n"},
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "k", Type: fact.LowCardinalityString},
		{Name: "n", Type: fact.UInt32},
	},
}

func idFacts(from, to int) []fact.Fact {
	var out []fact.Fact
	for n := from; n < to; n++ {
		out = append(out, fact.Fact{Schema: idSchema.Name, ID: fmt.Sprint("f", n), Data: map[string]any{"k": fmt.Sprint(n % 2), "n": n}})
	}
	return out
}

// writeRows appends rows to a file.
func writeRows(t *testing.T, path string, from, to int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer f.Close()
	for n := from; n < to; n++ {
		_, err := fmt.Fprintf(f, `{"id":"r%d","k":"%d","n":%d}`+"\n", n, n%3, n)
		require.NoError(t, err)
	}
}

func loadRows(t *testing.T, dsn, path string, options ddl.Options) bulk.Summary {
	t.Helper()
	sum, err := bulk.Load(t.Context(), bulk.Config{
		Client: open(t, dsn), Schema: idSchema.Name, Inputs: []string{path}, Targets: map[string]bulk.Target{idSchema.Name: {Schema: idSchema, Table: options}},
	})
	require.NoError(t, err)
	return sum
}

// missing gives facts to a server, and returns how many it did not have.
func missing(t *testing.T, dsn string, facts []fact.Fact, options ddl.Options) int {
	t.Helper()
	m, err := clickhouse.New(clickhouse.Config{DSN: dsn, Tables: map[string]ddl.Options{idSchema.Name: options}})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close(context.Background())) }()
	require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
	n, err := m.MaterializeMissing(t.Context(), facts...)
	require.NoError(t, err)
	return n
}

// TestSoakKilledMove moves what has been loaded and recorded from one engine to another, or
// to the shards of a cluster. Who moves is killed, a target is killed, and the
// source grows meanwhile. At the end both sides have the same, a grown
// file loads what is new in it, and facts are not repeated.
func TestSoakKilledMove(t *testing.T) {
	t.Parallel()
	for name, sharded := range map[string]bool{"server": false, "shards": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testKilledMove(t, sharded)
		})
	}
}

func testKilledMove(t *testing.T, sharded bool) {
	random := rand.New(rand.NewPCG(soak.Seed(t), 0))
	rows, kills := soak.Scale(20_000, 5_000_000), soak.Trials(t, 3, 10)
	source := enginetest.Start(t, embedded.Config{})
	options, servers := ddl.Options{}, []*embedded.Server(nil)
	if sharded {
		options = ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "cityHash64(id)"}
		servers = enginetest.Cluster(t, 2)
	} else {
		servers = []*embedded.Server{enginetest.Start(t, embedded.Config{})}
	}
	target := servers[0]
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	writeRows(t, path, 0, rows)
	require.EqualValues(t, rows, loadRows(t, source.DSN(), path, ddl.Options{}).Rows)
	require.Equal(t, 100, missing(t, source.DSN(), idFacts(0, 100), ddl.Options{}))
	if sharded {
		require.Zero(t, missing(t, target.DSN(), nil, options), "the tables are made")
	}

	c := child{From: source.DSN(), To: target.DSN(), PieceRows: max(uint64(rows)/50, 1000)}
	for i := range kills {
		start := time.Now()
		cmd := enginetest.Child(t, childEnv, c)
		require.NoError(t, cmd.Start())
		<-time.After(time.Duration(random.IntN(1+soak.Scale(2500, 6000))) * time.Millisecond)
		killed := servers[i%len(servers)]
		if i%3 == 1 {
			require.NoError(t, killed.Kill())
		}
		_ = cmd.Process.Kill() // it may be done
		_ = cmd.Wait()         // killed
		if i%3 == 1 {
			require.NoError(t, killed.Restart(t.Context()))
		}
		writeRows(t, path, rows, rows+500)
		rows += 500
		require.EqualValues(t, 500, loadRows(t, source.DSN(), path, ddl.Options{}).Rows)
		n := "no"
		if there := textOf(t, target.DSN(), "SELECT toString(count()) FROM system.tables WHERE database = currentDatabase() AND name = 'with_id'"); there == "1" {
			n = textOf(t, target.DSN(), "SELECT toString(count()) FROM with_id")
		}
		t.Logf("killed after %s, the target has %s of %d rows", time.Since(start).Round(time.Millisecond), n, rows+100)
	}
	c.Finish = true
	report, err := c.move(t.Context())
	require.NoError(t, err)
	require.True(t, report.Finished && report.Equal)
	const sum = "SELECT toString((count(), uniqExact(id), sum(cityHash64(*)), groupBitXor(cityHash64(*)))) FROM with_id"
	have := textOf(t, target.DSN(), sum)
	require.Equal(t, textOf(t, source.DSN(), sum), have)
	require.Contains(t, have, fmt.Sprintf("(%d,%[1]d,", rows+100))

	writeRows(t, path, rows, rows+700)
	grown := loadRows(t, target.DSN(), path, options)
	require.EqualValues(t, 700, grown.Rows)
	require.EqualValues(t, rows, grown.SkippedRows)
	require.Equal(t, 5, missing(t, target.DSN(), idFacts(0, 105), options))
	require.Equal(t, fmt.Sprintf("(%d,%[1]d)", rows+700+105), textOf(t, target.DSN(), "SELECT toString((count(), uniqExact(id))) FROM with_id"))
	for i, server := range servers {
		if sharded {
			require.Equal(t, fmt.Sprintf("[%d]", i), textOf(t, server.DSN(), "SELECT toString(groupUniqArray(cityHash64(id) % 2)) FROM with_id_local"))
		}
	}
}

func textOf(t *testing.T, dsn, sql string) string {
	t.Helper()
	text, err := open(t, dsn).SelectText(t.Context(), "ask", sql)
	require.NoError(t, err)
	return text
}

// A load that is not finished has to be before the move is: the target does not know what
// of it is stored.
func TestUnfinishedLoad(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.config.Finish = true
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	writeRows(t, path, 0, 10)
	loadRows(t, p.DSN, path, ddl.Options{})
	p.Exec(t, "ALTER TABLE _factload_ledger DELETE WHERE state IN ('chunk_done', 'load_done') SETTINGS mutations_sync = 2")
	_, err := move.Run(t.Context(), p.config)
	require.ErrorContains(t, err, path)
	loadRows(t, p.DSN, path, ddl.Options{})
	require.EqualValues(t, 10, p.run(t, "with_id"))
	require.EqualValues(t, 10, loadRows(t, p.to.DSN, path, ddl.Options{}).SkippedRows)
}

// A Distributed table is filled through the server that has it, each row where its hash
// says. One whose rows would be summed up is refused: nothing could take its place on all shards.
func TestDistributedTarget(t *testing.T) {
	t.Parallel()
	source, servers := enginetest.Database(t), enginetest.Cluster(t, 2)
	for _, server := range servers {
		client := open(t, server.DSN())
		require.NoError(t, client.Exec(t.Context(), "CREATE TABLE parts (n UInt64, s String) ENGINE = MergeTree ORDER BY n"))
		for _, name := range []string{"t", "total"} {
			require.NoError(t, client.Exec(t.Context(), "CREATE TABLE "+name+" (n UInt64, s String) ENGINE = Distributed(shards, currentDatabase(), parts, cityHash64(n))"))
		}
	}
	c := child{From: source.DSN, To: servers[0].DSN(), PieceRows: 300}
	source.Exec(t, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	for range 2 {
		source.Exec(t, "INSERT INTO t SELECT number, toString(number) FROM numbers(1000)")
		report, err := c.move(t.Context())
		require.NoError(t, err)
		require.True(t, report.Equal)
		require.EqualValues(t, 1000, report.Tables[0].Copied)
	}
	for shard, server := range servers {
		const sql = "SELECT toString((count() > 500, uniqExact(n) * 2 = count(), groupUniqArray(cityHash64(n) % 2))) FROM parts"
		require.Equal(t, fmt.Sprintf("(1,1,[%d])", shard), textOf(t, server.DSN(), sql))
	}
	source.Exec(t, "CREATE TABLE total (n UInt64, s String) ENGINE = SummingMergeTree ORDER BY n")
	_, err := c.move(t.Context())
	require.ErrorContains(t, err, `table "total": its engine sums up rows, and the target's table is Distributed`)
}
