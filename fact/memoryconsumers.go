package fact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// memoryConsumer is what a MemoryStore keeps of a consumer.
type memoryConsumer struct {
	position int64
	owner    string
	until    time.Time
}

// leasedToOther reports whether somebody other than the owner has the lease.
func (c memoryConsumer) leasedToOther(owner string) bool {
	return c.owner != owner && time.Now().Before(c.until)
}

// Checkpoint implements [Checkpointer].
func (s *MemoryStore) Checkpoint(_ context.Context, consumer string) (int64, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.consumers[consumer].position, nil
}

// SaveCheckpoint implements [Checkpointer].
func (s *MemoryStore) SaveCheckpoint(_ context.Context, consumer, owner string, position int64) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	c := s.log.consumers[consumer]
	if c.leasedToOther(owner) {
		return fmt.Errorf("save checkpoint of %q: %w", consumer, ErrLeaseLost)
	}
	c.position = position
	s.log.consumers[consumer] = c
	return nil
}

// Lease implements [Checkpointer].
func (s *MemoryStore) Lease(_ context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
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

// SaveSnapshot implements [Snapshotter].
func (s *MemoryStore) SaveSnapshot(_ context.Context, stream string, snapshot Snapshot) error {
	if !json.Valid(snapshot.Data) {
		return fmt.Errorf("save snapshot of stream %q: data is not valid JSON: %s", stream, excerpt(snapshot.Data))
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	kept := s.log.streams[stream]
	if kept == nil || snapshot.Sequence < 1 || snapshot.Sequence > kept.last {
		return fmt.Errorf("save snapshot of stream %q at %d: %w", stream, snapshot.Sequence, errNoSequence)
	}
	if snapshot.Sequence > kept.snapshot.Sequence {
		kept.snapshot = Snapshot{Sequence: snapshot.Sequence, Data: bytes.Clone(snapshot.Data)}
	}
	return nil
}

// LoadSnapshot implements [Snapshotter].
func (s *MemoryStore) LoadSnapshot(_ context.Context, stream string) (Snapshot, error) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	kept := s.log.streams[stream]
	if kept == nil {
		return Snapshot{}, nil
	}
	return Snapshot{Sequence: kept.snapshot.Sequence, Data: bytes.Clone(kept.snapshot.Data)}, nil
}

var errNoSequence = errors.New("the stream has no such sequence")
