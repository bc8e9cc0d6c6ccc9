package bulk

import (
	"time"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// ledgerTable is the table that remembers what has been loaded. It is in the
// same database as the tables that are loaded.
const ledgerTable = "_factload_ledger"

// The states of a ledger entry.
const (
	// loadStarted and loadDone are about a load as a whole: parent is the
	// position where its chains begin, and token stands for its inputs.
	loadStarted = "load_started"
	loadDone    = "load_done"
	// chunkStarted means that a chunk may be in its tables, in part or in
	// whole. It is written before the first insert of the chunk.
	chunkStarted = "chunk_started"
	// chunkDone means that the chunk is in its tables, and its rejects in the
	// rejects file.
	chunkDone = "chunk_done"
	// chunkDropped means that the load which began the chunk has inserted
	// nothing of it, nor of any chunk that follows in the chain, and no longer
	// will: it is as if the load had never begun it. Forced loads do not write
	// it, since they go on under the same name.
	chunkDropped = "chunk_dropped"
	// known means that a forced load has loaded the content of a chunk: an entry of
	// the chain that loads without force follow, beside that of the forced load's own
	// chain.
	known = "known"
	// partStored means that of a chunk that is divided by partitions so many parts are
	// stored as lines says, in the table that schema names.
	partStored = "part_stored"
)

// ledgerEntry is a row of the ledger. Those of a load of one file with two chunks:
//
//	state         parent    token     head    rows  load
//	load_started  root      inputs                  L     token stands for the set of inputs
//	chunk_started root      T1        H1            L     token is T1 = root.next(content of the chunk)
//	chunk_done    root      T1        H1      950   L
//	chunk_started T1        T2        H2            L     so that chunks make a chain: root → T1 → T2
//	chunk_done    T1        T2        H2      120   L
//	load_done     root      inputs                  L
//
// Small chunks of several files are inserted together, as a batch. Each has entries of its
// own, with the token of the batch; those of one state come in one insert, so that the
// ledger has them of all chunks of the batch or of none.
//
// A forced load has a root of its own, F, and says of each chunk that is done what
// loads without force look for:
//
//	known         root      T1        H1      950   L
//	chunk_done    F         F1        H1      950   L
type ledgerEntry struct {
	parent, token token
	head          uint64
	state         string
	load          string
	number        uint64 // of the load, in the order in which loads began
	schema        string
	file          string // path
	forced        bool
	rules         string // fingerprint of what decides which rows lines become
	inputs        []uint64

	offset, length int64
	line, lines    int64
	rows, rejected int64
	rejects        string // which rows; see rejectedRows
	time           time.Time

	batch string // of a chunk that is inserted with others, and place among them
	place int
}

// ledgerSchema is the schema of the ledger. A chunk is found by the position
// that it follows and by the fingerprint of its first line.
func ledgerSchema() fact.Schema {
	return fact.Schema{
		Name: "ledger",
		Fields: []fact.Field{
			{Name: "parent", Type: fact.String, Comment: "position before the chunk"},
			{Name: "head", Type: fact.UInt64, Comment: "fingerprint of the first line"},
			{Name: "token", Type: fact.String, Comment: "position behind the chunk, also its deduplication token"},
			{Name: "state", Type: fact.Enum, Values: []string{loadStarted, chunkStarted, chunkDone, loadDone, chunkDropped, known, partStored}},
			{Name: "load", Type: fact.String, Comment: "name of the load"},
			{Name: "schema", Type: fact.LowCardinalityString, Comment: "schema of bare rows, empty when lines name theirs"},
			{Name: "file", Type: fact.String, Comment: "path of the input"},
			{Name: "forced", Type: fact.Bool},
			{Name: "offset", Type: fact.UInt64, Comment: "first byte in the decompressed input"},
			{Name: "bytes", Type: fact.UInt64},
			{Name: "line", Type: fact.UInt64, Comment: "number of the first line, from 1"},
			{Name: "lines", Type: fact.UInt64},
			{Name: "rows", Type: fact.UInt64, Comment: "rows inserted"},
			{Name: "rejected", Type: fact.UInt64, Comment: "rows rejected"},
			{Name: "time", Type: fact.DateTime64},
			{Name: "rules", Type: fact.LowCardinalityString, Comment: "fingerprint of the fields of the schemas and of the options of decoding"},
			{Name: "number", Type: fact.UInt64, Comment: "number of the load, in the order in which loads began: clocks jump"},
			{Name: "rejects", Type: fact.String, Comment: "which rows were rejected, by where in the chunk they begin"},
			{Name: "batch", Type: fact.String, Comment: "deduplication token of an insert of several chunks, empty for one"},
			{Name: "place", Type: fact.UInt32, Comment: "of the chunk in its batch, from 0"},
			{Name: "inputs", Type: fact.UInt64, Array: true, Comment: "fingerprints of the paths of all inputs of the load"},
		},
		OrderBy: []string{"parent", "head", "token"},
	}
}

// ledgerOptions are the table options of the ledger.
func ledgerOptions() ddl.Options {
	return ddl.Options{Comment: "what factload has loaded; without it, loading a file again doubles its rows"}
}

// data returns the entry as a row of the ledger.
func (e *ledgerEntry) data() map[string]any {
	return map[string]any{
		"parent": e.parent.String(), "head": e.head, "token": e.token.String(), "state": e.state,
		"load": e.load, "schema": e.schema, "file": e.file, "forced": e.forced,
		"offset": e.offset, "bytes": e.length, "line": e.line, "lines": e.lines,
		"rows": e.rows, "rejected": e.rejected, "time": e.time.UTC().Truncate(time.Millisecond),
		"rules": e.rules, "number": e.number, "rejects": e.rejects, "batch": e.batch, "place": e.place, "inputs": append([]uint64{}, e.inputs...),
	}
}

// candidateRow is what following reads of the ledger.
type candidateRow struct {
	Parent   string    `ch:"parent"`
	Token    string    `ch:"token"`
	Head     uint64    `ch:"head"`
	Bytes    uint64    `ch:"bytes"`
	Lines    uint64    `ch:"lines"`
	Rows     uint64    `ch:"rows"`
	Rejected uint64    `ch:"rejected"`
	State    string    `ch:"state"`
	Schema   string    `ch:"schema"`
	File     string    `ch:"file"`
	Load     string    `ch:"load"`
	Time     time.Time `ch:"time"`
	Rules    string    `ch:"rules"`
	Rejects  string    `ch:"rejects"`
	Batch    string    `ch:"batch"`
}

func (r *candidateRow) candidate() (candidate, error) {
	t, err := parseToken(r.Token)
	c := candidate{
		token: t, head: r.Head, length: int64(r.Bytes), lines: int64(r.Lines), //nolint:gosec // written from int64
		rows: int64(r.Rows), rejected: int64(r.Rejected), rejects: r.Rejects, rules: r.Rules, //nolint:gosec // written from int64
		done: r.State == chunkDone || r.State == known, file: r.File, load: r.Load, time: r.Time,
	}
	if r.State == chunkStarted {
		c.begun = []attempt{{rules: r.Rules, load: r.Load, time: r.Time, batch: r.Batch}}
	}
	return c, err
}

// attempt is what tells the attempts to load a chunk apart.
func (r *candidateRow) attempt() [2]string { return [2]string{r.Token, r.Load} }
