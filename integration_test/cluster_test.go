package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// spreadAnswers is a schema whose rows are spread over the shards of a cluster.
func spreadAnswers() fact.Schema {
	return fact.Schema{
		Name: "spread_answer", OrderBy: []string{"id"},
		Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.UInt32}, {Name: "text", Type: fact.String}},
		Table:  ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "cityHash64(id)"},
	}
}

// shardsTrial is a cluster of embedded engines, one of which is killed now and then.
type shardsTrial struct {
	*testing.T
	servers []*embedded.Server
	rand    *rand.Rand
	dsn     string // with all of the hosts
}

func newShardsTrial(t *testing.T, shards int) *shardsTrial {
	t.Helper()
	tr := &shardsTrial{T: t, servers: enginetest.Cluster(t, shards), rand: rand.New(rand.NewPCG(soak.Seed(t), 5))}
	var hosts []string
	for _, s := range tr.servers {
		hosts = append(hosts, hostOf(s))
	}
	tr.dsn = strings.Replace(tr.servers[0].DSN(), hosts[0], strings.Join(hosts, ","), 1)
	return tr
}

// hostOf returns the native address of an engine.
func hostOf(s *embedded.Server) string {
	_, rest, _ := strings.Cut(s.DSN(), "@")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// killDuring does the work, and meanwhile kills a shard and starts it again.
func (tr *shardsTrial) killDuring(work func()) {
	victim, wait := tr.servers[tr.rand.IntN(len(tr.servers))], time.Duration(tr.rand.IntN(300))*time.Millisecond
	var killed error
	var wg sync.WaitGroup
	wg.Go(func() {
		<-time.After(wait)
		if killed = victim.Kill(); killed == nil {
			killed = victim.Restart(tr.Context())
		}
	})
	work()
	wg.Wait()
	require.NoError(tr, killed)
}

// requireExact checks that each shard has the rows that belong to it, each once, and all shards n of them.
func (tr *shardsTrial) requireExact(n int) {
	tr.Helper()
	total := 0
	for i, s := range tr.servers {
		db := &enginetest.DB{HTTPDSN: s.HTTPDSN()}
		answer := db.Query(tr, fmt.Sprintf("SELECT count(), uniqExact(id), countIf(cityHash64(id) %% %d != %d) FROM spread_answer_local", len(tr.servers), i))
		var rows, ids, wrong int
		_, err := fmt.Sscan(answer, &rows, &ids, &wrong)
		require.NoError(tr, err)
		require.Equal(tr, []int{rows, 0}, []int{ids, wrong}, "shard %d: rows are doubled or on the wrong shard", i)
		require.Positive(tr, rows)
		total += rows
		require.Equal(tr, fmt.Sprint(n), db.Query(tr, "SELECT count() FROM spread_answer"), "seen from shard %d", i)
	}
	require.Equal(tr, n, total)
}

// write writes rows as JSON lines.
func (tr *shardsTrial) write(name string, from, n int) string {
	tr.Helper()
	path := filepath.Join(tr.TempDir(), name)
	f, err := os.Create(path)
	require.NoError(tr, err)
	w := bufio.NewWriter(f)
	for i := from; i < from+n; i++ {
		_, err = fmt.Fprintf(w, `{"id":"load-%d","n":%d,"text":"answer %d"}`+"\n", i, i, i*7)
		require.NoError(tr, err)
	}
	require.NoError(tr, w.Flush())
	require.NoError(tr, f.Close())
	return path
}

// TestSoakShardsKilledDuringLoads loads files into two shards and three. Meanwhile a shard is killed for
// each of the files, the one with the ledger too.
func TestSoakShardsKilledDuringLoads(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{2, 3} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			t.Parallel()
			tr := newShardsTrial(t, shards)
			kills := soak.Trials(t, 2, 20)
			rows := soak.Scale(5_000, 5_000_000) / kills
			client, err := clickhouse.Open(tr.dsn)
			require.NoError(t, err)
			defer client.Close()
			schema := spreadAnswers()
			options, _ := schema.Table.(ddl.Options)
			load := func(path string) bulk.Summary {
				cfg := bulk.Config{Client: client, Schema: schema.Name, Inputs: []string{path}, ChunkBytes: 64 << 10, Targets: map[string]bulk.Target{schema.Name: {Schema: schema, Table: options}}}
				var err error
				for range 10 { // what does not find a server is run again, as its user would do
					var sum bulk.Summary
					if sum, err = bulk.Load(t.Context(), cfg); err == nil {
						return sum
					}
					t.Logf("load again after: %v", err)
					<-time.After(200 * time.Millisecond)
				}
				require.NoError(t, err)
				return bulk.Summary{}
			}
			var files []string
			for i := range kills {
				path := tr.write(fmt.Sprintf("%d.jsonl", i), i*rows, rows)
				files = append(files, path)
				tr.killDuring(func() { load(path) })
			}
			tr.requireExact(kills * rows)
			for _, path := range files {
				sum := load(path)
				require.Zero(t, sum.Rows)
				require.NotZero(t, sum.SkippedChunks)
			}
			tr.requireExact(kills * rows)
		})
	}
}

// TestRowsThatShardsRefuse has constraints on the tables of two shards. A load rejects the lines that break
// them, also when it is run again, and of the calls that record together those fail that have such a fact.
func TestRowsThatShardsRefuse(t *testing.T) {
	t.Parallel()
	tr := newShardsTrial(t, 2)
	pipeline, _ := service(t, clickhouse.Config{DSN: tr.dsn})
	schema := spreadAnswers()
	require.NoError(t, pipeline.EnsureSchemas(t.Context(), schema))
	for i, s := range tr.servers {
		db := &enginetest.DB{HTTPDSN: s.HTTPDSN()}
		db.Exec(t, fmt.Sprintf("ALTER TABLE spread_answer_local ADD CONSTRAINT few%d CHECK n %% 50 != %d", i, i))
	}
	owner := func(id string) int {
		return atoi(t, (&enginetest.DB{HTTPDSN: tr.servers[0].HTTPDSN()}).Query(t, "SELECT cityHash64('"+id+"') % 2"))
	}
	refused := func(id string, n int) bool { return n%50 <= 1 && owner(id) == n%50 }

	client, err := clickhouse.Open(tr.dsn)
	require.NoError(t, err)
	defer client.Close()
	options, _ := schema.Table.(ddl.Options)
	rejects := filepath.Join(t.TempDir(), "rejects")
	cfg := bulk.Config{
		Client: client, Schema: schema.Name, Inputs: []string{tr.write("a.jsonl", 0, 1000)}, Rejects: rejects,
		Targets: map[string]bulk.Target{schema.Name: {Schema: schema, Table: options}},
	}
	var want []string
	for n := range 1000 {
		if id := fmt.Sprintf("load-%d", n); n%50 <= 1 && refused(id, n) {
			want = append(want, fmt.Sprintf("%d few%d", n+1, n%50))
		}
	}
	sum, err := bulk.Load(t.Context(), cfg)
	require.NoError(t, err)
	require.EqualValues(t, len(want), sum.Rejected)
	require.EqualValues(t, 1000-len(want), sum.Rows)
	text, err := os.ReadFile(rejects)
	require.NoError(t, err)
	var have []string
	for line := range strings.Lines(string(text)) {
		var e struct {
			Line  int
			Error string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		_, name, _ := strings.Cut(e.Error, `constraint "`)
		have = append(have, fmt.Sprintf("%d %.4s", e.Line, name))
	}
	require.Equal(t, want, have)
	sum, err = bulk.Load(t.Context(), cfg)
	require.NoError(t, err)
	require.Zero(t, sum.Rows)
	tr.requireExact(1000 - len(want))

	const calls = 60
	errs := make([]error, calls)
	var wg sync.WaitGroup
	stored := 1000 - len(want)
	for i := range calls {
		wg.Go(func() {
			id := fmt.Sprintf("fact-%d", i)
			errs[i] = pipeline.Record(t.Context(), fact.Fact{ID: id, Schema: schema.Name, Data: map[string]any{"id": id, "n": i, "text": ""}})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if refused(fmt.Sprintf("fact-%d", i), i) {
			require.ErrorIs(t, err, clickhouse.ErrRejected, i)
			continue
		}
		require.NoError(t, err, i)
		stored++
	}
	tr.requireExact(stored)
}

// TestSoakShardsKilledDuringRecord records facts into shards that are killed meanwhile.
func TestSoakShardsKilledDuringRecord(t *testing.T) {
	t.Parallel()
	const callers, batch = 8, 50
	tr := newShardsTrial(t, 2)
	kills := soak.Trials(t, 2, 20)
	rounds := max(1, soak.Scale(4_000, 5_000_000)/kills/callers/batch) // of each caller, for each kill
	pipeline, m := service(t, clickhouse.Config{DSN: tr.dsn})
	require.NoError(t, pipeline.EnsureSchemas(t.Context(), spreadAnswers()))
	factsOf := func(kill, caller, round int) []fact.Fact {
		facts := make([]fact.Fact, batch)
		for i := range facts {
			id := fmt.Sprintf("%d-%d-%d-%d", kill, caller, round, i)
			facts[i] = fact.Fact{ID: id, Schema: "spread_answer", Data: map[string]any{"id": id, "n": i, "text": "said " + id}}
		}
		return facts
	}
	for kill := range kills {
		tr.killDuring(func() {
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for round := range rounds {
						if err := pipeline.Record(t.Context(), factsOf(kill, caller, round)...); err != nil {
							t.Errorf("kill %d, caller %d: %v", kill, caller, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
	n := kills * callers * rounds * batch
	tr.requireExact(n)
	stored, err := m.MaterializeMissing(t.Context(), factsOf(0, 0, 0)...)
	require.NoError(t, err)
	require.Zero(t, stored)
	gone := &enginetest.DB{HTTPDSN: tr.servers[1].HTTPDSN()}
	gone.Exec(t, "ALTER TABLE spread_answer_local DELETE WHERE startsWith(id, '0-0-0-') SETTINGS mutations_sync = 2")
	lost := n - atoi(t, gone.Query(t, "SELECT count() FROM spread_answer"))
	stored, err = m.MaterializeMissing(t.Context(), factsOf(0, 0, 0)...)
	require.NoError(t, err)
	require.Equal(t, lost, stored, "only what the shard has lost is stored again")
	tr.requireExact(n)
	t.Logf("%d kills, %d facts", kills, n)
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}
