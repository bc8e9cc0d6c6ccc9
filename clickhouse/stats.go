package clickhouse

import (
	"slices"
	"strings"
	"time"
)

// TableStats is what a Materializer has done for one table since it was made,
// and what it is about to do.
type TableStats struct {
	Table string // the name of the table

	Rows    int64 // stored
	Bytes   int64 // of those, as they were encoded
	Inserts int64 // that stored them
	Retries int64 // of inserts, and of looks into the table
	Failed  int64 // rows whose callers got an error
	Lost    int64 // buffered rows that were given up; see [Config.OnFailure]

	PendingRows  int64 // accepted and not yet answered
	PendingBytes int64 // the same
	Waiting      int   // calls that wait for room
	InDoubt      int   // fact IDs that the table may have or not
	Forgotten    int64 // fact IDs that are in doubt, too many to be kept

	ActiveParts int           // in the fullest partition, when last counted
	Pace        time.Duration // the shortest interval between small inserts
}

// Stats returns the statistics of all tables, by name.
func (m *Materializer) Stats() []TableStats {
	var out []TableStats
	for _, w := range m.writers() {
		out = append(out, TableStats(w.Stats()))
	}
	slices.SortFunc(out, func(a, b TableStats) int { return strings.Compare(a.Table, b.Table) })
	return out
}
