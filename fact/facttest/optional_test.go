package facttest

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/factload/factload/fact"
)

// tampered is a right store whose optional interfaces are wrong where a function
// is set.
type tampered struct {
	*fact.MemoryStore
	readLog      func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error]
	lastPosition func() int64
	waitLog      func(ctx context.Context, after int64) error
	readStream   func(ctx context.Context, stream string, after int64) iter.Seq2[fact.Event, error]
	streams      func(ctx context.Context, category string) iter.Seq2[fact.StreamInfo, error]
	once         func(ctx context.Context, stream string, events []fact.Event) ([]fact.Event, error)
	erase        func(ctx context.Context, positions []int64) (int, error)
	deleteStream func(ctx context.Context, stream string) (int, error)
	imports      func(ctx context.Context, events []fact.Event) (int, error)
	checkpoint   func(consumer string, position int64) int64
	lease        func(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error)
	snapshot     func(stream string, s fact.Snapshot) error
}

func (t *tampered) ReadLog(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
	if t.readLog != nil {
		return t.readLog(ctx, category, after)
	}
	return t.MemoryStore.ReadLog(ctx, category, after)
}

func (t *tampered) LastPosition(ctx context.Context) (int64, error) {
	if t.lastPosition != nil {
		return t.lastPosition(), nil
	}
	return t.MemoryStore.LastPosition(ctx)
}

func (t *tampered) WaitLog(ctx context.Context, after int64) error {
	if t.waitLog != nil {
		return t.waitLog(ctx, after)
	}
	return t.MemoryStore.WaitLog(ctx, after)
}

func (t *tampered) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[fact.Event, error] {
	if t.readStream != nil {
		return t.readStream(ctx, stream, after)
	}
	return t.MemoryStore.ReadStream(ctx, stream, after)
}

func (t *tampered) Streams(ctx context.Context, category string) iter.Seq2[fact.StreamInfo, error] {
	if t.streams != nil {
		return t.streams(ctx, category)
	}
	return t.MemoryStore.Streams(ctx, category)
}

func (t *tampered) AppendOnce(ctx context.Context, stream string, events []fact.Event) ([]fact.Event, error) {
	if t.once != nil {
		return t.once(ctx, stream, events)
	}
	return t.MemoryStore.AppendOnce(ctx, stream, events)
}

func (t *tampered) Erase(ctx context.Context, positions ...int64) (int, error) {
	if t.erase != nil {
		return t.erase(ctx, positions)
	}
	return t.MemoryStore.Erase(ctx, positions...)
}

func (t *tampered) DeleteStream(ctx context.Context, stream string) (int, error) {
	if t.deleteStream != nil {
		return t.deleteStream(ctx, stream)
	}
	return t.MemoryStore.DeleteStream(ctx, stream)
}

func (t *tampered) ImportEvents(ctx context.Context, events []fact.Event) (int, error) {
	if t.imports != nil {
		return t.imports(ctx, events)
	}
	return t.MemoryStore.ImportEvents(ctx, events)
}

func (t *tampered) SaveCheckpoint(ctx context.Context, consumer, owner string, position int64) error {
	if t.checkpoint != nil {
		position = t.checkpoint(consumer, position)
	}
	return t.MemoryStore.SaveCheckpoint(ctx, consumer, owner, position)
}

func (t *tampered) Lease(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
	if t.lease != nil {
		return t.lease(ctx, consumer, owner, ttl)
	}
	return t.MemoryStore.Lease(ctx, consumer, owner, ttl)
}

func (t *tampered) SaveSnapshot(ctx context.Context, stream string, s fact.Snapshot) error {
	if t.snapshot != nil {
		return t.snapshot(stream, s)
	}
	return t.MemoryStore.SaveSnapshot(ctx, stream, s)
}

// tamper returns a store that is changed by wrong.
func tamper(wrong func(*tampered)) func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		t := &tampered{MemoryStore: newRight(w)}
		wrong(t)
		return t
	}
}

// filtered yields what keep says yes to, by its place.
func filtered[T any](all iter.Seq2[T, error], keep func(i int, one T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		i := 0
		for one, err := range all {
			if (err != nil || keep(i, one)) && !yield(one, err) {
				return
			}
			i++
		}
	}
}

func TestEventStoreFindsFaultyOptionalInterfaces(t *testing.T) {
	t.Parallel()
	rules := slices.Concat(onceRules(), logRules(), streamRules(), listRules(), eraseRules(), importRules(), checkpointRules(), snapshotRules())
	requireFound(t, rules, slices.Concat(faultyLogs(), faultyStreams(), faultyKeeping(), faultyConsumers()))
}

func faultyLogs() []broken {
	return []broken{
		{"reads stream by stream", tamper(func(t *tampered) {
			t.readLog = func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
				entries, _ := collect(t.MemoryStore.ReadLog(ctx, category, after))
				slices.SortStableFunc(entries, func(a, b fact.Entry) int { return strings.Compare(a.Stream, b.Stream) })
				return func(yield func(fact.Entry, error) bool) {
					for _, e := range entries {
						if !yield(e, nil) {
							return
						}
					}
				}
			}
		}), []string{"ReadLog yields all streams in the order of their commits"}},
		{"takes a prefix for a category", tamper(func(t *tampered) {
			t.readLog = func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
				return filtered(t.MemoryStore.ReadLog(ctx, "", after), func(_ int, e fact.Entry) bool { return strings.HasPrefix(e.Stream, category) })
			}
		}), []string{"ReadLog yields one category"}},
		{"reads from the position on", tamper(func(t *tampered) {
			t.readLog = func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
				return t.MemoryStore.ReadLog(ctx, category, after-1)
			}
		}), []string{"ReadLog is strictly after the position"}},
		{"reads a page", tamper(func(t *tampered) {
			t.readLog = func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
				return filtered(t.MemoryStore.ReadLog(ctx, category, after), func(i int, _ fact.Entry) bool { return i < 100 })
			}
		}), []string{"ReadLog yields long logs and may be left early"}},
		{"shows positions late", tamper(func(t *tampered) {
			hidden := int64(0) // until the log has gone on
			t.readLog = func(ctx context.Context, category string, after int64) iter.Seq2[fact.Entry, error] {
				return filtered(t.MemoryStore.ReadLog(ctx, category, after), func(_ int, e fact.Entry) bool {
					if hidden == 0 {
						hidden = e.Position
						return false
					}
					return true
				})
			}
		}), []string{"ReadLog never shows a position before a smaller one"}},
		{"counts positions from the end", tamper(func(t *tampered) {
			t.lastPosition = func() int64 { return math.MaxInt64 }
		}), []string{"LastPosition is that of the last event"}},
		{"does not wait", tamper(func(t *tampered) {
			t.waitLog = func(context.Context, int64) error { return nil }
		}), []string{"WaitLog returns with the next commit or with ctx"}},
	}
}

func faultyStreams() []broken {
	return []broken{
		{"reads streams from the sequence on", tamper(func(t *tampered) {
			t.readStream = func(ctx context.Context, stream string, after int64) iter.Seq2[fact.Event, error] {
				return t.MemoryStore.ReadStream(ctx, stream, after-1)
			}
		}), []string{"ReadStream yields what LoadFrom returns"}},
		{"reads a page of a stream", tamper(func(t *tampered) {
			t.readStream = func(ctx context.Context, stream string, after int64) iter.Seq2[fact.Event, error] {
				return filtered(t.MemoryStore.ReadStream(ctx, stream, after), func(i int, _ fact.Event) bool { return i < 100 })
			}
		}), []string{"ReadStream yields long streams and may be left early"}},
		{"lists all streams", tamper(func(t *tampered) {
			t.streams = func(ctx context.Context, _ string) iter.Seq2[fact.StreamInfo, error] {
				return t.MemoryStore.Streams(ctx, "")
			}
		}), []string{"Streams lists the streams of a category in order"}},
	}
}

func faultyKeeping() []broken {
	return []broken{
		{"appends again", tamper(func(t *tampered) { t.once = t.MemoryStore.AppendReturning }), []string{
			"AppendOnce stores each ID of a stream once",
			"AppendOnce lets one of many concurrent callers store an ID",
		}},
		{"checks nothing in AppendOnce", tamper(func(t *tampered) {
			t.once = func(_ context.Context, _ string, events []fact.Event) ([]fact.Event, error) { return events, nil }
		}), []string{"AppendOnce keeps the rules of append"}},
		{"erases nothing", tamper(func(t *tampered) {
			t.erase = func(_ context.Context, positions []int64) (int, error) { return len(positions), nil }
			t.deleteStream = func(context.Context, string) (int, error) { return 2, nil }
		}), []string{
			"erased events are gone and their sequences are not used again",
			"a deleted stream is empty and goes on with its sequences",
		}},
		{"numbers imported events", tamper(func(t *tampered) {
			t.imports = func(ctx context.Context, events []fact.Event) (int, error) {
				for _, e := range events {
					if err := t.Append(ctx, e.Stream, []fact.Event{e}); err != nil {
						return 0, err
					}
				}
				return len(events), nil
			}
		}), []string{
			"ImportEvents keeps events as they are",
			"ImportEvents can be repeated",
			"ImportEvents refuses what does not fit, and stores nothing",
		}},
	}
}

func faultyConsumers() []broken {
	return []broken{
		{"never lets a checkpoint go back", tamper(func(t *tampered) {
			t.checkpoint = func(consumer string, position int64) int64 {
				last, _ := t.Checkpoint(context.Background(), consumer)
				return max(last, position)
			}
		}), []string{"checkpoints are kept by consumer"}},
		{"leases to anybody", tamper(func(t *tampered) {
			t.lease = func(context.Context, string, string, time.Duration) (bool, error) { return true, nil }
		}), []string{"one owner at a time has the lease of a consumer"}},
		{"leases for ever", tamper(func(t *tampered) {
			t.lease = func(ctx context.Context, consumer, owner string, ttl time.Duration) (bool, error) {
				return t.MemoryStore.Lease(ctx, consumer, owner, 1000*ttl)
			}
		}), []string{"a lease ends with its time"}},
		{"keeps no snapshots", tamper(func(t *tampered) {
			t.snapshot = func(string, fact.Snapshot) error { return nil }
		}), []string{"the newest snapshot of a stream is kept"}},
	}
}
