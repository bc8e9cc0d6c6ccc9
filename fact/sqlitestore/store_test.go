package sqlitestore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest"
	"github.com/factload/factload/fact/sqlitestore"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimPath); path != "" {
		fmt.Fprintln(os.Stderr, "victim:", runVictim(path)) // it is killed before it ends
		os.Exit(1)                                          //nolint:forbidigo // the victim is a program of its own
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // publishers fail on purpose here
	goleak.VerifyTestMain(m)
}

// open returns a store that is closed with the test.
func open(t *testing.T, c sqlitestore.Config) *sqlitestore.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	return store
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "log.db") }

func TestConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(t *testing.T) fact.EventStore {
		return open(t, sqlitestore.Config{Path: newPath(t)})
	})
}

func TestProjectingConformance(t *testing.T) {
	t.Parallel()
	facttest.TestProjectingStore(t, func(t *testing.T, w facttest.Wiring) fact.EventStore {
		return open(t, sqlitestore.Config{
			Path: newPath(t), Projectors: w.Projectors, Publishers: w.Publishers, OnPublishError: w.OnPublishError,
		})
	})
}
