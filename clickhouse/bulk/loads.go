package bulk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
)

// LoadRecord is what the ledger of a database knows of one load.
type LoadRecord struct {
	// Load is the name of the load, as in Summary.
	Load string `json:"load"`
	// Schema is the schema of the rows. It is empty when the lines named theirs.
	Schema string `json:"schema"`
	// State says whether the load has come to its end.
	State LoadState `json:"state"`
	// Forced is whether the load was told to load what was loaded already.
	Forced bool `json:"forced"`
	// Started and Ended are when the load began and when its last entry was made, in UTC.
	// A forced load that was run again is one load.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Counts of all files.
	LoadCounts
	// Files are those of which the load has loaded something, in the order of
	// loading. Files that were loaded before are not among them.
	Files []LoadedFile `json:"files"`
}

// LoadedFile is what a load has loaded of one file.
type LoadedFile struct {
	// File is the absolute path of the file, or "-" for standard input.
	File string `json:"file"`
	LoadCounts
}

// LoadCounts are numbers of what was loaded.
type LoadCounts struct {
	// Rows, Rejected and Bytes are those of the chunks that are done. Bytes are
	// decompressed.
	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`
	Bytes    int64 `json:"bytes"`
	// Chunks is the number of chunks that are done.
	Chunks int64 `json:"chunks"`
	// OpenChunks is the number of chunks that were begun and that no load has
	// finished yet. Their rows may be in the tables or not; the same load, run
	// again, finishes them.
	OpenChunks int64 `json:"open_chunks"`
}

func (c *LoadCounts) add(o LoadCounts) {
	c.Rows += o.Rows
	c.Rejected += o.Rejected
	c.Bytes += o.Bytes
	c.Chunks += o.Chunks
	c.OpenChunks += o.OpenChunks
}

// LoadState says whether a load has come to its end.
type LoadState string

// The states of a load.
const (
	// LoadComplete means that all inputs were loaded to their ends.
	LoadComplete LoadState = "complete"
	// LoadContinued means that the load ended before its end, and that later
	// loads of all of its inputs are complete. It also means that a forced load
	// was begun again from the beginning, and that this one is complete.
	LoadContinued LoadState = "continued"
	// LoadUnfinished means that the load is running, or ended before its end.
	// The same load, run again, finishes it.
	LoadUnfinished LoadState = "unfinished"
)

// Loads returns the loads that the ledger of the client's database knows, in
// the order in which they began. Loads that found everything loaded already
// are not in the ledger, unless they finished the work of another. It changes
// nothing; without a ledger there are no loads.
func Loads(ctx context.Context, client *chconn.Client) ([]LoadRecord, error) {
	client, err := client.FirstHost()
	if err != nil {
		return nil, err
	}
	table, err := migrate.New(client).Inspect(ctx, ledgerTable)
	if err != nil || table == nil {
		return nil, err
	}
	inputs := ""
	if slices.ContainsFunc(table.Columns, func(c ddl.Column) bool { return c.Name == "number" }) {
		inputs = ", max(inputs) AS inputs, max(number) AS number" // a ledger of before has none
	}
	var entries []loadRow
	if err := client.Select(ctx, &entries, loadsSQL+inputs+loadsFromSQL+loadsGroupSQL); err != nil {
		return nil, &ledgerError{err}
	}
	var files []fileRow
	if err := client.Select(ctx, &files, loadFilesSQL); err != nil {
		return nil, &ledgerError{err}
	}
	return loadRecords(entries, files), nil
}

const (
	loadsSQL      = `SELECT load, schema, forced, parent, token, min(time) AS started, max(time) AS ended, max(state = 'load_done') AS done`
	loadsFromSQL  = ` FROM _factload_ledger WHERE state IN ('load_started', 'load_done')`
	loadsGroupSQL = ` GROUP BY load, schema, forced, parent, token`

	// A load has several entries of a chunk, which it may have begun more than
	// once.
	loadFilesSQL = `SELECT load, file, min(begun) AS started, max(ended) AS ended,
	sumIf(rows, done) AS rows, sumIf(rejected, done) AS rejected, sumIf(bytes, done) AS bytes, countIf(done) AS chunks,
	countIf(NOT done AND NOT dropped AND token NOT IN (SELECT token FROM _factload_ledger WHERE state = 'chunk_done')) AS open
FROM (
	SELECT load, file, token, max(state = 'chunk_done') AS done, max(toString(state) = 'chunk_dropped') AS dropped, min(time) AS begun, max(time) AS ended,
		max(_factload_ledger.rows) AS rows, max(_factload_ledger.rejected) AS rejected, max(_factload_ledger.bytes) AS bytes
	FROM _factload_ledger WHERE startsWith(toString(state), 'chunk_') GROUP BY load, file, token
) GROUP BY load, file ORDER BY started, file`
)

// loadRow is what the ledger says of a load as a whole.
type loadRow struct {
	Load    string    `ch:"load"`
	Schema  string    `ch:"schema"`
	Forced  bool      `ch:"forced"`
	Parent  string    `ch:"parent"`
	Token   string    `ch:"token"`
	Started time.Time `ch:"started"`
	Ended   time.Time `ch:"ended"`
	Done    bool      `ch:"done"`
	Rules   string    `ch:"rules"`  // only in loadsOf
	Inputs  []uint64  `ch:"inputs"` // only in Loads
	Number  uint64    `ch:"number"`
}

// fileRow is what the ledger says of what a load has loaded of a file.
type fileRow struct {
	Load     string    `ch:"load"`
	File     string    `ch:"file"`
	Started  time.Time `ch:"started"`
	Ended    time.Time `ch:"ended"`
	Rows     uint64    `ch:"rows"`
	Rejected uint64    `ch:"rejected"`
	Bytes    uint64    `ch:"bytes"`
	Chunks   uint64    `ch:"chunks"`
	Open     uint64    `ch:"open"`
}

func (r *fileRow) counts() LoadCounts {
	return LoadCounts{
		Rows: int64(r.Rows), Rejected: int64(r.Rejected), Bytes: int64(r.Bytes), //nolint:gosec // written from int64
		Chunks: int64(r.Chunks), OpenChunks: int64(r.Open), //nolint:gosec // counts of rows
	}
}

// loadRecords puts together what the ledger says of loads and of their files,
// which are in order.
func loadRecords(entries []loadRow, files []fileRow) []LoadRecord {
	slices.SortFunc(entries, func(a, b loadRow) int {
		return cmp.Or(a.began().compare(b.began()), cmp.Compare(a.Load, b.Load))
	})
	ends := endsOf(entries)
	records := make([]LoadRecord, len(entries))
	index := make(map[string]*LoadRecord, len(entries))
	for i := range entries {
		e := &entries[i]
		records[i] = LoadRecord{
			Load: e.Load, Schema: e.Schema, Forced: e.Forced, State: ends.state(e),
			Started: e.Started.UTC(), Ended: e.Ended.UTC(), Files: []LoadedFile{},
		}
		index[e.Load] = &records[i]
	}
	for i := range files {
		f := &files[i]
		if r := index[f.Load]; r != nil {
			counts := f.counts()
			r.add(counts)
			r.Files = append(r.Files, LoadedFile{File: f.File, LoadCounts: counts})
			if ended := f.Ended.UTC(); ended.After(r.Ended) {
				r.Ended = ended
			}
		}
	}
	for i := range entries {
		if r := &records[i]; r.State == LoadUnfinished && r.OpenChunks == 0 && ends.ofAll(&entries[i]) {
			r.State = LoadContinued
		}
	}
	return records
}

// moment is when a load began or ended, in the order of the ledger. Loads of before
// there were numbers are told apart by time alone.
type moment struct {
	number uint64
	time   time.Time
}

func (m moment) compare(o moment) int {
	return cmp.Or(cmp.Compare(m.number, o.number), m.time.Compare(o.time))
}

func (e *loadRow) began() moment { return moment{e.Number, e.Started} }

// loadEnds are the ends of the loads that have come to theirs.
type loadEnds struct {
	sets   map[inputSet]moment
	inputs map[inputEnd]moment
}

// inputSet is the inputs of a load, and inputEnd is one of them. A forced load is
// finished under its own name, or by another one that began later: its moment is
// that of the beginning.
type (
	inputSet struct {
		parent, token string
		forced        bool
	}
	inputEnd struct {
		parent string
		path   uint64
	}
)

func endsOf(entries []loadRow) loadEnds {
	ends := loadEnds{sets: make(map[inputSet]moment), inputs: make(map[inputEnd]moment)}
	for i := range entries {
		e := &entries[i]
		if !e.Done {
			continue
		}
		end := moment{e.Number, e.Ended}
		if e.Forced {
			end = e.began()
		}
		if set := e.set(); end.compare(ends.sets[set]) > 0 {
			ends.sets[set] = end
		}
		if e.Forced {
			continue
		}
		for _, path := range e.Inputs {
			if in := (inputEnd{e.Parent, path}); end.compare(ends.inputs[in]) > 0 {
				ends.inputs[in] = end
			}
		}
	}
	return ends
}

func (e *loadRow) set() inputSet { return inputSet{e.Parent, e.Token, e.Forced} }

// state returns the state of a load, as far as loads of the same set of inputs
// tell.
func (ends loadEnds) state(e *loadRow) LoadState {
	end, finished := ends.sets[e.set()]
	switch {
	case e.Done:
		return LoadComplete
	case finished && end.compare(e.began()) >= 0:
		return LoadContinued
	}
	return LoadUnfinished
}

// ofAll reports whether each of the load's inputs has been loaded to its end
// since it began, if only by several loads. It is false if the inputs were not
// recorded.
func (ends loadEnds) ofAll(e *loadRow) bool {
	for _, path := range e.Inputs {
		if end, ok := ends.inputs[inputEnd{e.Parent, path}]; !ok || end.compare(e.began()) < 0 {
			return false
		}
	}
	return len(e.Inputs) > 0 && !e.Forced
}
