package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
)

// retrier repeats calls that fail for the moment. It is safe for concurrent
// use.
type retrier struct {
	budget time.Duration   // how long a call is repeated
	stop   <-chan struct{} // closed when the load is ending: then nothing is repeated
	log    *slog.Logger
}

// The waits between two tries: about first, doubling up to most.
const (
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second
)

// do calls f until it succeeds, fails for good, the budget is used up, or the
// load ends. It returns the last error of f. A call that was repeated must
// have an effect only once; inserts do by their token, and must be told that
// this is not the first time.
func (r *retrier) do(ctx context.Context, f func(ctx context.Context, again bool) error) error {
	begin, again := time.Now(), false
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		err := f(ctx, again)
		if err == nil || !retry.Passing(err) {
			return err
		}
		if left := r.budget - time.Since(begin); left < wait {
			if r.budget > 0 {
				err = fmt.Errorf("%w (tried for %s)", err, time.Since(begin).Round(100*time.Millisecond))
			}
			return err
		}
		again = true
		r.log.Warn("trying again", "error", err, "in", wait)
		if !r.sleep(ctx, wait/2+rand.N(wait/2)) { //nolint:gosec // spreads load, keeps no secret
			return err
		}
	}
}

// sleep waits. It returns false when the load ends first.
func (r *retrier) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.stop:
		return false
	case <-ctx.Done():
		return false
	}
}

// violatesConstraint reports whether the server refused an insert because a
// row breaks a constraint of the table, and has stored none of it.
func violatesConstraint(err error) bool {
	var e *chconn.Error
	return errors.As(err, &e) && !e.Partial && e.Code == chconn.CodeViolatedConstraint
}
