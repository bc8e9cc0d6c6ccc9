package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/factload/factload/fact/eventlog"
)

// page is how many rows are read at a time while ranging.
const page = 500

// ReadLog implements [eventlog.LogReader].
func (s *Store) ReadLog(ctx context.Context, category string, after int64) iter.Seq2[eventlog.Entry, error] {
	return pages("read log", func() ([]eventlog.Entry, error) {
		entries, err := queryEntries(ctx, s.read, "SELECT "+selected+
			" WHERE e.position > $1 AND ($2 = '' OR s.category = $2) ORDER BY e.position LIMIT $3", after, category, page)
		if len(entries) > 0 {
			after = entries[len(entries)-1].Position
		}
		return entries, s.explain(err)
	})
}

// pages yields what next returns, page by page, until there is none.
func pages[T any](what string, next func() ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			list, err := next()
			for _, one := range list {
				if !yield(one, nil) {
					return
				}
			}
			if err != nil {
				var none T
				yield(none, fmt.Errorf("%s: %w", what, err))
				return
			}
			if len(list) < page {
				return
			}
		}
	}
}

// LastPosition implements [eventlog.LogReader].
func (s *Store) LastPosition(ctx context.Context) (position int64, err error) {
	if err = s.read.QueryRowContext(ctx, "SELECT position FROM log").Scan(&position); err != nil {
		err = fmt.Errorf("last position: %w", s.explain(err))
	}
	return position, err
}

// WaitLog implements [eventlog.LogReader].
func (s *Store) WaitLog(ctx context.Context, after int64) error {
	for {
		committed := s.nextCommit()
		last, err := s.LastPosition(ctx)
		if err != nil || last > after {
			return err
		}
		var poll <-chan time.Time
		if s.dialect.Poll > 0 {
			poll = time.After(s.dialect.Poll)
		}
		select {
		case <-committed:
		case <-poll:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// nextCommit returns a channel that is closed by the next call of Woken.
func (s *Store) nextCommit() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.committed == nil {
		s.committed = make(chan struct{})
	}
	return s.committed
}

// Woken makes WaitLog look at the log again. It is called after each commit, and
// by stores that hear of what other processes have committed.
func (s *Store) Woken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.committed != nil {
		close(s.committed)
		s.committed = nil
	}
}

// ReadStream implements [eventlog.StreamReader].
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventlog.Event, error] {
	return pages("read stream", func() ([]eventlog.Event, error) {
		events, err := s.load(ctx, stream, after, page)
		if len(events) > 0 {
			after = events[len(events)-1].Sequence
		}
		return events, err
	})
}

// Streams implements [eventlog.StreamLister].
func (s *Store) Streams(ctx context.Context, category string) iter.Seq2[eventlog.StreamInfo, error] {
	after := ""
	return pages("list streams", func() ([]eventlog.StreamInfo, error) {
		rows, err := s.read.QueryContext(ctx, `SELECT name, events, last FROM streams
			WHERE name > $1 AND events > 0 AND ($2 = '' OR category = $2) ORDER BY name LIMIT $3`, after, category, page)
		if err != nil {
			return nil, s.explain(err)
		}
		defer rows.Close()
		var infos []eventlog.StreamInfo
		for rows.Next() {
			var info eventlog.StreamInfo
			if err := rows.Scan(&info.Name, &info.Events, &info.LastSequence); err != nil {
				return nil, err
			}
			infos = append(infos, info)
			after = info.Name
		}
		return infos, s.explain(rows.Err())
	})
}
