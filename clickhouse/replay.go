package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/factload/factload/fact"
)

// Replayed says what a replay has done.
type Replayed struct {
	// Events is how many events were read.
	Events int64
	// Stored is how many rows were stored, Present how many facts had theirs.
	Stored, Present int64
	// Skipped is how many events are of a type that is no known schema.
	Skipped int64
	// Rejected is how many events could not become a row.
	Rejected int64
}

// The most that Replay holds in memory at once: events, and bytes of their data.
const (
	replayEvents = 50_000
	replayBytes  = 16 << 20
)

// Replay stores the facts of a log's events that their tables do not have. It
// heals tables after calls that failed, and fills new ones; repeating it stores
// nothing twice. The events of an [fact.EventStore] come from [fact.Events].
//
// The schemas have been given to EnsureSchema, and have a field that carries the
// fact's ID. Events of other types are skipped and counted. An event that is no
// fact of its schema is given to refused, with the reason, and the replay goes
// on; with refused being nil it ends there, with an error.
//
// Events are taken in pieces of at most 50,000 and 16 MiB, each of which is stored as
// [Materializer.MaterializeMissing] does; its limits hold. The result counts what
// has been done even when there is an error.
func (m *Materializer) Replay(ctx context.Context, events iter.Seq2[fact.Event, error], refused func(fact.Event, error)) (Replayed, error) {
	r := replay{m: m, refused: refused}
	for e, err := range events {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = r.add(ctx, e)
		}
		if err != nil {
			return r.done, fmt.Errorf("replay: %w", err)
		}
	}
	if err := r.flush(ctx); err != nil {
		return r.done, fmt.Errorf("replay: %w", err)
	}
	return r.done, nil
}

// replay is a replay that is running.
type replay struct {
	m       *Materializer
	refused func(fact.Event, error)
	done    Replayed

	events []fact.Event // still to store
	facts  []fact.Fact  // of these events
	bytes  int
}

func (r *replay) add(ctx context.Context, e fact.Event) error {
	r.done.Events++
	entry, err := r.m.entry(e.Type)
	if err != nil {
		r.done.Skipped++
		return nil
	}
	if !entry.factIDs {
		return r.refuse(e, errNoFactID(entry.table.Name))
	}
	// The row is made from the bytes that the log has.
	f := fact.Fact{Schema: e.Type, ID: e.ID, Value: e.Data}
	r.events, r.facts = append(r.events, e), append(r.facts, f)
	r.bytes += len(e.Data)
	if len(r.facts) < replayEvents && r.bytes < replayBytes {
		return nil
	}
	return r.flush(ctx)
}

func (r *replay) refuse(e fact.Event, err error) error {
	if r.refused == nil {
		return fmt.Errorf("event %q of type %q: %w", e.ID, e.Type, err)
	}
	r.done.Rejected++
	r.refused(e, err)
	return nil
}

// flush stores what has been gathered.
func (r *replay) flush(ctx context.Context) error {
	defer func() {
		clear(r.events)
		clear(r.facts)
		r.events, r.facts, r.bytes = r.events[:0], r.facts[:0], 0
	}()
	stored, err := r.m.MaterializeMissing(ctx, r.facts...)
	if errors.As(err, new(*fact.FactError)) { // nothing of the call has been stored
		if err := r.dropRefused(ctx); err != nil {
			return err
		}
		stored, err = r.m.MaterializeMissing(ctx, r.facts...)
	}
	if err != nil {
		return err
	}
	r.done.Stored += int64(stored)
	r.done.Present += int64(len(r.facts) - stored)
	return nil
}

// dropRefused looks for the facts that their schemas refuse and takes them out.
func (r *replay) dropRefused(ctx context.Context) error {
	kept := r.facts[:0]
	for i, f := range r.facts {
		p, err := r.m.prepare(ctx, []fact.Fact{f})
		if err == nil {
			p.Discard()
			kept = append(kept, f)
			continue
		}
		var bad *fact.FactError
		if !errors.As(err, &bad) {
			return err
		}
		if err := r.refuse(r.events[i], bad.Err); err != nil {
			return err
		}
	}
	r.facts = kept
	return nil
}
