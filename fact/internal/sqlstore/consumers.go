package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/factload/factload/fact/eventlog"
)

// Checkpoint implements [eventlog.Checkpointer].
func (s *Store) Checkpoint(ctx context.Context, consumer string) (position int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT position FROM consumers WHERE name = $1", consumer).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("checkpoint of %q: %w", consumer, s.explain(err))
	}
	return position, nil
}

// SaveCheckpoint implements [eventlog.Checkpointer].
func (s *Store) SaveCheckpoint(ctx context.Context, consumer, owner string, position int64) error {
	saved, err := s.changeConsumer(ctx, `INSERT INTO consumers (name, position, owner, until) VALUES ($1, $3, $2, 0)
		ON CONFLICT (name) DO UPDATE SET position = excluded.position
		WHERE consumers.owner = $2 OR consumers.until <= `+s.dialect.Millis, consumer, owner, position)
	if err == nil && !saved {
		err = eventlog.ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("save checkpoint of %q: %w", consumer, err)
	}
	return nil
}

// Lease implements [eventlog.Checkpointer].
func (s *Store) Lease(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
	now := s.dialect.Millis
	leased, err := s.changeConsumer(ctx, `INSERT INTO consumers (name, position, owner, until) VALUES ($1, 0, $2, `+now+` + $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE consumers.owner = $2 OR consumers.until <= `+now, consumer, owner, ttl.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("lease of %q: %w", consumer, err)
	}
	return leased, nil
}

// changeConsumer reports whether the statement has changed the consumer.
func (s *Store) changeConsumer(ctx context.Context, statement string, consumer, owner string, number int64) (changed bool, err error) {
	err = s.inGroup(ctx, func(ctx context.Context, g *group) error {
		result, err := g.tx.ExecContext(ctx, statement, consumer, owner, number)
		if err != nil {
			return g.breaks(s.explain(err))
		}
		n, err := result.RowsAffected()
		changed = n > 0
		return g.breaks(err)
	})
	return changed, err
}

// SaveSnapshot implements [eventlog.Snapshotter].
func (s *Store) SaveSnapshot(ctx context.Context, stream string, snapshot eventlog.Snapshot) error {
	if !json.Valid(snapshot.Data) {
		return fmt.Errorf("save snapshot of stream %q: data is not valid JSON", stream)
	}
	err := s.inGroup(ctx, func(ctx context.Context, g *group) error {
		h, err := s.head(g, stream)
		if err != nil {
			return err
		}
		if snapshot.Sequence < 1 || snapshot.Sequence > h.last {
			return fmt.Errorf("the stream has no sequence %d", snapshot.Sequence)
		}
		_, err = g.tx.ExecContext(ctx, "UPDATE streams SET snapshot_at = $2, snapshot = $3 WHERE name = $1 AND snapshot_at < $2",
			stream, snapshot.Sequence, string(snapshot.Data))
		return g.breaks(s.explain(err))
	})
	if err != nil {
		return fmt.Errorf("save snapshot of stream %q: %w", stream, err)
	}
	return nil
}

// LoadSnapshot implements [eventlog.Snapshotter].
func (s *Store) LoadSnapshot(ctx context.Context, stream string) (snapshot eventlog.Snapshot, err error) {
	var data string
	err = s.read.QueryRowContext(ctx, "SELECT snapshot_at, snapshot FROM streams WHERE name = $1", stream).Scan(&snapshot.Sequence, &data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return eventlog.Snapshot{}, fmt.Errorf("load snapshot of stream %q: %w", stream, s.explain(err))
	}
	if data != "" {
		snapshot.Data = json.RawMessage(data)
	}
	return snapshot, nil
}
