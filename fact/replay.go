package fact

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// The most that a replay stores by one call: events, and bytes of their data. It holds
// four times as much, since some is read and encoded while a call waits for its insert.
const (
	replayEvents = 50_000
	replayBytes  = 16 << 20
)

// Replay stores the facts of the log after the position whose IDs are not in their
// tables, up to the end of the log, and returns what it has done, also with an
// error: call it again from its Position. It keeps no checkpoint. Upcasters and
// OnRefused are those of WithFollow, and so is Events; without OnRefused, a fact that its schema
// refuses is an error.
func (p *Pipeline) Replay(ctx context.Context, from int64) (Followed, error) {
	done := Followed{Position: from}
	log, ok := p.store.(LogReader)
	if _, missing := p.materializer.(MissingMaterializer); !ok || !missing {
		return done, fmt.Errorf("replay: %w", errNotFollowable)
	}
	var f Follow
	if p.follow != nil {
		f = *p.follow
	}
	if refused := f.OnRefused; refused != nil {
		var mu sync.Mutex
		f.OnRefused = func(e Event, err error) {
			mu.Lock()
			defer mu.Unlock()
			refused(e, err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	calls := make(chan chan stored, 1)
	defer func() { // nobody works any more when Replay returns
		stop()
		for call := range calls {
			<-call
		}
	}()
	go func() {
		defer close(calls)
		for entries, err := range batches(log.ReadLog(ctx, "", from)) {
			call := make(chan stored, 1)
			go func() { call <- p.storeBatch(ctx, entries, err, &f) }()
			calls <- call
		}
	}()
	for call := range calls {
		s := <-call
		if s.Events > 0 {
			done.Position = s.Position
		}
		done.Events += s.Events
		done.Stored += s.Stored
		done.Skipped += s.Skipped
		done.Refused += s.Refused
		if s.err != nil {
			return done, fmt.Errorf("replay: %w", s.err)
		}
	}
	return done, nil
}

// stored is what has become of a batch.
type stored struct {
	Followed
	err error
}

// storeBatch stores the rows of a batch, behind which the log could not be read if there
// is an error.
func (p *Pipeline) storeBatch(ctx context.Context, entries []Entry, err error, f *Follow) (s stored) {
	if s.err = p.storeRows(ctx, entries, f, &s.Followed); s.err == nil {
		s.err = err
	}
	return s
}

// batches gathers what is read. The last batch has the error that came behind it.
func batches(log iter.Seq2[Entry, error]) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		var batch []Entry
		size := 0
		for e, err := range log {
			if err != nil {
				yield(batch, err)
				return
			}
			batch = append(batch, e)
			size += len(e.Data)
			if len(batch) == replayEvents || size >= replayBytes {
				if !yield(batch, nil) {
					return
				}
				batch, size = nil, 0
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
