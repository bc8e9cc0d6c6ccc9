//go:build linux

package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/pgstore"
	"github.com/factload/factload/internal/pgtest"
	"github.com/factload/factload/internal/soak"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(victimDSN); dsn != "" {
		fmt.Fprintln(os.Stderr, "victim:", runVictim(dsn)) // it is killed before it ends
		os.Exit(1)                                         //nolint:forbidigo // the victim is a program of its own
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // publishers fail on purpose here
	code := m.Run()
	if err := pgtest.Cleanup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // what TestMain is for
}

// newSchema returns a name that no other test has.
func newSchema() string { return "test \"" + fact.NewEventID() }

// open returns a store on the shared cluster that is closed with the test.
func open(t *testing.T, c pgstore.Config) *pgstore.Store {
	t.Helper()
	if c.DSN == "" {
		c.DSN = pgtest.Shared(t)
	}
	c.MaxConns = 4
	store, err := pgstore.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	return store
}

func TestConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(t *testing.T) fact.EventStore {
		return open(t, pgstore.Config{Schema: newSchema()})
	})
}

func TestProjectingConformance(t *testing.T) {
	t.Parallel()
	facttest.TestProjectingStore(t, func(t *testing.T, w facttest.Wiring) fact.EventStore {
		return open(t, pgstore.Config{
			Schema: newSchema(), Projectors: w.Projectors, Publishers: w.Publishers, OnPublishError: w.OnPublishError,
		})
	})
}

// TestHistories plays on three stores of one log, as three processes have them.
func TestHistories(t *testing.T) {
	t.Parallel()
	pgtest.Shared(t)
	storetest.TestHistories(t, soak.Scale(2, 100), func(t *testing.T, projector func(func() fact.EventStore) fact.Projector) []storetest.HistoryStore {
		schema := newSchema()
		stores := make([]storetest.HistoryStore, 3)
		for i := range stores {
			stores[i] = open(t, pgstore.Config{
				Schema: schema, Projectors: []fact.Projector{projector(func() fact.EventStore { return stores[i] })},
			})
		}
		return stores
	})
}

func TestAppendsOfOtherProcessesWakeReaders(t *testing.T) {
	t.Parallel()
	schema := newSchema()
	writer, reader := open(t, pgstore.Config{Schema: schema}), open(t, pgstore.Config{Schema: schema})
	for n := range int64(3) {
		woken := make(chan error, 1)
		go func() { woken <- reader.WaitLog(context.Background(), n) }()
		require.NoError(t, writer.Append(t.Context(), "a", []fact.Event{{Type: "x"}}))
		require.NoError(t, <-woken)
	}
}

func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	schema := newSchema()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			store, err := pgstore.Open(context.Background(), pgstore.Config{DSN: pgtest.Shared(t), Schema: schema, MaxConns: 2})
			if err == nil {
				err = store.Close(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenSaysWhere(t *testing.T) {
	t.Parallel()
	_, err := pgstore.Open(t.Context(), pgstore.Config{DSN: "postgres://user:secret@127.0.0.1:1/db"})
	require.ErrorContains(t, err, `in schema "factload" of 127.0.0.1:1/db`)
	require.NotContains(t, err.Error(), "secret")
	_, err = pgstore.Open(t.Context(), pgstore.Config{DSN: "postgres://user:secret@:x/"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestVacuum(t *testing.T) {
	t.Parallel()
	store := open(t, pgstore.Config{Schema: newSchema()})
	require.NoError(t, store.Append(t.Context(), "a", make([]fact.Event, 10)))
	n, err := store.DeleteStream(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 10, n)
	require.NoError(t, store.Vacuum(t.Context()))
	require.NoError(t, store.Append(t.Context(), "a", make([]fact.Event, 1)))
	loaded, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 11, loaded[0].Sequence)
}

// The variables that make the test binary a victim.
const (
	victimDSN    = "FACTLOAD_TEST_VICTIM"
	victimSchema = "FACTLOAD_TEST_VICTIM_SCHEMA"
)

func runVictim(dsn string) error {
	ctx := context.Background()
	audit := new(storetest.Audit)
	store, err := pgstore.Open(ctx, pgstore.Config{
		DSN: dsn, Schema: os.Getenv(victimSchema), MaxConns: 4, Projectors: []fact.Projector{audit},
	})
	if err != nil {
		return err
	}
	audit.Store = store
	return storetest.Victim(ctx, store, fmt.Sprint(os.Getpid()), os.Stdout)
}

// TestSoakKilled kills processes that append, two at a time on one log, and in
// every second trial the server below them: each acknowledged append is there, none
// twice, none half.
func TestSoakKilled(t *testing.T) {
	t.Parallel()
	cluster, err := pgtest.New()
	pgtest.Require(t, err)
	defer func() { require.NoError(t, cluster.Remove()) }()
	require.NoError(t, cluster.Start())
	defer func() { require.NoError(t, cluster.Stop()) }()
	schema := newSchema()
	var mu sync.Mutex
	var acknowledged []string
	trials := soak.Scale(4, 200)
	for n := range trials {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), victimDSN+"="+cluster.DSN(), victimSchema+"="+schema)
				names := storetest.KilledVictim(t, cmd, time.Duration(100+rand.IntN(100))*time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				acknowledged = append(acknowledged, names...)
			})
		}
		if n%2 == 1 {
			<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
			require.NoError(t, cluster.Kill()) // and the victims end with errors
		}
		wg.Wait()
		if n%2 == 1 {
			require.NoError(t, cluster.Start())
		}
		if n%50 == 49 || n == trials-1 {
			store := open(t, pgstore.Config{DSN: cluster.DSN(), Schema: schema})
			storetest.RequireWhole(t, store, acknowledged)
			require.NoError(t, store.Close(t.Context()))
		}
	}
	t.Logf("%d acknowledged appends", len(acknowledged))
}
