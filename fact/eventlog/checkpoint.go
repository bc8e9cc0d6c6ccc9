package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ErrLeaseLost is returned when a consumer's checkpoint is saved by somebody who
// does not hold its lease.
var ErrLeaseLost = errors.New("another owner has the lease of the consumer")

// Checkpointer is what an EventStore may implement to keep, for each consumer of
// its log, how far it has come. Checkpoints are stored like events: what was
// saved survives what the events survive.
type Checkpointer interface {
	// Checkpoint returns the position that was saved last for the consumer, and 0
	// if none was.
	Checkpoint(ctx context.Context, consumer string) (int64, error)
	// SaveCheckpoint saves a position, which may be a smaller one than before. It
	// fails with [ErrLeaseLost] while another owner has the consumer's lease.
	SaveCheckpoint(ctx context.Context, consumer, owner string, position int64) error
	// Lease makes the owner the one that works for the consumer until ttl has
	// passed, or prolongs that, and returns true; or returns false while another
	// owner has the lease. A ttl of 0 gives it up. Expiry is by the clock of the
	// store. An owner is a name that nobody else uses, such as one by NewEventID.
	Lease(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error)
}

// Snapshot is what somebody has made of the events of a stream, to begin from
// there the next time.
type Snapshot struct {
	// Sequence is the last event that it is made of.
	Sequence int64 `json:"sequence"`
	// Data is a JSON value.
	Data json.RawMessage `json:"data"`
}

// Snapshotter is what an EventStore may implement to keep one snapshot of each
// stream. Loading is then LoadSnapshot, and LoadFrom after its Sequence.
type Snapshotter interface {
	// SaveSnapshot keeps the snapshot instead of an older one. One that is not
	// newer than what the store has is left out without an error; one of a sequence
	// that the stream does not have is an error.
	SaveSnapshot(ctx context.Context, stream string, s Snapshot) error
	// LoadSnapshot returns the snapshot of the stream, which is the caller's, and
	// the zero Snapshot if there is none.
	LoadSnapshot(ctx context.Context, stream string) (Snapshot, error)
}
