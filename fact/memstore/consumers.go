package memstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/jsontext"
)

// consumer is what a Store keeps of a consumer.
type consumer struct {
	position int64
	owner    string
	until    time.Time
}

// leasedToOther reports whether somebody other than the owner has the lease.
func (c consumer) leasedToOther(owner string) bool {
	return c.owner != owner && time.Now().Before(c.until)
}

// Checkpoint implements [eventlog.Checkpointer].
func (s *Store) Checkpoint(_ context.Context, consumer string) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.consumers[consumer].position, nil
}

// SaveCheckpoint implements [eventlog.Checkpointer].
func (s *Store) SaveCheckpoint(_ context.Context, consumer, owner string, position int64) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	c := s.log.consumers[consumer]
	if c.leasedToOther(owner) {
		return fmt.Errorf("save checkpoint of %q: %w", consumer, eventlog.ErrLeaseLost)
	}
	c.position = position
	s.log.consumers[consumer] = c
	return nil
}

// Lease implements [eventlog.Checkpointer].
func (s *Store) Lease(_ context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	c := s.log.consumers[consumer]
	if c.leasedToOther(owner) {
		return false, nil
	}
	c.owner, c.until = owner, time.Now().Add(ttl)
	s.log.consumers[consumer] = c
	return true, nil
}

// SaveSnapshot implements [eventlog.Snapshotter].
func (s *Store) SaveSnapshot(_ context.Context, stream string, snapshot eventlog.Snapshot) error {
	if !json.Valid(snapshot.Data) {
		return fmt.Errorf("save snapshot of stream %q: data is not valid JSON: %s", stream, jsontext.Excerpt(snapshot.Data))
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	kept := s.log.streams[stream]
	if kept == nil || snapshot.Sequence < 1 || snapshot.Sequence > kept.last {
		return fmt.Errorf("save snapshot of stream %q at %d: %w", stream, snapshot.Sequence, errNoSequence)
	}
	if snapshot.Sequence > kept.snapshot.Sequence {
		kept.snapshot = eventlog.Snapshot{Sequence: snapshot.Sequence, Data: bytes.Clone(snapshot.Data)}
	}
	return nil
}

// LoadSnapshot implements [eventlog.Snapshotter].
func (s *Store) LoadSnapshot(_ context.Context, stream string) (eventlog.Snapshot, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	kept := s.log.streams[stream]
	if kept == nil {
		return eventlog.Snapshot{}, nil
	}
	return eventlog.Snapshot{Sequence: kept.snapshot.Sequence, Data: bytes.Clone(kept.snapshot.Data)}, nil
}

var errNoSequence = errors.New("the stream has no such sequence")
