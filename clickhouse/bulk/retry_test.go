package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// TestRetryTellsOfRepetitions leaves to package retry what is repeated, and how long.
func TestRetryTellsOfRepetitions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &retrier{budget: time.Minute, log: slog.New(slog.DiscardHandler)}
		var told []bool
		require.NoError(t, r.do(t.Context(), func(_ context.Context, again bool) error {
			told = append(told, again)
			return []error{errPassing, errLost, nil}[len(told)-1]
		}))
		require.Equal(t, []bool{false, true, true}, told)

		stop := make(chan struct{})
		r.stop = stop
		time.AfterFunc(time.Second, func() { close(stop) })
		begin := time.Now()
		require.ErrorIs(t, r.do(t.Context(), func(context.Context, bool) error { return errLost }), errLost)
		require.Equal(t, time.Second, time.Since(begin))
	})
}

// TestRetryLogsLessAndLess has a disk that is full for two minutes.
func TestRetryLogsLessAndLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := &retrier{budget: 2 * time.Minute, log: slog.New(slog.NewTextHandler(&log, nil))}
		tries := 0
		require.ErrorIs(t, r.do(t.Context(), func(context.Context, bool) error { tries++; return errPassing }), errPassing)
		require.Greater(t, tries, 64)
		require.Equal(t, 7, strings.Count(log.String(), "trying again"), log.String())
		require.Contains(t, log.String(), "tries=64")
	})
}

func TestViolatesConstraint(t *testing.T) {
	t.Parallel()
	require.True(t, chconn.ViolatesConstraint(fmt.Errorf("insert: %w", &chconn.Error{Code: 469})))
	require.False(t, chconn.ViolatesConstraint(&chconn.Error{Code: 117}))
	require.False(t, chconn.ViolatesConstraint(errFinal))
	require.False(t, chconn.ViolatesConstraint(nil))
}
