package bulk

import "time"

// Summary is what a load has done. It is valid when the load has failed too,
// and says what was done by then.
type Summary struct {
	// Rows is the number of rows inserted, or for a dry run the number of rows
	// that would be.
	Rows int64 `json:"rows"`
	// Rejected is the number of rows that were not, each for a reason of its
	// own.
	Rejected int64 `json:"rejected"`
	// Bytes are the bytes of the chunks that were loaded, decompressed.
	Bytes int64 `json:"bytes"`
	// Seconds is how long the load took.
	Seconds float64 `json:"seconds"`
	// Chunks is the number of chunks loaded.
	Chunks int64 `json:"chunks"`
	// SkippedChunks is the number of chunks that were loaded before and were
	// left alone; SkippedRows and SkippedBytes are what is in them, and
	// SkippedRejected is how many of their rows were rejected then.
	SkippedChunks   int64 `json:"skipped_chunks"`
	SkippedRows     int64 `json:"skipped_rows"`
	SkippedRejected int64 `json:"skipped_rejected"`
	SkippedBytes    int64 `json:"skipped_bytes"`

	// Load names the load in the ledger. It is empty for a dry run, and when
	// nothing was loaded.
	Load string `json:"load,omitempty"`
	// Files has one entry for each input that was opened, in order.
	Files []FileSummary `json:"files"`
	// Schemas counts by schema. Rejected rows whose schema could not be told
	// are under the empty name, and so are those of unknown schemas when there
	// are many.
	Schemas map[string]Counts `json:"schemas,omitempty"`
	// Reasons counts the rejected rows by reason: those of block.Reason, and
	// line_too_long, cut_line, unknown_schema and server.
	Reasons map[string]int64 `json:"reasons,omitempty"`
	// Warnings are things that a user should know.
	Warnings []string `json:"warnings,omitempty"`

	// FirstRejects are the first few rejected rows.
	FirstRejects []*RowError `json:"-"`
}

// Counts are numbers of rows.
type Counts struct {
	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`
}

// FileSummary is what a load has done with one input.
type FileSummary struct {
	// File is the name of the input.
	File string `json:"file"`
	// Compression is none, gzip, zstd, bzip2 or xz.
	Compression string `json:"compression"`
	// Rows, Rejected, Bytes, Chunks and the skipped ones are as in Summary.
	Rows            int64 `json:"rows"`
	Rejected        int64 `json:"rejected"`
	Bytes           int64 `json:"bytes"`
	Chunks          int64 `json:"chunks"`
	SkippedChunks   int64 `json:"skipped_chunks"`
	SkippedRows     int64 `json:"skipped_rows"`
	SkippedRejected int64 `json:"skipped_rejected"`
	SkippedBytes    int64 `json:"skipped_bytes"`
	// Loaded says which load has loaded the first chunk that was skipped. Nil
	// when none was skipped.
	Loaded *Loaded `json:"loaded,omitempty"`
}

// Loaded says when a chunk was loaded.
type Loaded struct {
	// Load names the load; it is the running one when two inputs of a load have
	// the same content.
	Load string `json:"load"`
	// File is the path under which the content was loaded.
	File string `json:"file"`
	// Time says when, in UTC.
	Time time.Time `json:"time"`
}

// Throughput returns rows and bytes a second. It is 0 when nothing was loaded.
func (s *Summary) Throughput() (rows, bytes float64) {
	if s.Seconds <= 0 {
		return 0, 0
	}
	return float64(s.Rows) / s.Seconds, float64(s.Bytes) / s.Seconds
}

// Progress is how far a load has come.
type Progress struct {
	// File is the name of the input being read; Index counts it from 1, of
	// Files.
	File         string
	Index, Files int
	// Read is how many bytes of the inputs have been read, as they are stored.
	// Total is how many there are, or 0 when nobody knows.
	Read, Total int64
	// Bytes are the decompressed bytes of the finished chunks.
	Bytes int64
	// Rows, Rejected and SkippedRows are the rows of the finished chunks.
	Rows, Rejected, SkippedRows int64
	// Elapsed is the time since the load began.
	Elapsed time.Duration
	// Done is true for the last call.
	Done bool
}
