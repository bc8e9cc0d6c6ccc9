package sqlitestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/soak"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	storetest.TestHistories(t, soak.Scale(3, 200), func(t *testing.T, projector func(func() fact.EventStore) fact.Projector) []storetest.HistoryStore {
		var store *sqlitestore.Store
		store = open(t, sqlitestore.Config{
			Path: newPath(t), Projectors: []fact.Projector{projector(func() fact.EventStore { return store })},
		})
		return []storetest.HistoryStore{store}
	})
}

// victimPath is the variable that makes the test binary a victim.
const victimPath = "FACTLOAD_TEST_VICTIM"

func runVictim(path string) error {
	ctx := context.Background()
	audit := new(storetest.Audit)
	store, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: path, Projectors: []fact.Projector{audit}})
	if err != nil {
		return err
	}
	audit.Store = store
	return storetest.Victim(ctx, store, fmt.Sprint(os.Getpid()), os.Stdout)
}

// TestSoakKilledWriters kills a process that appends, again and again on the same
// file: each acknowledged append is there, none twice, none half.
func TestSoakKilledWriters(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var acknowledged []string
	for n := range soak.Scale(5, 500) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimPath+"="+path)
		acknowledged = append(acknowledged, storetest.KilledVictim(t, cmd, time.Duration(rand.IntN(60))*time.Millisecond)...)
		if n%50 == 49 || n < 5 {
			require.NoError(t, check(path))
			store := open(t, sqlitestore.Config{Path: path, ReadOnly: true})
			storetest.RequireWhole(t, store, acknowledged)
			require.NoError(t, store.Close(t.Context()))
		}
	}
	t.Logf("%d acknowledged appends", len(acknowledged))
}
