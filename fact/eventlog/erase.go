package eventlog

import (
	"context"
	"fmt"
)

// Eraser is what an EventStore may implement to forget events. What is erased is
// gone from everything that the store returns. Its sequence and its position are
// never given to another event, so a stream and the log have gaps there.
//
// Snapshots of the streams concerned are erased as well, since they are made of
// the events. The names of streams stay. What has left the store before, such as
// rows, published events and backups, is not its to erase.
type Eraser interface {
	// Erase erases the events at the positions, all or none of them, and returns
	// how many there were. Positions without an event are left out.
	Erase(ctx context.Context, positions ...int64) (int, error)
	// DeleteStream erases all events of the stream and returns how many there
	// were. Events that are appended later go on with its sequences.
	DeleteStream(ctx context.Context, stream string) (int, error)
}

// eraseBatch is how many events EraseWhere erases at once.
const eraseBatch = 1000

// EraseWhere erases the events of the whole log that match says yes to, and
// returns how many. It reads the log once, and erases in steps of a thousand:
// after an error, call it again. Events that are appended meanwhile may be missed.
func EraseWhere[S interface {
	LogReader
	Eraser
}](ctx context.Context, store S, match func(Entry) bool,
) (erased int, err error) {
	var positions []int64
	erase := func() error {
		n, err := store.Erase(ctx, positions...)
		positions = positions[:0]
		erased += n
		return err
	}
	for e, err := range store.ReadLog(ctx, "", 0) {
		if err != nil {
			return erased, fmt.Errorf("erase: %w", err)
		}
		if !match(e) {
			continue
		}
		if positions = append(positions, e.Position); len(positions) == eraseBatch {
			if err := erase(); err != nil {
				return erased, err
			}
		}
	}
	return erased, erase()
}
