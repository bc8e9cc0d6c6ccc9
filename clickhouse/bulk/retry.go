package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/factload/factload/clickhouse"
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
// have an effect only once; inserts do by their token.
func (r *retrier) do(ctx context.Context, f func(context.Context) error) error {
	begin := time.Now()
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		err := f(ctx)
		if err == nil || !passing(err) {
			return err
		}
		if left := r.budget - time.Since(begin); left < wait {
			if r.budget > 0 {
				err = fmt.Errorf("%w (tried for %s)", err, time.Since(begin).Round(100*time.Millisecond))
			}
			return err
		}
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

// passing reports whether the call may succeed when it is repeated.
func passing(err error) bool {
	return errors.Is(err, clickhouse.ErrRetryable) || errors.Is(err, clickhouse.ErrAmbiguous)
}

// violatedConstraint is the server's code for a row that a CHECK constraint of
// its table refuses.
const violatedConstraint = 469

// dataCodes are the server's codes that a single row can be the cause of: a
// violated constraint, an expression of the table that fails for a value.
var dataCodes = map[int]bool{
	6:                  true, // CANNOT_PARSE_TEXT
	36:                 true, // BAD_ARGUMENTS
	38:                 true, // CANNOT_PARSE_DATE
	41:                 true, // CANNOT_PARSE_DATETIME
	43:                 true, // ILLEGAL_TYPE_OF_ARGUMENT
	69:                 true, // ARGUMENT_OUT_OF_BOUND
	72:                 true, // CANNOT_PARSE_NUMBER
	117:                true, // INCORRECT_DATA
	128:                true, // TOO_LARGE_ARRAY_SIZE
	131:                true, // TOO_LARGE_STRING_SIZE
	153:                true, // ILLEGAL_DIVISION
	190:                true, // SIZES_OF_ARRAYS_DONT_MATCH
	248:                true, // INVALID_PARTITION_VALUE
	321:                true, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	376:                true, // CANNOT_PARSE_UUID
	395:                true, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	407:                true, // DECIMAL_OVERFLOW
	467:                true, // CANNOT_PARSE_BOOL
	violatedConstraint: true,
	675:                true, // CANNOT_PARSE_IPV4
	676:                true, // CANNOT_PARSE_IPV6
	691:                true, // UNKNOWN_ELEMENT_OF_ENUM
}

// blamesData reports whether the server refused an insert for what is in the
// rows, so that the others of them can be inserted.
func blamesData(err error) bool {
	var e *clickhouse.Error
	return errors.As(err, &e) && dataCodes[e.Code]
}

func violatesConstraint(err error) bool {
	var e *clickhouse.Error
	return errors.As(err, &e) && e.Code == violatedConstraint
}
