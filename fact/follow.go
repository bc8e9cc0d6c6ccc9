package fact

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MissingMaterializer is what a Materializer may implement so that facts can be
// materialized again when nobody knows whether they have been.
type MissingMaterializer interface {
	// MaterializeMissing is Materialize for those of the facts whose IDs are not in
	// their tables, and returns how many were stored.
	MaterializeMissing(ctx context.Context, facts ...Fact) (stored int, err error)
}

// Follow says how a table follows a log.
type Follow struct {
	// Consumer names the checkpoint in the store.
	Consumer string
	// WaitRow makes Record return once its rows are stored, and not after the
	// append already. Somebody has to run [Pipeline.Follow], in this process or in
	// another.
	WaitRow bool
	// LeaseTTL is for several processes that run Follow: see SubscriptionConfig.
	LeaseTTL time.Duration
	// Upcast brings old events to their present form.
	Upcast *Upcasters
	// Events has each event itself stored as well, as it is in the log, as a row of the
	// built-in schema [LoggedEventSchema], which EnsureSchemas has to be given.
	Events bool
	// OnRefused is told of events that their schema refuses, which have no row then.
	// Without it, they hold up all that come after them, and OnError is told.
	OnRefused func(Event, error)
	// OnError is told of each failure before the next try.
	OnError func(error)
}

// WithFollow makes the log the truth that the tables follow: Record checks the
// facts and appends them, and [Pipeline.Follow] stores the rows, by a checkpoint
// that the store keeps. After a crash at any moment, Follow goes on where it was,
// and the tables end equal to the log. The store has to be a LogReader and a
// Checkpointer, and the schemas need a field that carries the fact's ID, so that
// rows which were stored just before a crash are recognised; the materializer
// has to be a [MissingMaterializer] for that.
func WithFollow(f Follow) PipelineOption {
	return func(p *Pipeline) { p.follow = &f }
}

// Followed says what a replay has done.
type Followed struct {
	// Position is the place in the log that it has come to.
	Position int64
	// Events is how many events were read, and Stored how many rows were stored.
	Events, Stored int64
	// Skipped is how many events have no row because EnsureSchemas was not given their
	// type, and Refused how many rows their schema refused.
	Skipped, Refused int64
}

// errNotFollowable says what a pipeline lacks.
var errNotFollowable = errors.New("the pipeline needs a store that is a LogReader and a Checkpointer, and a materializer that is a MissingMaterializer")

// Follow stores the facts of the log as rows, from the checkpoint on and as they
// are appended, until ctx ends; see [WithFollow]. It returns the error of ctx. Give
// the schemas to EnsureSchemas before.
func (p *Pipeline) Follow(ctx context.Context) error {
	if p.follow == nil {
		return errors.New("follow: the pipeline has no WithFollow")
	}
	s, err := p.subscription(*p.follow)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	return s.Run(ctx)
}

// Lag returns how many positions of the log Follow has not stored yet.
func (p *Pipeline) Lag(ctx context.Context) (int64, error) {
	if p.follow == nil {
		return 0, errors.New("lag: the pipeline has no WithFollow")
	}
	s, err := p.subscription(*p.follow)
	if err != nil {
		return 0, fmt.Errorf("lag: %w", err)
	}
	return s.Lag(ctx)
}

func (p *Pipeline) subscription(f Follow) (*Subscription, error) {
	log, ok := p.store.(FollowableLog)
	if _, missing := p.materializer.(MissingMaterializer); !ok || !missing {
		return nil, errNotFollowable
	}
	var done Followed
	return NewSubscription(SubscriptionConfig{
		Log: log, Consumer: f.Consumer, LeaseTTL: f.LeaseTTL, OnError: f.OnError,
		Handle: func(ctx context.Context, entries []Entry) error { return p.storeRows(ctx, entries, &f, &done) },
	})
}

// storeRows stores the rows of the entries that are not in their tables.
func (p *Pipeline) storeRows(ctx context.Context, entries []Entry, f *Follow, done *Followed) error {
	if len(entries) == 0 {
		return nil
	}
	var facts []Fact
	var events []Event
	skipped := int64(0)
	for _, logged := range entries {
		if f.Events {
			facts, events = append(facts, LoggedFact(logged)), append(events, logged.Event)
		}
		e, err := f.Upcast.Upcast(logged.Event)
		switch {
		case err != nil:
			return err
		case p.knows(e.Type) && (!f.Events || e.Type != LoggedEventSchema):
			facts, events = append(facts, Fact{Schema: e.Type, ID: e.ID, Value: e.Data}), append(events, e)
		case !f.Events:
			skipped++
		}
	}
	stored, refusals, err := p.storeFacts(ctx, facts, events, f.OnRefused)
	if err != nil {
		return err
	}
	done.Events += int64(len(entries))
	done.Skipped += skipped
	done.Stored += int64(stored)
	done.Refused += int64(refusals)
	done.Position = entries[len(entries)-1].Position
	return nil
}

// storeFacts stores the facts without those that are refused.
func (p *Pipeline) storeFacts(ctx context.Context, facts []Fact, events []Event, refused func(Event, error)) (stored, refusals int, err error) {
	m, _ := p.materializer.(MissingMaterializer) // the caller has looked
	for len(facts) > 0 {
		stored, err = m.MaterializeMissing(ctx, facts...)
		var bad *FactError
		if !errors.As(err, &bad) || refused == nil || bad.Index < 0 || bad.Index >= len(facts) {
			return stored, refusals, err
		}
		refused(events[bad.Index], bad) // and nothing of the call has been stored
		refusals++
		facts = append(facts[:bad.Index:bad.Index], facts[bad.Index+1:]...)
		events = append(events[:bad.Index:bad.Index], events[bad.Index+1:]...)
	}
	return stored, refusals, nil
}

// waitPoll is how often Record looks whether the row has been stored.
const waitPoll = 5 * time.Millisecond

// waitRows returns once Follow has come to the end of the log as it is now.
func (p *Pipeline) waitRows(ctx context.Context) error {
	log, ok := p.store.(FollowableLog)
	if !ok {
		return errNotFollowable
	}
	last, err := log.LastPosition(ctx)
	for err == nil {
		var at int64
		if at, err = log.Checkpoint(ctx, p.follow.Consumer); err == nil && at >= last {
			return nil
		}
		select {
		case <-time.After(waitPoll):
		case <-ctx.Done():
			return fmt.Errorf("the log has the facts, and their rows are still to come: %w", ctx.Err())
		}
	}
	return err
}
