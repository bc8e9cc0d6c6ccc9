package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// followerEnv makes this binary a service whose table follows its log, to be killed.
const followerEnv = "FACTLOAD_TEST_FOLLOWER"

type follower struct{ DSN, Store, Run string }

// heard is a fact of the service.
type heard struct {
	ID string `fact:"id,fact_id"`
	N  int64
}

var heardSchema = fact.Schema{Name: "heard", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.Int64},
}}

// unreliable fails now and then, before or after the rows are stored.
type unreliable struct{ *clickhouse.Materializer }

func (u unreliable) MaterializeMissing(ctx context.Context, facts ...fact.Fact) (int, error) {
	chance := rand.IntN(10)
	if chance == 0 {
		return 0, errors.New("fails before")
	}
	n, err := u.Materializer.MaterializeMissing(ctx, facts...)
	if err == nil && chance == 1 {
		return 0, errors.New("fails after")
	}
	return n, err
}

// with calls do with a pipeline whose table follows its log.
func (f follower) with(ctx context.Context, do func(*fact.Pipeline, *sqlitestore.Store) error) (err error) {
	store, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: f.Store})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	m, err := clickhouse.New(clickhouse.Config{DSN: f.DSN, RetryBudget: -1})
	if err != nil {
		return err
	}
	defer m.Close(context.WithoutCancel(ctx)) // the engine may be down
	p := fact.NewPipeline(fact.WithStore(store, "heard"), fact.WithMaterializer(unreliable{m}), fact.WithFollow(fact.Follow{Consumer: "table"}))
	if err := p.EnsureSchemas(ctx, heardSchema); err != nil {
		return err
	}
	return do(p, store)
}

// serve records from 64 goroutines and follows, until it is killed.
func (f follower) serve(ctx context.Context) error {
	return f.with(ctx, func(p *fact.Pipeline, _ *sqlitestore.Store) error {
		for w := range 64 {
			go func() {
				for n := int64(0); ; n++ {
					if err := p.Record(ctx, fact.Of(&heard{ID: fmt.Sprintf("%s-%d-%d", f.Run, w, n), N: n})); err != nil {
						panic(err)
					}
				}
			}()
		}
		return p.Follow(ctx)
	})
}

// TestSoakTableFollowsLog: the service and the engine are killed again and again, the
// materializer fails as it likes, and the table has what the log has, once each.
func TestSoakTableFollowsLog(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t, embedded.Config{})
	f := follower{Store: filepath.Join(t.TempDir(), "log.db")}
	r := rand.New(rand.NewPCG(soak.Seed(t), 0))
	for i := range soak.Trials(t, 2, 50) {
		f.DSN, f.Run = server.DSN(), fmt.Sprint(i)
		cmd := enginetest.Child(t, followerEnv, f)
		require.NoError(t, cmd.Start())
		pause := func() { <-time.After(300*time.Millisecond + time.Duration(r.Int64N(int64(700*time.Millisecond)))) }
		pause()
		if i%2 == 1 {
			require.NoError(t, server.Kill())
			require.NoError(t, server.Restart(t.Context()))
			pause()
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}
	f.DSN = server.DSN()
	require.NoError(t, f.with(t.Context(), requireFollowed(t, server)))
}

// requireFollowed follows to the end, by the checkpoint alone, and compares.
func requireFollowed(t *testing.T, server *embedded.Server) func(*fact.Pipeline, *sqlitestore.Store) error {
	return func(p *fact.Pipeline, store *sqlitestore.Store) error {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Follow(ctx) }()
		for {
			lag, err := p.Lag(t.Context())
			require.NoError(t, err)
			if lag == 0 {
				break
			}
			<-time.After(10 * time.Millisecond)
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		logged := make(map[string]bool)
		for e, err := range store.ReadLog(t.Context(), "", 0) {
			require.NoError(t, err)
			logged[e.ID] = true
		}
		client, err := clickhouse.Open(server.DSN())
		require.NoError(t, err)
		defer client.Close()
		rows := 0
		for row, err := range clickhouse.Select[heard](t.Context(), client, heardSchema, "") {
			require.NoError(t, err)
			require.True(t, logged[row.ID], "row %s is in the table, and not in the log or twice", row.ID)
			delete(logged, row.ID)
			rows++
		}
		require.Empty(t, slices.Collect(maps.Keys(logged)), "in the log and not in the table")
		require.Positive(t, rows)
		t.Logf("%d facts", rows)
		return nil
	}
}
