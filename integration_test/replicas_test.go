package integration

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// replicasEnv lets TestReplicas start the cluster of docker-compose.yml.
const replicasEnv = "FACTLOAD_TEST_REPLICAS"

// composed is what docker-compose.yml has.
type composed struct {
	Services map[string]struct {
		Profiles    []string
		Image       string
		Environment map[string]string
		Configs     []struct{ Source, Target string }
		Networks    map[string]struct {
			Address string `yaml:"ipv4_address"`
		}
	}
	Configs map[string]struct{ Content string }
}

func readCompose(t *testing.T) (c composed) {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &c))
	return c
}

// TestComposedCluster reads the cluster of docker-compose.yml: each server has the name and the
// address that the configuration of all of them gives it.
func TestComposedCluster(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	var config struct {
		Zookeeper string `xml:"zookeeper>node>host"`
		Shards    []struct {
			Internal bool     `xml:"internal_replication"`
			Hosts    []string `xml:"replica>host"`
		} `xml:"remote_servers>main>shard"`
	}
	require.NoError(t, xml.Unmarshal([]byte(c.Configs["cluster"].Content), &config))
	require.Len(t, config.Shards, 2)
	for i, shard := range config.Shards {
		require.True(t, shard.Internal)
		require.Len(t, shard.Hosts, 2)
		for j, host := range shard.Hosts {
			s := c.Services[fmt.Sprintf("shard-%d-%d", i+1, j+1)]
			require.Equal(t, host, s.Networks["cluster"].Address)
			require.Equal(t, fmt.Sprint(i+1), s.Environment["SHARD"])
			require.Equal(t, fmt.Sprint(j+1), s.Environment["REPLICA"])
			require.Equal(t, c.Services["clickhouse"].Image, s.Image)
			require.Contains(t, s.Environment["CLICKHOUSE_PASSWORD"], "CLICKHOUSE_PASSWORD")
			require.Equal(t, "cluster", s.Configs[0].Source)
			require.Equal(t, []string{"cluster"}, s.Profiles, "it is not started without being asked for")
		}
	}
	require.Contains(t, c.Services, config.Zookeeper)
	var keeper struct {
		Host string `xml:"keeper_server>raft_configuration>server>hostname"`
	}
	require.NoError(t, xml.Unmarshal([]byte(c.Configs["keeper"].Content), &keeper))
	require.Equal(t, config.Zookeeper, keeper.Host)
}

// compose runs docker compose with the cluster.
func compose(ctx context.Context, password string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--project-name", "factload-test", "--profile", "cluster", "--file", "../docker-compose.yml"}, args...)...)
	cmd.Env = append(os.Environ(), "CLICKHOUSE_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestReplicas records and loads into two shards of two replicas, one of which is killed on the way. All
// have the same rows at the end, each once.
func TestReplicas(t *testing.T) {
	if os.Getenv(replicasEnv) == "" {
		t.Skip("needs Docker with Compose, and images that can be pulled: make test-replicas")
	}
	const password = "replicas"
	up := func(args ...string) {
		t.Helper()
		out, err := compose(t.Context(), password, append([]string{"up", "--detach", "--wait"}, args...)...)
		require.NoError(t, err, out)
	}
	t.Cleanup(func() {
		out, err := compose(context.Background(), password, "down", "--volumes")
		require.NoError(t, err, out)
	})
	c := readCompose(t)
	var hosts, names []string
	for name, s := range c.Services {
		if strings.HasPrefix(name, "shard-") {
			names, hosts = append(names, name), append(hosts, s.Networks["cluster"].Address)
		}
	}
	slices.Sort(hosts) // the first one has the memory of loads
	up(append(names, "keeper")...)
	at := func(scheme, port string, hosts ...string) string {
		u := url.URL{Scheme: scheme, User: url.UserPassword("factload", password), Host: strings.Join(hosts, ":"+port+",") + ":" + port, Path: "/factload"}
		return u.String()
	}
	dsn := at("clickhouse", "9000", hosts...) + "?insert_quorum=auto&insert_quorum_parallel=0"
	schema := spreadAnswers()
	options := ddl.Options{Cluster: "main", Distributed: true, ShardingKey: "cityHash64(id)", Replicated: true}
	schema.Table = options
	pipeline, m := service(t, clickhouse.Config{DSN: dsn})
	require.NoError(t, pipeline.EnsureSchemas(t.Context(), schema))
	facts := make([]fact.Fact, 200)
	for i := range facts {
		id := fmt.Sprint("fact-", i)
		facts[i] = fact.Fact{ID: id, Schema: schema.Name, Data: map[string]any{"id": id, "n": i, "text": "said"}}
	}
	require.NoError(t, pipeline.Record(t.Context(), facts[:100]...))
	out, err := compose(t.Context(), password, "kill", "shard-2-1")
	require.NoError(t, err, out)
	_ = pipeline.Record(t.Context(), facts[100:]...) // a majority of two is both: it may be refused until then
	up("shard-2-1")
	_, err = m.MaterializeMissing(t.Context(), facts...)
	require.NoError(t, err)

	path := filepath.Join(t.TempDir(), "a.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"a","n":1,"text":""}`+"\n"+`{"id":"b","n":2,"text":""}`+"\n"), 0o600))
	client, err := clickhouse.Open(dsn)
	require.NoError(t, err)
	defer client.Close()
	for _, rows := range []int64{2, 0} {
		sum, err := bulk.Load(t.Context(), bulk.Config{Client: client, Schema: schema.Name, Inputs: []string{path}, Targets: map[string]bulk.Target{schema.Name: {Schema: schema, Table: options}}})
		require.NoError(t, err)
		require.Equal(t, rows, sum.Rows)
	}
	for _, host := range hosts {
		db := &enginetest.DB{HTTPDSN: at("http", "8123", host)}
		db.Exec(t, "SYSTEM SYNC REPLICA spread_answer_local")
		require.Equal(t, "1", db.Query(t, "SELECT count() = uniqExact(id) AND count() > 50 FROM spread_answer_local"), host)
		require.Equal(t, "202\t202", db.Query(t, "SELECT count(), uniqExact(id) FROM spread_answer"), host)
	}
}
