package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

func TestMain(m *testing.M) {
	if os.Getenv(logEnv) != "" { // it is the process that is killed
		main()
		return
	}
	enginetest.Main(m)
}

// TestSoakKilledService runs the example again and again on the same log and table:
// each time they end equal.
func TestSoakKilledService(t *testing.T) {
	t.Parallel()
	db, path := enginetest.Database(t), filepath.Join(t.TempDir(), "log.db")
	for range soak.Scale(2, 50) {
		var out strings.Builder
		require.NoError(t, show(t.Context(), db.DSN, path, &out))
		said := regexp.MustCompile(`(?s)^killed after at least 2\d\d acknowledged answers
started again: the log is whole and has (\d+) answers, the table has \d+
healed: the table has (\d+)
published \d+
answers by model:
model	answered	short
small-0	1	1
small-1	1	1
small-2	1	1
$`).FindStringSubmatch(out.String())
		require.NotNil(t, said, out.String())
		require.Equal(t, said[1], said[2])

		store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: true})
		require.NoError(t, err)
		var logged []string
		for e, err := range store.ReadLog(t.Context(), "", 0) {
			require.NoError(t, err)
			logged = append(logged, e.ID)
		}
		require.NoError(t, store.Close(t.Context()))
		slices.Sort(logged)
		require.Equal(t, logged, strings.Fields(db.Query(t, "SELECT id FROM answer ORDER BY id")), "IDs of the log and of the table")
	}
}
