package eventlog

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// Entry is an event and its place in the log of a whole store.
type Entry struct {
	// Position is the place of the event among those of all streams. Positions
	// grow from 1 in the order of the commits, and may have gaps: a reader that
	// has seen one never sees a smaller one come later.
	Position int64 `json:"position"`
	Event
}

// LogReader is what an EventStore may implement so that its streams can be read
// and followed as one log. Inside a projector, too, it shows what is committed.
type LogReader interface {
	// ReadLog yields the events after the position, 0 for all, in order of
	// Position: those of all streams, or of the streams of one [Category] if that
	// is not empty. It holds a page of some hundred events at a time, however long
	// the log is, and ends with the log. What is committed meanwhile may be
	// yielded as well. An error comes last. The events are the caller's.
	ReadLog(ctx context.Context, category string, after int64) iter.Seq2[Entry, error]
	// LastPosition returns the position of the last event that was committed, and
	// 0 if there is none. It still counts if the event has been erased since.
	LastPosition(ctx context.Context) (int64, error)
	// WaitLog returns nil once something is committed after the position, and the
	// error of ctx when that ends first.
	WaitLog(ctx context.Context, after int64) error
}

// StreamReader is what an EventStore may implement to load streams that are too
// long for memory. [Events] uses it.
type StreamReader interface {
	// ReadStream yields what LoadFrom returns and holds a page of some hundred
	// events at a time. What is committed meanwhile may be yielded as well. An
	// error comes last.
	ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[Event, error]
}

// StreamInfo is what a store knows of a stream.
type StreamInfo struct {
	// Name is the name of the stream.
	Name string `json:"name"`
	// Events is how many events it has. Erased ones do not count.
	Events int64 `json:"events"`
	// LastSequence is the last sequence that an event of the stream was given.
	LastSequence int64 `json:"last_sequence"`
}

// StreamLister is what an EventStore may implement to list its streams.
type StreamLister interface {
	// Streams yields the streams that have events, in the order of the bytes of
	// their names: all, or those of one [Category] if that is not empty. It holds
	// a page at a time. An error comes last.
	Streams(ctx context.Context, category string) iter.Seq2[StreamInfo, error]
}

// Category returns the part of a stream's name before the first hyphen, and the
// whole name if it has none: streams "chat-17" and "chat-18" are of the category
// "chat".
func Category(stream string) string {
	category, _, _ := strings.Cut(stream, "-")
	return category
}

// Events returns the events of a stream that come after a sequence, 0 for all,
// to be ranged over. A [StreamReader] is read in pages; other stores are loaded
// when ranging begins. An error of the store comes last.
func Events(ctx context.Context, store EventStore, stream string, after int64) iter.Seq2[Event, error] {
	if r, ok := store.(StreamReader); ok {
		return r.ReadStream(ctx, stream, after)
	}
	return func(yield func(Event, error) bool) {
		events, err := store.LoadFrom(ctx, stream, after)
		if err != nil {
			yield(Event{}, fmt.Errorf("load stream %q: %w", stream, err))
			return
		}
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}
