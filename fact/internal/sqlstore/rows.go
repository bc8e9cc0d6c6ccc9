package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/factload/factload/fact/eventlog"
)

// ErrCorrupt is wrapped by errors that say that what is stored is not what was
// appended.
var ErrCorrupt = errors.New("the store is corrupt")

// Columns are the columns of the table of events, in the order of Values.
const Columns = "position, stream, sequence, id, type, data, metadata, occurred_at, checksum"

// selected is what scanEvent reads.
const selected = "e.position, s.name, e.sequence, e.id, e.type, e.data, e.metadata, e.occurred_at, e.checksum FROM events e JOIN streams s ON s.id = e.stream"

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Values returns the row as the database has it.
func (r *Row) Values() ([]any, error) {
	metadata := ""
	if len(r.Metadata) > 0 {
		text, err := json.Marshal(r.Metadata)
		if err != nil {
			return nil, err
		}
		metadata = string(text)
	}
	at, err := r.OccurredAt.MarshalText()
	if err != nil {
		return nil, err
	}
	data := string(r.Data)
	sum := checksum(r.Stream, r.Sequence, r.ID, r.Type, data, metadata, string(at))
	return []any{r.Position, r.StreamID, r.Sequence, r.ID, r.Type, data, metadata, string(at), sum}, nil
}

// checksum returns the CRC-32C of the sequence and the texts, each behind its
// length: the databases do not check what their pages hold.
func checksum(stream string, sequence int64, texts ...string) int64 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], uint64(sequence)) //nolint:gosec // the bits count
	sum := crc32.Update(0, table, word[:])
	for _, text := range append([]string{stream}, texts...) {
		binary.LittleEndian.PutUint64(word[:], uint64(len(text)))
		sum = crc32.Update(sum, table, word[:])
		sum = crc32.Update(sum, table, []byte(text))
	}
	return int64(sum)
}

// scanEntry reads one row of what was selected, and checks it.
func scanEntry(rows *sql.Rows) (eventlog.Entry, error) {
	var e eventlog.Entry
	var data, metadata, at string
	var sum int64
	err := rows.Scan(&e.Position, &e.Stream, &e.Sequence, &e.ID, &e.Type, &data, &metadata, &at, &sum)
	if err != nil {
		return e, err
	}
	if sum != checksum(e.Stream, e.Sequence, e.ID, e.Type, data, metadata, at) {
		return e, fmt.Errorf("%w: event %d of stream %q, at position %d, has another checksum than when it was written",
			ErrCorrupt, e.Sequence, e.Stream, e.Position)
	}
	if data != "" {
		e.Data = json.RawMessage(data)
	}
	if metadata != "" {
		if err := json.Unmarshal([]byte(metadata), &e.Metadata); err != nil {
			return e, fmt.Errorf("%w: metadata: %w", ErrCorrupt, err)
		}
	}
	if e.OccurredAt, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return e, fmt.Errorf("%w: time: %w", ErrCorrupt, err)
	}
	return e, nil
}

// queryEntries returns what the query selects.
func queryEntries(ctx context.Context, q querier, query string, args ...any) ([]eventlog.Entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []eventlog.Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

func eventsOf(entries []eventlog.Entry, err error) ([]eventlog.Event, error) {
	events := make([]eventlog.Event, len(entries))
	for i := range entries {
		events[i] = entries[i].Event
	}
	return events, err
}

// loadEvents returns at most n events of the stream after the sequence.
func loadEvents(ctx context.Context, q querier, stream string, after int64, n int) ([]eventlog.Event, error) {
	return eventsOf(queryEntries(ctx, q, "SELECT "+selected+
		" WHERE s.name = $1 AND e.sequence > $2 ORDER BY e.sequence LIMIT $3", stream, after, n))
}

// find returns the events of the stream that have one of the IDs, as the open
// group sees it.
func (s *Store) find(ctx context.Context, stream string, ids []string) ([]eventlog.Event, error) {
	g := s.group
	if err := s.flush(ctx, g); err != nil {
		return nil, err
	}
	condition, arg := s.dialect.OneOf("e.id", "$2", ids)
	events, err := eventsOf(queryEntries(context.WithoutCancel(ctx), g.tx, "SELECT "+selected+
		" WHERE s.name = $1 AND "+condition+" ORDER BY e.sequence", stream, arg))
	return events, g.breaks(s.explain(err))
}
