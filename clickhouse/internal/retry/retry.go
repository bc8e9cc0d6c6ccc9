// Package retry repeats calls to ClickHouse that failed for the moment.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
)

// The waits between two tries: about firstWait, doubling up to mostWait.
const (
	firstWait = 50 * time.Millisecond
	mostWait  = 2 * time.Second
)

// lastingTries is how often a call is tried that the server answers with a code
// that does not pass by itself, such as that of a materialized view that fails:
// some two seconds, so that what waits behind it goes on.
const lastingTries = 6

// Repeater repeats what fails for the moment.
type Repeater struct {
	Budget  time.Duration                                   // not positive: nothing is repeated
	Forever bool                                            // the budget does not matter
	Stop    <-chan struct{}                                 // once it is closed, nothing is repeated; may be nil
	Retried func(ctx context.Context, tries int, err error) // told before each repetition
}

// Repeat calls try until it succeeds, fails for good, or the budget, counted
// from begin, is used up. What fails with a code that does not pass by itself is
// tried a few times, with or without a budget. Try is called at least once and must have its effect
// only once however often it is called; inserts do by their token.
//
// The error is of class ErrAmbiguous when a try was and none succeeded, for
// then that try may have had its effect.
func (r *Repeater) Repeat(ctx context.Context, begin time.Time, try func(context.Context) error) error {
	doubt, lasting := false, 0
	for tries, wait := 1, firstWait; ; tries, wait = tries+1, min(2*wait, mostWait) {
		err := try(ctx)
		if err == nil {
			return nil
		}
		// A repetition of an ambiguous insert starts here: what else has to be
		// known about the table before its rows are sent again is asked here.
		doubt = doubt || errors.Is(err, chconn.ErrAmbiguous)
		if chconn.Lasting(err) {
			lasting++
		}
		pause := wait/2 + rand.N(wait/2) //nolint:gosec // spreads load, keeps no secret
		if !Passing(err) || lasting == lastingTries || !r.mayRepeat(begin, &pause) || !r.sleep(ctx, pause) {
			return triedError(err, doubt, tries, time.Since(begin))
		}
		r.Retried(ctx, tries, err)
	}
}

// mayRepeat reports whether another try is within the budget. It cuts the
// pause so that the last try is made when the budget ends.
func (r *Repeater) mayRepeat(begin time.Time, pause *time.Duration) bool {
	if r.Forever {
		return true
	}
	left := r.Budget - time.Since(begin)
	if left <= 0 {
		return false
	}
	*pause = min(*pause, left)
	return true
}

// sleep is Sleep that returns false also when Stop is closed first.
func (r *Repeater) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Stop:
	case <-ctx.Done():
	}
	return false
}

// Sleep waits. It returns false when ctx ends first.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Passing reports whether a call may succeed when it is repeated.
func Passing(err error) bool {
	return errors.Is(err, chconn.ErrRetryable) || errors.Is(err, chconn.ErrAmbiguous)
}

// triedError says how often something was tried. With a doubt it is of class
// ErrAmbiguous, whatever failed last.
func triedError(err error, doubt bool, tries int, took time.Duration) error {
	text := ""
	if tries > 1 {
		text = fmt.Sprintf(" (tried %d times in %s)", tries, took.Round(10*time.Millisecond))
	}
	e, bare := err.(*chconn.Error) //nolint:errorlint // what wraps it is kept
	switch {
	case !bare && !doubt:
		return fmt.Errorf("%w%s", err, text)
	case !bare && !errors.As(err, &e):
		e = &chconn.Error{Op: "insert", Text: err.Error(), Cause: err}
	}
	out := *e
	out.Text += text
	if doubt && out.Class != chconn.ErrAmbiguous { //nolint:errorlint // Class is one of them
		out.Class, out.Cause = chconn.ErrAmbiguous, withoutClass(out.Cause)
		out.Text = "the answer to an earlier try was lost; then: " + out.Text
	}
	return &out
}

// withoutClass returns err unless it has a class of its own.
func withoutClass(err error) error {
	for _, class := range []error{chconn.ErrRetryable, chconn.ErrRejected, chconn.ErrSchema} {
		if errors.Is(err, class) {
			return nil
		}
	}
	return err
}

// Pause waits a little, longer with every try and not as long as others do.
func Pause(ctx context.Context, try int) error {
	most := 10 * time.Millisecond << min(try, 6)
	if !Sleep(ctx, most/2+rand.N(most)) { //nolint:gosec // spreads load, keeps no secret
		return context.Cause(ctx)
	}
	return nil
}
