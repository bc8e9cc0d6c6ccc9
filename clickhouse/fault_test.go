package clickhouse

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// protocols runs a test for a proxy in front of each of the engine's ports.
func protocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, p *proxy, c *Client)) {
	t.Helper()
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			dsn := db.DSN
			if protocol == "http" {
				dsn = db.HTTPDSN
			}
			p, dsn := newProxy(t, dsn, nil)
			c := open(t, dsn)
			ensure(t, c, smallSchema, ddl.Options{})
			test(t, db, p, c)
		})
	}
}

// TestInsertCutOnTheWay cuts the connection at many places of the way to the
// server. Nothing may be stored then, and the error must say so as long as the
// client can know.
func TestInsertCutOnTheWay(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *proxy, c *Client) {
		const rows = 200_000 // 800 kB
		b := numbers(t, 0, rows)
		for i, limit := range []int{50_000, 200_000, 400_000, 700_000} {
			cut := func(total int) bool { return total < limit }
			p.onBytes.Store(&cut)
			err := c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: "x"})
			require.Error(t, err)
			require.True(t, isClass(err, ErrAmbiguous) || isClass(err, ErrRetryable), "%d: %v", i, err)
			require.Equal(t, "0", db.Query(t, "SELECT count() FROM t"))
		}
		p.onBytes.Store(nil)
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
	protocols(t, func(t *testing.T, db *enginetest.DB, p *proxy, c *Client) {
		b := numbers(t, 0, 200_000)
		for _, token := range []string{"a", "b", "c"} {
			var arrived atomic.Bool
			note := func(total int) bool {
				arrived.Store(total > 780_000)
				return true
			}
			cut := func(int) bool { return !arrived.Load() }
			p.onBytes.Store(&note)
			p.onAnswer.Store(&cut)
			err := c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token})
			require.ErrorIs(t, err, ErrAmbiguous)
			require.NotErrorIs(t, err, ErrRetryable)
			p.onBytes.Store(nil)
			p.onAnswer.Store(nil)
			require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: b, Token: token}))
		}
		require.Equal(t, "600000", db.Query(t, "SELECT count() FROM t"))
	})
}

// TestInsertIsCancelledPromptly lets the answer hang.
func TestInsertIsCancelledPromptly(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, _ *enginetest.DB, p *proxy, c *Client) {
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 1)}))
		b := numbers(t, 0, 100_000)
		ctx, cancel := context.WithCancel(t.Context())
		hang := func(int) bool {
			cancel()
			<-t.Context().Done()
			return false
		}
		p.onAnswer.Store(&hang)
		returned := make(chan error, 1)
		go func() { returned <- c.Insert(ctx, Insert{Table: "t", Block: b, Token: "x"}) }()
		require.ErrorIs(t, <-returned, context.Canceled)
	})
}

func TestInsertTimesOut(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		p, dsn := newProxy(t, dsn, nil)
		ensure(t, open(t, db.DSN), smallSchema, ddl.Options{})
		c := open(t, dsn+"?read_timeout=500ms")
		require.NoError(t, c.Ping(t.Context()))
		require.NoError(t, c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 1)}))
		swallow := func(int) bool {
			<-t.Context().Done()
			return false
		}
		p.onAnswer.Store(&swallow)
		err := c.Insert(t.Context(), Insert{Table: "t", Block: numbers(t, 0, 10), Token: "x"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no answer within read_timeout (500ms)")
		require.True(t, isClass(err, ErrAmbiguous) || isClass(err, ErrRetryable))

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = c.Insert(ctx, Insert{Table: "t", Block: numbers(t, 0, 10), Token: "x"})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrRetryable, "it is the caller's own deadline")
	}
}

func isClass(err, class error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == class //nolint:errorlint // it is the very class
}
