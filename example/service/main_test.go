package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// The three facts of the README are in the log and in ClickHouse, under the
// same IDs.
func TestRecord(t *testing.T) {
	t.Parallel()
	db, store := enginetest.Database(t), fact.NewMemoryStore()
	require.NoError(t, record(t.Context(), db.DSN, store))
	events, err := store.Load(t.Context(), "chat")
	require.NoError(t, err)
	var logged []string
	for _, e := range events {
		logged = append(logged, e.ID)
	}
	require.Len(t, logged, 3)
	require.Equal(t, logged, strings.Fields(db.Query(t, "SELECT id FROM answer ORDER BY tokens")))
}
