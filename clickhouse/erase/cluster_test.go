package erase_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/erase"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// TestEraseFromShards: facts that are spread over shards are erased on each of them, with their events,
// which are on one host. A host that is down stops that, and it is finished later.
func TestEraseFromShards(t *testing.T) {
	t.Parallel()
	servers := enginetest.Cluster(t, 2)
	client, err := clickhouse.Open(servers[0].DSN())
	require.NoError(t, err)
	defer client.Close()
	spread := fact.Schema{
		Name: "said", OrderBy: []string{"id"},
		Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "user", Type: fact.String}, {Name: "n", Type: fact.UInt32}},
		Table:  ddl.Options{Cluster: enginetest.ClusterName, Distributed: true, ShardingKey: "n"},
	}
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	events, err := registry.Get(fact.LoggedEventSchema)
	require.NoError(t, err)
	store := fact.NewMemoryStore()
	m, err := clickhouse.New(clickhouse.Config{Client: client})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close(context.Background())) }()
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m), fact.WithFollow(fact.Follow{Consumer: "rows", Events: true}))
	require.NoError(t, p.EnsureSchemas(t.Context(), spread, events.Schema))
	var facts []fact.Fact
	for n := range 100 {
		id := fmt.Sprintf("f%d", n)
		facts = append(facts, fact.Fact{ID: id, Schema: spread.Name, Data: map[string]any{"id": id, "user": fmt.Sprint("u", n%10/2), "n": n}})
	}
	require.NoError(t, p.Record(t.Context(), facts...))
	_, err = p.Replay(t.Context(), 0)
	require.NoError(t, err)

	run := func(c erase.Config) (string, error) {
		c.Client, c.Schema, c.Log = client, spread, store
		report, err := erase.Run(t.Context(), c)
		text := ""
		for _, place := range report.Places {
			host := ""
			for i, s := range servers {
				if u, err := url.Parse(s.DSN()); err == nil && place.Host == u.Host {
					host = fmt.Sprint(" on ", i)
				}
			}
			text += fmt.Sprintf("%s %s%s: %d of %d, %d left\n", place.Kind, place.Name, host, place.Erased, place.LookedAt, place.Left)
		}
		return text, err
	}
	done := func(c erase.Config, want string) {
		t.Helper()
		have, err := run(c)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	byUser := erase.Config{Field: "user", Value: "u1"} // of whom half are on each shard
	dry := byUser
	dry.DryRun = true
	done(dry, "log : 0 of 100, 20 left\ntable said_local on 0: 0 of 50, 10 left\ntable said_local on 1: 0 of 50, 10 left\nevents event on 0: 0 of 100, 20 left\n")
	require.NoError(t, servers[1].Kill())
	_, err = run(byUser)
	require.ErrorIs(t, err, clickhouse.ErrRetryable)
	require.ErrorContains(t, err, "host 127.0.0.3:")
	require.NoError(t, servers[1].Restart(t.Context()))
	done(byUser, "log : 20 of 100, 0 left\ntable said_local on 0: 10 of 50, 0 left\ntable said_local on 1: 10 of 50, 0 left\nevents event on 0: 20 of 100, 0 left\n")
	done(erase.Config{IDs: []string{"f0", "f1"}}, "log : 2 of 80, 0 left\ntable said_local on 0: 1 of 40, 0 left\ntable said_local on 1: 1 of 40, 0 left\nevents event on 0: 2 of 80, 0 left\n")
	done(erase.Config{Where: "n = 99"}, "log : 1 of 78, 0 left\ntable said_local on 0: 0 of 39, 0 left\ntable said_local on 1: 1 of 39, 0 left\nevents event on 0: 1 of 78, 0 left\n")
	for _, s := range servers {
		db := &enginetest.DB{HTTPDSN: s.HTTPDSN()}
		require.Equal(t, "77", db.Query(t, "SELECT count() FROM said"))
		require.Equal(t, "0", db.Query(t, "SELECT count() FROM system.tables WHERE name LIKE 'factload_erase%' OR engine_full LIKE '%old_parts_lifetime%'"))
	}
}
