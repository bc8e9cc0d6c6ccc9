package bulk

import (
	"context"
	"log/slog"
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

// do calls f until it succeeds, fails for good, the budget is used up, or the
// load ends; see [retry.Repeater]. A call that was repeated must have an effect
// only once; inserts do by their token, and are told that this is not the first
// time.
func (r *retrier) do(ctx context.Context, f func(ctx context.Context, again bool) error) error {
	again := false
	repeater := retry.Repeater{Budget: r.budget, Stop: r.stop, Retried: func(ctx context.Context, tries int, err error) {
		if tries&(tries-1) == 0 { // the 1st, 2nd, 4th, 8th: the others mostly say the same
			r.log.WarnContext(ctx, "trying again", "tries", tries, "error", chconn.ForLog(err))
		}
	}}
	return repeater.Repeat(ctx, time.Now(), func(ctx context.Context) error {
		err := f(ctx, again)
		again = true
		return err
	})
}
