package sqlstore

import (
	"context"
	"fmt"

	"github.com/factload/factload/fact/eventlog"
)

// Erase implements [eventlog.Eraser].
func (s *Store) Erase(ctx context.Context, positions ...int64) (n int, err error) {
	if len(positions) == 0 {
		return 0, nil
	}
	err = s.inGroup(ctx, func(ctx context.Context, g *group) error {
		n = 0
		for _, position := range positions {
			erased, err := s.eraseRows(ctx, g, "e.position = $1", position)
			if err != nil {
				return err
			}
			n += erased
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("erase: %w", err)
	}
	return n, nil
}

// DeleteStream implements [eventlog.Eraser].
func (s *Store) DeleteStream(ctx context.Context, stream string) (n int, err error) {
	if err = eventlog.CheckStream(stream); err == nil {
		err = s.inGroup(ctx, func(ctx context.Context, g *group) error {
			n, err = s.eraseRows(ctx, g, "e.stream = (SELECT id FROM streams WHERE name = $1)", stream)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("delete stream %q: %w", stream, err)
	}
	return n, nil
}

// eraseRows deletes the events of at most one stream, and what was made of them.
func (s *Store) eraseRows(ctx context.Context, g *group, where string, arg any) (int, error) {
	gone := "FROM events AS e WHERE " + where
	_, err := g.tx.ExecContext(ctx, fmt.Sprintf(`UPDATE streams SET snapshot_at = 0, snapshot = '',
		events = events - (SELECT count(*) %s) WHERE id IN (SELECT e.stream %s)`, gone, gone), arg)
	if err != nil {
		return 0, g.breaks(s.explain(err))
	}
	result, err := g.tx.ExecContext(ctx, fmt.Sprint("DELETE ", gone), arg)
	if err != nil {
		return 0, g.breaks(s.explain(err))
	}
	n, err := result.RowsAffected()
	return int(n), g.breaks(err)
}

// ImportEvents implements [eventlog.Importer].
func (s *Store) ImportEvents(ctx context.Context, events []eventlog.Event) (added int, err error) {
	if events, err = eventlog.AdoptImported(events); err == nil && len(events) > 0 {
		err = s.inGroup(ctx, func(ctx context.Context, g *group) error {
			fresh, err := s.newToLog(ctx, g, events)
			if err == nil {
				g.stage(s, fresh)
				added = len(fresh)
			}
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	return added, nil
}

// newToLog returns the events that the log does not have, or an error if they
// cannot follow what it has.
func (s *Store) newToLog(ctx context.Context, g *group, events []eventlog.Event) ([]eventlog.Event, error) {
	fresh := make([]eventlog.Event, 0, len(events))
	last := make(map[string]int64)
	for _, e := range events {
		if _, seen := last[e.Stream]; !seen {
			h, err := s.head(g, e.Stream)
			if err != nil {
				return nil, err
			}
			last[e.Stream] = h.last
		}
		if e.Sequence > last[e.Stream] {
			fresh = append(fresh, e)
			last[e.Stream] = e.Sequence
			continue
		}
		have, err := loadEvents(ctx, g.tx, e.Stream, e.Sequence-1, 1)
		if err != nil {
			return nil, g.breaks(s.explain(err))
		}
		if len(have) == 0 || have[0].Sequence != e.Sequence || have[0].ID != e.ID {
			return nil, &eventlog.ConflictError{Stream: e.Stream, Expected: e.Sequence - 1, Actual: last[e.Stream]}
		}
	}
	return fresh, nil
}
