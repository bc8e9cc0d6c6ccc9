package insert

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// TestInsertCutOnTheWay cuts the connection at many places of the way to the
// server. Nothing may be stored then, and the error must say so as long as the
// client can know.
func TestInsertCutOnTheWay(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *testClient) {
		const rows = 200_000 // 800 kB
		b := numbers(t, 0, rows)
		for i, limit := range []int{50_000, 200_000, 400_000, 700_000} {
			cut := func(total int) bool { return total < limit }
			p.OnBytes.Store(&cut)
			err := c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: "x"})
			require.Error(t, err)
			require.True(t, isClass(err, chconn.ErrAmbiguous) || isClass(err, chconn.ErrRetryable), "%d: %v", i, err)
			require.Equal(t, "0", db.Query(t, "SELECT count() FROM t"))
		}
		p.OnBytes.Store(nil)
		for range 2 {
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: "x"}))
		}
		require.Equal(t, "200000", db.Query(t, "SELECT count() FROM t"))
	})
}

// TestInsertWhoseAnswerIsLost repeats an insert that the server has carried
// out.
func TestInsertWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *testClient) {
		b := numbers(t, 0, 200_000)
		for _, token := range []string{"a", "b", "c"} {
			var arrived atomic.Bool
			note := func(total int) bool {
				arrived.Store(total > 780_000)
				return true
			}
			cut := func(int) bool { return !arrived.Load() }
			p.OnBytes.Store(&note)
			p.OnAnswer.Store(&cut)
			err := c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token})
			require.ErrorIs(t, err, chconn.ErrAmbiguous)
			require.NotErrorIs(t, err, chconn.ErrRetryable)
			p.OnBytes.Store(nil)
			p.OnAnswer.Store(nil)
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token}))
		}
		require.Equal(t, "600000", db.Query(t, "SELECT count() FROM t"))
	})
}

// TestInsertIsCancelledPromptly lets the answer hang.
func TestInsertIsCancelledPromptly(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, _ *enginetest.DB, p *chtest.Proxy, c *testClient) {
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 1)}))
		b := numbers(t, 0, 100_000)
		ctx, cancel := context.WithCancel(t.Context())
		hang := func(int) bool {
			cancel()
			<-t.Context().Done()
			return false
		}
		p.OnAnswer.Store(&hang)
		returned := make(chan error, 1)
		go func() { returned <- c.Insert(ctx, Insert{Table: "t", Block: b, Token: "x"}) }()
		require.ErrorIs(t, <-returned, context.Canceled)
	})
}

func TestInsertTimesOut(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		p, dsn := chtest.NewProxy(t, dsn, nil)
		ensure(t, open(t, db.DSN), chtest.SmallSchema, ddl.Options{})
		c := open(t, dsn+"?read_timeout=500ms")
		first := Insert{Table: "t", Block: numbers(t, 0, 1), Token: "first"}
		require.Eventually(t, func() bool { return c.Insert(t.Context(), first) == nil }, time.Minute, time.Millisecond)
		swallow := func(int) bool {
			<-t.Context().Done()
			return false
		}
		p.OnAnswer.Store(&swallow)
		err := c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 10), Token: "x"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no answer within read_timeout (500ms)")
		require.True(t, isClass(err, chconn.ErrAmbiguous) || isClass(err, chconn.ErrRetryable))

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = c.Insert(ctx, Insert{Table: "t", Block: numbers(t, 0, 10), Token: "x"})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, chconn.ErrRetryable, "it is the caller's own deadline")
	}
}
