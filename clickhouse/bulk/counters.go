package bulk

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// firstRejects is how many rejected rows a Summary holds.
const firstRejects = 5

// counters counts what a load does. It is safe for concurrent use.
type counters struct {
	begin time.Time
	files int
	total int64 // stored bytes of all inputs, or 0
	read  atomic.Int64

	mu      sync.Mutex
	sum     Summary
	index   map[*input.File]int // into sum.Files
	current int                 // input being read, from 1
	repeats []repeat
	// earlier are the rows of chunks that an unfinished load of the same inputs
	// has loaded.
	earlier Counts
}

// repeat is a chunk that was skipped because the load has it from another
// input. What is in it is known at the end.
type repeat struct {
	file   int // in sum.Files
	record *record
}

func newCounters(files []*input.File) *counters {
	t := &counters{begin: time.Now(), files: len(files), index: make(map[*input.File]int)}
	t.sum.Schemas = make(map[string]Counts)
	t.sum.Reasons = make(map[string]int64)
	t.sum.Files = []FileSummary{}
	for _, in := range files {
		if in.Stream {
			t.total = 0
			break
		}
		t.total += in.Size
	}
	return t
}

// open notes that an input is being read.
func (t *counters) open(in *input.File, kind input.Compression) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, again := t.index[in]; again {
		return
	}
	t.index[in] = len(t.sum.Files)
	t.sum.Files = append(t.sum.Files, FileSummary{File: in.Name, Compression: kind.String()})
	t.current = in.Index + 1
}

// skip notes a chunk that is loaded already, earlier by a load that this one
// goes on with.
func (t *counters) skip(in *input.File, was *candidate, earlier bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.index[in]
	f := &t.sum.Files[i]
	f.SkippedChunks++
	f.SkippedBytes += was.length
	f.SkippedRows += was.rows
	f.SkippedRejected += was.rejected
	if f.Loaded == nil {
		f.Loaded = &Loaded{Load: was.load, File: was.file, Time: was.time.UTC()}
	}
	t.sum.SkippedChunks++
	t.sum.SkippedBytes += was.length
	t.sum.SkippedRows += was.rows
	t.sum.SkippedRejected += was.rejected
	if earlier && was.mine == nil {
		t.earlier.Rows += was.rows
		t.earlier.Rejected += was.rejected
	}
	if was.mine != nil {
		t.repeats = append(t.repeats, repeat{file: i, record: was.mine})
	}
}

// commit notes what became of a chunk.
func (t *counters) commit(r *result) {
	rows, rejected := r.rows()
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &t.sum.Files[t.index[r.chunk.file]]
	if r.chunk.kind != cutLine && !r.hopeless {
		f.Chunks++
		f.Bytes += r.chunk.length
		t.sum.Chunks++
		t.sum.Bytes += r.chunk.length
	}
	if r.hopeless {
		rows = 0
	}
	f.Rows += rows
	f.Rejected += rejected
	t.sum.Rows += rows
	t.sum.Rejected += rejected
	for i := range r.counts {
		name := r.counts[i].schema
		c, known := t.sum.Schemas[name]
		if !known && r.counts[i].Rows == 0 && len(t.sum.Schemas) >= 10*mostUnknown {
			name, c = "", t.sum.Schemas[""]
		}
		if !r.hopeless {
			c.Rows += r.counts[i].Rows
		}
		c.Rejected += r.counts[i].Rejected
		t.sum.Schemas[name] = c
	}
	for reason, n := range r.reasons {
		t.sum.Reasons[reason] += n
	}
	for i := range r.rejects {
		if len(t.sum.FirstRejects) == firstRejects {
			break
		}
		t.sum.FirstRejects = append(t.sum.FirstRejects, r.rowError(&r.rejects[i]))
	}
	if r.chunk.record != nil {
		r.chunk.record.rows, r.chunk.record.rejected = rows, rejected
	}
}

// judged returns the rows and rejected rows so far, those included of the loads
// that this one goes on with.
func (t *counters) judged() (rows, rejected int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Rows + t.earlier.Rows, t.sum.Rejected + t.earlier.Rejected
}

// onlySkipped reports whether no row was loaded so far, and some of earlier
// loads were skipped.
func (t *counters) onlySkipped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Rows == 0 && t.sum.SkippedRows > 0
}

// warn adds a warning.
func (t *counters) warn(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.sum.Warnings, text) {
		t.sum.Warnings = append(t.sum.Warnings, text)
	}
}

// progress returns how far the load has come.
func (t *counters) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := Progress{
		Index: t.current, Files: t.files, Read: t.read.Load(), Total: t.total, Bytes: t.sum.Bytes,
		Rows: t.sum.Rows, Rejected: t.sum.Rejected, SkippedRows: t.sum.SkippedRows,
		Elapsed: time.Since(t.begin),
	}
	if n := len(t.sum.Files); n > 0 {
		p.File = t.sum.Files[n-1].File
	}
	return p
}

// summary returns the sum of everything. It is called once, at the end.
func (t *counters) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.repeats {
		t.sum.SkippedRows += r.record.rows
		t.sum.SkippedRejected += r.record.rejected
		t.sum.Files[r.file].SkippedRows += r.record.rows
		t.sum.Files[r.file].SkippedRejected += r.record.rejected
	}
	t.repeats = nil
	t.sum.Seconds = time.Since(t.begin).Seconds()
	return t.sum
}
