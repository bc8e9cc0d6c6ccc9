package insert

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// TestInsertWhileConnectionsAreBusy has an insert wait for a connection longer
// than a look at its table is good for, every time.
func TestInsertWhileConnectionsAreBusy(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, dsn+"?max_open_conns=1")
			c.generations.fresh = 100 * time.Millisecond
			s := chtest.SmallSchema
			s.Name = name
			ensure(t, c, s, ddl.Options{})
			busy, stop := context.WithCancel(t.Context())
			var others sync.WaitGroup
			for range 2 {
				others.Go(func() {
					var answer []struct {
						N uint8 `ch:"n"`
					}
					for busy.Err() == nil {
						_ = c.Select(busy, &answer, "SELECT sleep(0.3) AS n")
					}
				})
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, c.Insert(ctx, Insert{Table: name, Block: chtest.BlockOf(t, chtest.Compile(t, s), `{"n":1}`), Token: "t"}))
			stop()
			others.Wait()
			require.Equal(t, "1", db.Query(t, "SELECT count() FROM "+name))
		})
	}
}

// TestServerIsAskedOnce: what a server is like is asked when it is another one, and not
// with every look at a table.
func TestServerIsAskedOnce(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		c.generations.fresh = 0
		ensure(t, c, chtest.SmallSchema, ddl.Options{})
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 1), Token: "a"}))
		require.NotEmpty(t, c.generations.server.window)
		c.generations.server.window = "noted"
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 1, 2), Token: "b"}))
		require.Equal(t, "noted", c.generations.server.window)
		c.generations.server.started -= 60
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 2, 3), Token: "c"}))
		require.NotEqual(t, "noted", c.generations.server.window, "it was started again")
	})
}
