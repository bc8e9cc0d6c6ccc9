package retry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
)

// inTurn returns a function that fails with the errors in turn, the last one
// for ever, and counts the calls.
func inTurn(calls *int, errs ...error) func(context.Context) error {
	return func(context.Context) error {
		i := min(*calls, len(errs)-1)
		*calls++
		return errs[i]
	}
}

func newRepeater(budget time.Duration) *Repeater {
	return &Repeater{Budget: budget, Retried: func(context.Context, int, error) {}}
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		errs  []error
		calls int
		class error
		not   error
	}{
		"stored":                  {[]error{nil}, 1, nil, nil},
		"stored later":            {[]error{retryable(), ambiguous(), retryable(), nil}, 4, nil, nil},
		"rejected":                {[]error{rejected()}, 1, chconn.ErrRejected, chconn.ErrAmbiguous},
		"rejected later":          {[]error{retryable(), rejected()}, 2, chconn.ErrRejected, chconn.ErrAmbiguous},
		"schema":                  {[]error{chconn.SchemaError(errors.New("x"))}, 1, chconn.ErrSchema, chconn.ErrAmbiguous},
		"rejected after doubt":    {[]error{ambiguous(), rejected()}, 2, chconn.ErrAmbiguous, chconn.ErrRejected},
		"schema after doubt":      {[]error{ambiguous(), chconn.SchemaError(errors.New("x"))}, 2, chconn.ErrAmbiguous, chconn.ErrSchema},
		"other class after doubt": {[]error{ambiguous(), errors.New("x")}, 2, chconn.ErrAmbiguous, chconn.ErrRetryable},
		"constraint after doubt":  {[]error{ambiguous(), &chconn.Error{Class: chconn.ErrRejected, Code: chconn.CodeViolatedConstraint}}, 2, chconn.ErrAmbiguous, chconn.ErrRejected},
		"broken view":             {[]error{retryable(), &chconn.Error{Class: chconn.ErrAmbiguous, Code: 395}}, 1 + lastingTries, chconn.ErrAmbiguous, chconn.ErrRejected},
		"unknown status":          {[]error{&chconn.Error{Class: chconn.ErrAmbiguous, Code: chconn.CodeUnknownStatus}, nil}, 2, nil, nil},
		"never":                   {[]error{retryable()}, 0, chconn.ErrRetryable, chconn.ErrAmbiguous},
		"never, with a doubt":     {[]error{retryable(), ambiguous(), retryable()}, 0, chconn.ErrAmbiguous, chconn.ErrRetryable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				err := newRepeater(time.Minute).Repeat(t.Context(), time.Now(), inTurn(&calls, tc.errs...))
				if tc.calls > 0 {
					require.Equal(t, tc.calls, calls)
				} else {
					require.Greater(t, calls, 30)
					require.ErrorContains(t, err, "times in 1m0s)")
				}
				if tc.class == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, tc.class)
				require.NotErrorIs(t, err, tc.not)
			})
		})
	}
}

func TestRepeatKeepsTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		begin := time.Now()
		require.Error(t, newRepeater(10*time.Second).Repeat(t.Context(), begin, inTurn(&calls, retryable())))
		require.Equal(t, 10*time.Second, time.Since(begin), "the last try is made when the budget ends")

		calls = 0
		now := time.Now()
		require.Error(t, newRepeater(10*time.Second).Repeat(t.Context(), begin, inTurn(&calls, retryable())))
		require.Equal(t, 1, calls, "at least one try")
		require.Zero(t, time.Since(now))

		calls = 0
		require.Error(t, newRepeater(-1).Repeat(t.Context(), now, inTurn(&calls, retryable())))
		require.Equal(t, 1, calls, "no budget, no repetition")
	})
}

func TestRepeatBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		r := newRepeater(0)
		r.Forever = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, r.Repeat(ctx, time.Now(), func(context.Context) error {
			at = append(at, time.Now())
			return retryable()
		}), chconn.ErrRetryable)
		want := firstWait
		different := make(map[time.Duration]bool)
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			require.GreaterOrEqual(t, pause, want/2)
			require.Less(t, pause, want)
			different[pause] = true
			want = min(2*want, mostWait)
		}
		require.Greater(t, len(at), 1800, "it never gives up")
		require.Greater(t, len(different), 1000, "not at the same moment as others")
	})
}

func TestRepeatStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		r := newRepeater(time.Hour)
		r.Stop = stop
		calls := 0
		err := r.Repeat(t.Context(), time.Now(), func(context.Context) error {
			if calls++; calls == 3 {
				close(stop)
			}
			return retryable()
		})
		require.ErrorIs(t, err, chconn.ErrRetryable)
		require.Equal(t, 3, calls)
	})
}

func TestPassing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		chconn.ErrAmbiguous, chconn.ErrRetryable, &chconn.Error{Class: chconn.ErrAmbiguous},
		&chconn.Error{Class: chconn.ErrAmbiguous, Code: 319}, &chconn.Error{Class: chconn.ErrRetryable, Code: 241},
	} {
		require.True(t, Passing(fmt.Errorf("insert: %w", err)), "%v", err)
	}
	require.False(t, Passing(&chconn.Error{Class: chconn.ErrRejected, Code: 469}))
}
