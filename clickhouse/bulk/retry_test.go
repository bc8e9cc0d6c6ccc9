package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
)

var (
	errPassing = fmt.Errorf("busy: %w", chconn.ErrRetryable)
	errLost    = fmt.Errorf("lost: %w", chconn.ErrAmbiguous)
	errFinal   = errors.New("final")
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []error // the last one again and again
		budget  time.Duration
		want    error
		calls   int
		text    string
	}{
		"at once":      {[]error{nil}, time.Minute, nil, 1, ""},
		"later":        {[]error{errPassing, errLost, nil}, time.Minute, nil, 3, ""},
		"final":        {[]error{errPassing, errFinal}, time.Minute, errFinal, 2, "final"},
		"not repeated": {[]error{errPassing}, -1, errPassing, 1, "busy: retryable"},
		"budget":       {[]error{errPassing}, time.Second, errPassing, 4, "busy: retryable (tried for "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &retrier{budget: c.budget, log: slog.New(slog.DiscardHandler)}
				calls := 0
				err := r.do(t.Context(), func(context.Context, bool) error {
					answer := c.answers[min(calls, len(c.answers)-1)]
					calls++
					return answer
				})
				require.ErrorIs(t, err, c.want)
				if c.text != "" {
					require.ErrorContains(t, err, c.text) // how long depends on the jitter
				}
				require.LessOrEqual(t, calls, c.calls+2)
				require.GreaterOrEqual(t, calls, c.calls)
			})
		})
	}
}

func TestRetryEndsWithTheLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		r := &retrier{budget: time.Hour, stop: stop, log: slog.New(slog.DiscardHandler)}
		time.AfterFunc(time.Second, func() { close(stop) })
		begin := time.Now()
		err := r.do(t.Context(), func(context.Context, bool) error { return errLost })
		require.ErrorIs(t, err, errLost)
		require.Equal(t, time.Second, time.Since(begin))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.stop = nil
		require.ErrorIs(t, r.do(ctx, func(context.Context, bool) error { return errPassing }), errPassing)
		require.Equal(t, 2*time.Second, time.Since(begin))
	})
}

func TestViolatesConstraint(t *testing.T) {
	t.Parallel()
	require.True(t, violatesConstraint(fmt.Errorf("insert: %w", &chconn.Error{Code: 469})))
	require.False(t, violatesConstraint(&chconn.Error{Code: 117}))
	require.False(t, violatesConstraint(errFinal))
	require.False(t, violatesConstraint(nil))
}
