package groupcommit

import "time"

// Stats is what a Writer has done since it was made, and what it is about to do.
type Stats struct {
	Table string // the name of the table

	Rows    int64 // stored
	Bytes   int64 // of those, as they were encoded
	Inserts int64 // that stored them
	Retries int64 // of inserts, and of looks into the table
	Failed  int64 // rows whose callers got an error
	Lost    int64 // buffered rows that were given up

	PendingRows  int64 // accepted and not yet answered
	PendingBytes int64 // the same
	Waiting      int   // calls that wait for room
	InDoubt      int   // fact IDs that the table may have or not
	Forgotten    int64 // fact IDs that are in doubt, too many to be kept

	ActiveParts int           // in the fullest partition, when last counted
	Pace        time.Duration // the shortest interval between small inserts
}

// Stats returns the statistics of the table.
func (w *Writer) Stats() Stats {
	o := w.metrics
	s := Stats{
		Table: w.Table, Rows: o.rowsStored.Load(), Bytes: o.bytesStored.Load(), Inserts: o.insertsStored.Load(),
		Retries: o.repetitions.Load(), Failed: o.rowsFailed.Load(), Lost: o.rowsLost.Load(),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.queue {
		s.PendingRows += int64(b.live())
	}
	if w.flight != nil {
		s.PendingRows += int64(w.flight.rows.Rows())
	}
	taken, waiting := w.room.Used()
	s.PendingBytes, s.Waiting = int64(taken), waiting
	s.InDoubt, s.Forgotten = len(w.doubts.known), w.doubts.forgotten
	s.ActiveParts, s.Pace = w.pacer.parts, w.pacer.interval(1)
	return s
}
