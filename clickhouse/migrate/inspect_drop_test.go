package migrate

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/internal/enginetest"
)

// TestInspectWhileTablesGo: a table that is dropped at that moment is there, is not there, or has to
// be looked at again. The server has a row for it then, without its statement.
func TestInspectWhileTablesGo(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, _ = db.Try(t.Context(), "CREATE TABLE IF NOT EXISTS gone (x UInt8) ENGINE = MergeTree ORDER BY x")
			_, _ = db.Try(t.Context(), "DROP TABLE gone")
		}
	})
	for range 300 {
		if _, err := c.Inspect(t.Context(), "gone"); err != nil {
			require.True(t, retry.Passing(err), "%v", err)
		}
	}
}
