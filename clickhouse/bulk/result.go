package bulk

import (
	"slices"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
)

// result is what became of a chunk.
type result struct {
	chunk *chunk
	// start is where in its batch the chunk begins, in bytes.
	start int64
	// counts has an entry for each schema that occurs, "" for rows whose schema
	// could not be told.
	counts []schemaCount
	// rejected is the number of rejected rows, and reasons counts them by
	// reason.
	rejected int64
	reasons  map[string]int64
	// rejectedAt is where in the chunk the rejected rows begin.
	rejectedAt []int64
	// rejects are the first few rejected rows in the order of the input.
	rejects []reject
	// lines are the lines of the rejects file for what the decoder has rejected,
	// and refused those for what the server has. Each is nil when there are none,
	// or nobody wants them.
	lines, refused *rejects.Lines
	// hopeless means that the chunk alone has too many rejects. Decoding
	// stopped there, and nothing was inserted.
	hopeless bool
	// sent means that rows were sent to the server, or may have been.
	sent bool
}

type schemaCount struct {
	schema string
	Counts
}

// reject is a rejected row.
type reject struct {
	offset int64 // of the line in the input
	// inChunk is where in the chunk it begins.
	inChunk int64
	line    int64
	schema  string
	err     error
	raw     []byte // nil once the line for the rejects file is made
	cut     bool   // raw is only the beginning
}

// rows returns the number of rows inserted, and of rows rejected.
func (r *result) rows() (rows, rejected int64) {
	for i := range r.counts {
		rows += r.counts[i].Rows
	}
	return rows, r.rejected
}

// rejectedRows returns which rows were rejected, as the ledger has them.
func (r *result) rejectedRows() string {
	rows, rejected := r.rows()
	if rejected == 0 {
		return ""
	}
	slices.Sort(r.rejectedAt)
	out := rejectedRows{at: r.rejectedAt, all: rows == 0 && r.chunk.only == nil}
	return out.String()
}

// count returns the counts of a schema to add to.
func (r *result) count(schema string) *Counts {
	for i := range r.counts {
		if r.counts[i].schema == schema {
			return &r.counts[i].Counts
		}
	}
	r.counts = append(r.counts, schemaCount{schema: schema})
	return &r.counts[len(r.counts)-1].Counts
}

// reject counts a rejected row, and keeps it if it is one of the first.
func (r *result) reject(x reject, reason string) {
	r.rejected++
	r.rejectedAt = append(r.rejectedAt, x.inChunk)
	r.count(r.countedAs(x.schema, reason)).Rejected++
	if r.reasons == nil {
		r.reasons = make(map[string]int64)
	}
	r.reasons[reason]++
	if len(r.rejects) < firstRejects {
		x.raw = nil
		r.rejects = append(r.rejects, x)
	}
}

// newSpool returns the spool of a load. Each chunk under way has two places, for what
// the decoder and for what the server refuses.
func newSpool(cfg *Config) *rejects.Spool {
	return rejects.NewSpool(cfg.Rejects, 2*slotsPerWorker*cfg.Workers)
}

// keepReject counts a rejected row of res, and adds its entry for the rejects file to
// lines, which are made when they are nil. Without a spool nobody wants the entry.
func keepReject(spool *rejects.Spool, res *result, lines *rejects.Lines, x reject) *rejects.Lines {
	reason := reasonOf(x.err)
	res.reject(x, reason)
	if spool == nil {
		return nil
	}
	if lines == nil {
		lines = spool.NewLines()
	}
	e := rejects.Entry{
		File: res.chunk.file.Name, Line: x.line, Offset: x.offset, Schema: x.schema,
		Error: x.err.Error(), Reason: reason,
	}
	if fault, ok := x.err.(*block.FieldError); ok { //nolint:errorlint // as in rowError
		e.Field = fault.Field
	}
	e.SetRaw(x.raw, x.cut)
	lines.Add(&e)
	return lines
}

// mostUnknown is how many schemas that are not known a chunk is counted by.
const mostUnknown = 100

// countedAs returns the schema that a rejected row is counted by: its own, or
// none when there are too many of them that are not known.
func (r *result) countedAs(schema, reason string) string {
	if reason != unknownSchemaReason || len(r.counts) < mostUnknown {
		return schema
	}
	for i := range r.counts {
		if r.counts[i].schema == schema {
			return schema
		}
	}
	return ""
}

// close releases the rejects. It is called once, by the committer.
func (r *result) close() {
	r.lines.Close()
	r.refused.Close()
}

// rowError returns the reject as users see it.
func (r *result) rowError(x *reject) *RowError {
	e := &RowError{
		File: r.chunk.file.Name, Line: x.line, Offset: x.offset,
		Schema: x.schema, Err: x.err,
	}
	if fault, ok := x.err.(*block.FieldError); ok { //nolint:errorlint // set by the decoder itself, never wrapped
		e.Field, e.Value = fault.Field, fault.Value
	}
	return e
}
