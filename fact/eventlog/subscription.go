package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// FollowableLog is what a [Subscription] needs of a store.
type FollowableLog interface {
	LogReader
	Checkpointer
}

// SubscriptionConfig says what a Subscription follows and what it does. Log,
// Consumer and Handle are needed.
type SubscriptionConfig struct {
	// Log is the store that is followed, which also keeps the checkpoint.
	Log FollowableLog
	// Consumer names the checkpoint. A new name begins with the first event: to
	// build a projection again beside the live one, give its new version another
	// name, and take it into use in CaughtUp.
	Consumer string
	// Category limits it to the streams of one [Category].
	Category string
	// Handle is given the next entries in order, at most Batch of them, which are
	// its own. When it fails they are given to it again, after a pause, until it
	// returns nil. Then the checkpoint is saved: after a crash between the two,
	// Handle gets entries that it has had. Keep what it does by ID or position
	// where that matters.
	Handle func(ctx context.Context, entries []Entry) error
	// Batch is the most entries of one call of Handle. 0 stands for 500.
	Batch int
	// Upcast brings events to their present form. Nil leaves them as they are.
	Upcast *Upcasters
	// LeaseTTL makes subscriptions of the same consumer, in whatever processes,
	// compete: one of them works, and another takes over when that has ended, or has
	// been silent for this long. 0 means that there is only one.
	LeaseTTL time.Duration
	// CaughtUp, if set, is called once, when all that was in the log has been
	// handled for the first time.
	CaughtUp func(ctx context.Context) error
	// OnError, if set, is told of each failure before the next try.
	OnError func(error)
}

// The pauses between tries.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Subscription follows the log of a store from its checkpoint: history first, then
// what is appended, in order and without a gap. It is safe for concurrent use.
type Subscription struct {
	c        SubscriptionConfig
	owner    string
	caughtUp bool
}

// NewSubscription returns a subscription that does nothing yet.
func NewSubscription(c SubscriptionConfig) (*Subscription, error) {
	if c.Log == nil || c.Consumer == "" || c.Handle == nil {
		return nil, errors.New("new subscription: it needs a log, a consumer and a function to handle entries")
	}
	if c.Batch <= 0 {
		c.Batch = 500
	}
	return &Subscription{c: c, owner: NewEventID()}, nil
}

// Lag returns how many positions the checkpoint is behind the log. It is 0 when
// everything has been handled.
func (s *Subscription) Lag(ctx context.Context) (int64, error) {
	at, err := s.c.Log.Checkpoint(ctx, s.c.Consumer)
	if err != nil {
		return 0, err
	}
	last, err := s.c.Log.LastPosition(ctx)
	return max(last-at, 0), err
}

// Run follows the log until ctx ends, and returns its error. One call of it runs
// at a time.
func (s *Subscription) Run(ctx context.Context) error {
	return s.leased(ctx, func(ctx context.Context) error {
		for {
			at, err := s.pass(ctx)
			if err == nil {
				err = s.c.Log.WaitLog(ctx, at)
			}
			if err != nil {
				return err
			}
		}
	})
}

// CatchUp handles what is in the log and returns nil then, or the error of ctx.
func (s *Subscription) CatchUp(ctx context.Context) error {
	return s.leased(ctx, func(ctx context.Context) error {
		_, err := s.pass(ctx)
		return err
	})
}

// leased calls work while it has the lease, again and again until it returns nil or
// ctx ends.
func (s *Subscription) leased(ctx context.Context, work func(context.Context) error) error {
	for pause := firstPause; ; {
		err := s.once(ctx, work)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errLeased):
			pause = s.c.LeaseTTL / 3
		case s.c.OnError != nil:
			s.c.OnError(fmt.Errorf("subscription of %q: %w", s.c.Consumer, err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, lastPause)
	}
}

// errLeased says that another subscription has the lease.
var errLeased = errors.New("leased to another")

// once calls work, with the lease if there is one.
func (s *Subscription) once(ctx context.Context, work func(context.Context) error) error {
	if s.c.LeaseTTL <= 0 {
		return work(ctx)
	}
	ok, err := s.c.Log.Lease(ctx, s.c.Consumer, s.owner, s.c.LeaseTTL)
	if err != nil {
		return err
	}
	if !ok {
		return errLeased
	}
	ctx, lose := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		s.renew(ctx, lose)
	}()
	err = work(ctx)
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	lose(nil)
	<-renewed
	_, gaveUp := s.c.Log.Lease(context.WithoutCancel(ctx), s.c.Consumer, s.owner, 0)
	return errors.Join(err, gaveUp)
}

// renew prolongs the lease until ctx ends, and ends it when the lease is lost.
func (s *Subscription) renew(ctx context.Context, lose context.CancelCauseFunc) {
	tick := time.NewTicker(s.c.LeaseTTL / 3)
	defer tick.Stop()
	for until := time.Now().Add(s.c.LeaseTTL); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		ok, err := s.c.Log.Lease(ctx, s.c.Consumer, s.owner, s.c.LeaseTTL)
		switch {
		case ok:
			until = began.Add(s.c.LeaseTTL)
		case err == nil || time.Now().After(until):
			lose(ErrLeaseLost)
			return
		}
	}
}

// pass handles what is in the log after the checkpoint, and returns the position
// it has come to.
func (s *Subscription) pass(ctx context.Context) (int64, error) {
	at, err := s.c.Log.Checkpoint(ctx, s.c.Consumer)
	if err != nil {
		return 0, err
	}
	last, err := s.c.Log.LastPosition(ctx)
	if err != nil {
		return 0, err
	}
	var batch []Entry
	handle := func() error {
		if len(batch) == 0 {
			return nil
		}
		next := batch[len(batch)-1].Position
		if err := s.c.Handle(ctx, batch); err != nil {
			return err
		}
		at, batch = next, nil
		return s.c.Log.SaveCheckpoint(ctx, s.c.Consumer, s.owner, at)
	}
	for e, err := range s.c.Log.ReadLog(ctx, s.c.Category, at) {
		if err == nil {
			e.Event, err = s.c.Upcast.Upcast(e.Event)
		}
		if err != nil {
			return at, err
		}
		if batch = append(batch, e); len(batch) == s.c.Batch {
			if err := handle(); err != nil {
				return at, err
			}
		}
	}
	if err := handle(); err != nil {
		return at, err
	}
	if at < last { // the rest is of other categories, or erased
		if err := s.c.Log.SaveCheckpoint(ctx, s.c.Consumer, s.owner, last); err != nil {
			return at, err
		}
		at = last
	}
	if s.c.CaughtUp != nil && !s.caughtUp {
		if err := s.c.CaughtUp(ctx); err != nil {
			return at, err
		}
		s.caughtUp = true
	}
	return at, nil
}
