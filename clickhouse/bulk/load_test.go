package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/compressed"
	"github.com/factload/factload/internal/enginetest"
)

// items is the schema that most tests load.
func items() Target {
	return Target{Schema: fact.Schema{
		Name: "items",
		Fields: []fact.Field{
			{Name: "id", Type: fact.UInt32},
			{Name: "text", Type: fact.String},
		},
		OrderBy: []string{"id"},
	}}
}

// room is a database and a directory for a test.
type room struct {
	*enginetest.DB
	t      *testing.T
	dir    string
	client *chconn.Client
}

func newRoom(t *testing.T) *room {
	t.Helper()
	db := enginetest.Database(t)
	client, err := chconn.Open(db.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return &room{DB: db, t: t, dir: t.TempDir(), client: client}
}

// file writes a file and returns its path.
func (r *room) file(name string, content []byte) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(r.t, os.WriteFile(path, content, 0o600))
	return path
}

// config is for loading bare items in small chunks.
func (r *room) config(inputs ...string) Config {
	return Config{
		Client: r.client, Targets: map[string]Target{"items": items()}, Schema: "items",
		Inputs: inputs, ChunkBytes: minChunkBytes, Workers: 3,
	}
}

// load loads and requires success.
func (r *room) load(cfg Config) Summary {
	r.t.Helper()
	sum, err := Load(r.t.Context(), cfg)
	require.NoError(r.t, err)
	return sum
}

// count returns count() and uniqExact(id) of the items.
func (r *room) count() string {
	r.t.Helper()
	return r.Query(r.t, "SELECT count(), uniqExact(id) FROM items")
}

// lines returns rows from to to of items as JSON lines.
func lines(from, to int) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"id":%d,"text":"%s"}`+"\n", i, strings.Repeat("x", i%50))
	}
	return b.Bytes()
}

func TestLoad(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	path := r.file("a.jsonl", lines(0, 5000))
	sum := r.load(r.config(path))
	require.EqualValues(t, 5000, sum.Rows)
	require.Zero(t, sum.Rejected)
	require.Greater(t, sum.Chunks, int64(20))
	require.EqualValues(t, len(lines(0, 5000)), sum.Bytes)
	require.Positive(t, sum.Seconds)
	require.Equal(t, map[string]Counts{"items": {Rows: 5000}}, sum.Schemas)
	require.Equal(t, "5000\t5000", r.count())
	require.Equal(t, "12497500\t122500", r.Query(t, "SELECT sum(id), sum(length(text)) FROM items"))

	again := r.load(r.config(path))
	require.Zero(t, again.Rows)
	require.Zero(t, again.Chunks)
	require.Zero(t, again.Bytes)
	require.Empty(t, again.Load)
	require.Equal(t, sum.Chunks, again.SkippedChunks)
	require.EqualValues(t, 5000, again.SkippedRows)
	require.Equal(t, sum.Bytes, again.SkippedBytes)
	require.Equal(t, sum.Load, again.Files[0].Loaded.Load)
	require.Equal(t, path, again.Files[0].Loaded.File)
	require.Equal(t, "5000\t5000", r.count())
}

func TestLoadKnowsContentNotNames(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := lines(0, 2000)
	r.load(r.config(r.file("a.jsonl", text)))
	for name, data := range map[string][]byte{
		"renamed.txt": text, "a.jsonl.gz": compressed.Gzip(t, text), "b.zst": compressed.Zstd(t, text), "xz": compressed.Xz(t, text),
	} {
		sum := r.load(r.config(r.file(name, data)))
		require.Zero(t, sum.Rows, name)
		require.EqualValues(t, 2000, sum.SkippedRows, name)
	}
	cfg := r.config("-")
	cfg.Stdin = bytes.NewReader(text)
	require.EqualValues(t, 2000, r.load(cfg).SkippedRows)
	require.Equal(t, "2000\t2000", r.count())
}

func TestLoadPacked(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	sum := r.load(r.config(
		r.file("1.gz", append(compressed.Gzip(t, lines(0, 1000)), compressed.Gzip(t, lines(1000, 2000))...)),
		r.file("2", compressed.Zstd(t, lines(2000, 3000))),
		r.file("3", compressed.Xz(t, lines(3000, 4000))),
		r.file("4", compressed.Bzip2(t)), // ids 0 to 19 again, as another file
		r.file("5", nil),
		r.file("6.gz", compressed.Gzip(t, nil)),
	))
	require.EqualValues(t, 4020, sum.Rows)
	require.Equal(t, "4020\t4000", r.count())
	kinds := make([]string, len(sum.Files))
	for i, f := range sum.Files {
		kinds[i] = f.Compression
	}
	require.Equal(t, []string{"gzip", "zstd", "xz", "bzip2", "none", "gzip"}, kinds)
}

func TestLoadSameContentTwiceInOneLoad(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := lines(0, 1000)
	more := append(bytes.Clone(text), lines(1000, 1010)...)
	a, b, c := r.file("a", text), r.file("b", text), r.file("c", more)
	sum := r.load(r.config(a, b, c))
	require.EqualValues(t, 1010, sum.Rows)
	require.EqualValues(t, 2000, sum.SkippedRows)
	require.Equal(t, "1010\t1010", r.count())
	require.Nil(t, sum.Files[0].Loaded)
	require.Equal(t, Loaded{Load: sum.Load, File: a, Time: sum.Files[1].Loaded.Time}, *sum.Files[1].Loaded)
	require.EqualValues(t, 1000, sum.Files[1].SkippedRows)
	require.EqualValues(t, 10, sum.Files[2].Rows)

	// A file that repeats itself is another matter.
	sum = r.load(r.config(r.file("d", append(bytes.Repeat([]byte("{\"id\":5000}\n"), 2000), '\n'))))
	require.EqualValues(t, 2000, sum.Rows)
	require.Greater(t, sum.Chunks, int64(5))
	require.Equal(t, "3010\t1011", r.count())
}

func TestLoadGrownFile(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{
		"whole lines":          "\n",
		"no line end":          "",
		"cut line":             "\n{\"id\":",
		"cut, valid so far":    "\n{\"id\":1",
		"only a blank":         "\n ",
		"blank lines":          "\n\n\n",
		"carriage return only": "\r",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			// The file is at first as a writer may leave it between two writes.
			rest := map[string]string{"cut line": "1000}\n", "cut, valid so far": "000}\n"}[name]
			if rest == "" {
				rest = "\n{\"id\":1000}\n"
			}
			text := string(bytes.TrimSuffix(lines(0, 1000), []byte("\n"))) + first
			cfg := r.config(r.file("a", []byte(text)))
			cfg.Rejects = filepath.Join(r.dir, "rejects")
			sum := r.load(cfg)
			require.EqualValues(t, 1000, sum.Rows)
			if strings.HasPrefix(name, "cut") {
				require.Equal(t, map[string]int64{"cut_line": 1}, sum.Reasons)
				again := r.load(cfg)
				require.EqualValues(t, 1000, again.SkippedRows)
				require.EqualValues(t, 1, again.Rejected)
				require.Len(t, r.rejects(cfg), 1)
			}
			text += rest
			r.file("a", []byte(text))
			sum = r.load(cfg)
			require.EqualValues(t, 1, sum.Rows)
			require.EqualValues(t, 1000, sum.SkippedRows)
			require.Zero(t, sum.Rejected)
			require.Equal(t, "1001\t1001", r.count())
			require.Empty(t, r.rejects(cfg))

			r.file("a", append([]byte(text), lines(1001, 1300)...))
			require.EqualValues(t, 299, r.load(cfg).Rows)
			require.Equal(t, "1300\t1300", r.count())
		})
	}
}

// rejects returns the entries of the rejects file.
func (r *room) rejects(cfg Config) (entries []rejects.Entry) {
	r.t.Helper()
	content, err := os.ReadFile(cfg.Rejects)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(r.t, err)
	}
	for line := range bytes.Lines(content) {
		var e rejects.Entry
		require.NoError(r.t, json.Unmarshal(line, &e))
		entries = append(entries, e)
	}
	return entries
}

// TestLoadGrownFromOneLine has files that at first are a part of a line.
func TestLoadGrownFromOneLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, first, rest string }{
		{"line end", `{"id":1}`, "\n"},
		{"blank", `{"id":1}`, " \n"},
		{"blanks", `{"id":1}`, " \t \r\n"},
		{"carriage return", `{"id":1}` + "\r", "\n"},
		{"only a blank", " ", `{"id":1}` + "\n"},
		{"only a byte order mark", "\xEF\xBB\xBF", `{"id":1}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			cfg := r.config(r.file("a", []byte(c.first)))
			first := r.load(cfg)
			r.file("a", []byte(c.first+c.rest+`{"id":2}`))
			sum := r.load(cfg)
			require.EqualValues(t, 2, first.Rows+sum.Rows)
			require.Zero(t, first.Rejected+sum.Rejected)
			require.Equal(t, "2\t2", r.count())
			r.file("a", []byte(`{"id":3}`))
			_, err := Load(t.Context(), cfg)
			require.ErrorIs(t, err, ErrChanged)
		})
	}
}

func TestLoadChangedFile(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := lines(0, 1000)
	path := r.file("a", text)
	first := r.load(r.config(path))
	middle := len(text) / 2
	changed := bytes.Clone(text)
	changed[bytes.IndexByte(changed[middle:], '{')+middle+6] = '9' // a digit of an id

	r.file("a", changed)
	_, err := Load(t.Context(), r.config(path))
	var e *ChangedError
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, ErrChanged)
	require.Equal(t, path, e.File)
	require.LessOrEqual(t, e.Offset, int64(middle))
	require.Greater(t, e.Offset+e.Length, int64(middle))
	require.Equal(t, first.Load, e.Load)
	require.EqualValues(t, bytes.Count(text[:e.Offset], []byte("\n"))+1, e.Line)
	require.Equal(t, "1000\t1000", r.count())

	// Renamed, it is a file of its own that begins with known content.
	sum := r.load(r.config(r.file("b", changed)))
	require.EqualValues(t, 1000, sum.Rows+sum.SkippedRows)
	require.Positive(t, sum.SkippedRows)

	shorter := text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]
	r.file("a", shorter)
	_, err = Load(t.Context(), r.config(path))
	require.ErrorIs(t, err, ErrChanged)
	cfg := r.config(path)
	cfg.AllowChanged = true
	sum = r.load(cfg)
	require.Positive(t, sum.Rows)
	require.EqualValues(t, 999, sum.Rows+sum.SkippedRows)
	require.EqualValues(t, 999, r.load(r.config(path)).SkippedRows, "what was allowed is known from then on")
}

func TestLoadForced(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	a, b := r.file("a", lines(0, 500)), r.file("b", lines(0, 500))
	r.load(r.config(a))
	cfg := r.config(a, b)
	cfg.Force = true
	sum := r.load(cfg)
	require.EqualValues(t, 1000, sum.Rows, "each input, whether its content is known or not")
	require.Equal(t, "1500\t500", r.count())
	require.EqualValues(t, 1000, r.load(cfg).Rows, "and again")
	require.Equal(t, "2500\t500", r.count())
	require.EqualValues(t, 1000, r.load(r.config(a, b)).SkippedRows)
}

func TestLoadEnvelopes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var text bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&text, `{"schema":"items","data":{"id":%d}}`+"\n", i)
		fmt.Fprintf(&text, `{"type":"notes","id":"n%d","stream":"s","data":{"text":"x"},"sequence":%d,"occurred_at":"2026-11-01T00:00:00Z"}`+"\n", i, i)
	}
	text.WriteString(`{"schema":"none","data":{}}` + "\n")
	cfg := r.config(r.file("log", text.Bytes()))
	cfg.Schema = ""
	cfg.Targets["notes"] = notes()
	sum := r.load(cfg)
	require.Equal(t, map[string]Counts{"items": {Rows: 1000}, "notes": {Rows: 1000}, "none": {Rejected: 1}}, sum.Schemas)
	require.Equal(t, "1000\t1000", r.count())
	require.Equal(t, "1000", r.Query(t, "SELECT uniqExact(note_id) FROM notes"))
	require.EqualValues(t, 2000, r.load(cfg).SkippedRows)
}

func TestLoadCreatesOnlyTablesInUse(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", []byte(`{"schema":"items","data":{"id":1}}`)))
	cfg.Schema = ""
	cfg.Targets["notes"] = notes()
	r.load(cfg)
	require.Equal(t, "_factload_ledger\nitems", r.Query(t, "SHOW TABLES"))
}

func TestLoadWarnsOfTablesWithoutWindow(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 10)))
	target := cfg.Targets["items"]
	target.Table.Settings = map[string]string{"non_replicated_deduplication_window": "0"}
	cfg.Targets["items"] = target
	sum := r.load(cfg)
	require.Len(t, sum.Warnings, 1)
	require.Contains(t, sum.Warnings[0], "keeps no deduplication window")

	cfg = r.config(r.file("b", lines(10, 20)))
	require.Len(t, r.load(cfg).Warnings, 1, "the schema gives no window any more, and the table keeps its own")
	target.Table.Settings = map[string]string{"non_replicated_deduplication_window": "10000"}
	cfg = r.config(r.file("c", lines(20, 30)))
	cfg.Targets["items"] = target
	require.Empty(t, r.load(cfg).Warnings)
}

func TestLoadWarnsOfViewTargetsWithoutWindow(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const window = " SETTINGS non_replicated_deduplication_window = 10"
	other := enginetest.Database(t).Name
	for _, sql := range []string{
		"CREATE TABLE items (id UInt32, text String) ENGINE = MergeTree ORDER BY id" + window,
		"CREATE TABLE a (id UInt32) ENGINE = MergeTree ORDER BY id",
		"CREATE TABLE b (id UInt32) ENGINE = MergeTree ORDER BY id" + window,
		"CREATE TABLE c (id UInt32) ENGINE = SummingMergeTree ORDER BY id",
		"CREATE TABLE d (id UInt32) ENGINE = Log",
		"CREATE TABLE " + other + ".e (id UInt32) ENGINE = MergeTree ORDER BY id",
		"CREATE MATERIALIZED VIEW to_a TO a AS SELECT id FROM items",
		"CREATE MATERIALIZED VIEW to_a_too TO a AS SELECT id + 1 AS id FROM items",
		"CREATE MATERIALIZED VIEW to_b TO b AS SELECT id FROM items",
		"CREATE MATERIALIZED VIEW b_to_c TO c AS SELECT id FROM b",
		"CREATE MATERIALIZED VIEW to_d TO d AS SELECT id FROM items",
		"CREATE MATERIALIZED VIEW to_e TO " + other + ".e AS SELECT id FROM items",
		"CREATE MATERIALIZED VIEW within ENGINE = MergeTree ORDER BY id AS SELECT id FROM items",
	} {
		r.Exec(t, sql)
	}
	got := strings.Join(r.load(r.config(r.file("a", lines(0, 10)))).Warnings, "\n")
	inner := r.Query(t, "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '.inner')")
	for table, want := range map[string]string{
		"a":          `table "a", which materialized view "to_a" inserts into, keeps no deduplication window`,
		"c":          `table "c", which materialized view "b_to_c" inserts into, keeps no`,
		other + ".e": "ALTER TABLE `" + other + "`.`e` MODIFY SETTING",
		inner:        "ALTER TABLE `" + inner + "` MODIFY SETTING",
	} {
		require.Contains(t, got, want, table)
	}
	require.Equal(t, 4, strings.Count(got, "keeps no"), got)
	for line := range strings.Lines(got) {
		if _, fix, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), " fixes that"), "again; "); ok {
			r.Exec(t, fix)
		}
	}
	got = strings.Join(r.load(r.config(r.file("b", lines(10, 20)))).Warnings, "\n")
	require.NotContains(t, got, "keeps no")
	require.Contains(t, got, `what materialized view "to_a" fills may lack rows`, "rows without an ID cannot be looked for")
}

func TestLoadManyFiles(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for i := range 3 * manyFiles {
		r.file(fmt.Sprintf("d/%03d.jsonl", i), lines(i*200, i*200+200))
	}
	cfg := r.config(filepath.Join(r.dir, "d"))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 40, applied: true})
	require.ErrorIs(t, err, errCrash)
	r.load(cfg)
	require.Equal(t, "9600\t9600", r.count())
	r.file("d/000.jsonl", lines(0, 300))     // grown
	r.file("d/900.jsonl", lines(200, 400))   // a copy
	r.file("d/001.jsonl", lines(5000, 5001)) // changed
	_, err = Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrChanged)
	cfg.AllowChanged = true
	sum := r.load(cfg)
	require.EqualValues(t, 1, sum.Rows, "what was before the changed file has been loaded")
	require.EqualValues(t, 300+9600-400+200, sum.SkippedRows)
	require.EqualValues(t, 300, sum.Files[0].SkippedRows)
}

func TestLedgerFindsBeginningsEitherWay(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, name := range []string{"a", "b"} {
		r.load(r.config(r.file(name, lines(0, 50))))
	}
	r.load(r.config(r.file("c", lines(50, 80)), r.file("d", nil)))
	l, err := openLedger(t.Context(), serverOf(r.client))
	require.NoError(t, err)
	root := rootToken(Rows, "items")
	all, _, err := l.allFollowing(t.Context(), []token{root}, 4)
	require.NoError(t, err)
	tooMany, _, err := l.allFollowing(t.Context(), []token{root}, 3) // there are two entries for each of two chunks
	require.NoError(t, err)
	for _, head := range []uint64{0, headOf(lines(0, 1)), headOf(lines(50, 51))} {
		for _, name := range []string{"a", "b", "c", "x"} {
			path := filepath.Join(r.dir, name)
			want, err := l.following(t.Context(), root, head, path)
			require.NoError(t, err)
			got, err := all(t.Context(), root, head, path)
			require.NoError(t, err)
			require.ElementsMatch(t, want, got)
			got, err = tooMany(t.Context(), root, head, path)
			require.NoError(t, err)
			require.ElementsMatch(t, want, got)
		}
	}
}

func TestLoadWarnsOfEmptyTables(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 10)))
	r.load(cfg)
	require.Empty(t, r.load(cfg).Warnings)
	r.Exec(t, "TRUNCATE TABLE items")
	require.Contains(t, r.load(cfg).Warnings[0], `table "items" is empty or gone`)
	r.Exec(t, "DROP TABLE items SYNC")
	require.Contains(t, r.load(cfg).Warnings[0], `table "items" is empty or gone`)
	cfg.Force = true
	require.EqualValues(t, 10, r.load(cfg).Rows)
	require.Equal(t, "10\t10", r.count())
}

func TestLoadDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, os.WriteFile(path, append(lines(0, 1000), "{\"id\":\"x\"}\n{\"i"...), 0o600))
	cfg := Config{
		Targets: map[string]Target{"items": items()}, Schema: "items", Inputs: []string{path},
		Rejects: filepath.Join(dir, "rejects"), ChunkBytes: minChunkBytes, DryRun: true,
	}
	for range 2 { // the rejects file is written anew
		sum, err := Load(t.Context(), cfg)
		require.NoError(t, err)
		require.EqualValues(t, 1000, sum.Rows)
		require.EqualValues(t, 2, sum.Rejected)
		require.Equal(t, map[string]int64{"type": 1, "cut_line": 1}, sum.Reasons)
		require.Len(t, sum.FirstRejects, 2)
		require.Empty(t, sum.Load)
		entries := (&room{t: t}).rejects(cfg)
		require.Len(t, entries, 2)
		require.Equal(t, `{"id":"x"}`, entries[0].Raw)
		require.EqualValues(t, 1001, entries[0].Line)
		require.Equal(t, path, entries[1].File)
	}
	require.NoError(t, os.WriteFile(cfg.Rejects, lines(0, 1), 0o600))
	_, err := Load(t.Context(), cfg)
	require.ErrorContains(t, err, "is no file of rejects")
}

func TestLoadProgress(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := lines(0, 2000)
	cfg := r.config(r.file("a", text), r.file("b", compressed.Gzip(t, lines(2000, 3000))))
	var last Progress
	calls := 0
	cfg.Progress = func(p Progress) {
		require.False(t, last.Done)
		require.GreaterOrEqual(t, p.Rows, last.Rows)
		require.GreaterOrEqual(t, p.Read, last.Read)
		last = p
		calls++
	}
	cfg.progressEvery = time.Millisecond
	r.load(cfg)
	require.True(t, last.Done)
	require.Greater(t, calls, 1)
	require.EqualValues(t, 3000, last.Rows)
	require.Equal(t, last.Total, last.Read)
	require.Equal(t, []any{2, 2, cfg.Inputs[1]}, []any{last.Index, last.Files, last.File})
}

func TestLoadIntoTableThatDoesNotFit(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Exec(t, "CREATE TABLE items (id String, text String) ENGINE = MergeTree ORDER BY text")
	path := r.file("a.jsonl", lines(0, 500))
	_, err := Load(t.Context(), r.config(path))
	require.ErrorIs(t, err, chconn.ErrSchema)
	require.NotContains(t, err.Error(), "a.jsonl", "the file is not at fault")
	require.Empty(t, r.loads(), "a load that was refused has not begun")
	r.Exec(t, "DROP TABLE items SYNC")
	require.EqualValues(t, 500, r.load(r.config(path)).Rows)
}

func TestLoadBareRowsWithoutSchema(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	bare := r.file("bare.jsonl", lines(0, 10))
	mixed := r.file("mixed.jsonl", slices.Concat([]byte("{\"schema\":\"items\",\"data\":{\"id\":77}}\n"), lines(0, 10)))
	load := func(inputs ...string) (Summary, error) {
		cfg := r.config(inputs...)
		cfg.Schema = ""
		return Load(t.Context(), cfg)
	}
	_, err := load(bare, mixed)
	require.ErrorIs(t, err, ErrNoSchema)
	require.ErrorIs(t, err, ErrConfig)
	require.ErrorContains(t, err, `bare.jsonl is of bare rows, as its first line has a key "text" and no "data"`)
	require.Empty(t, r.loads())

	sum, err := load(mixed, bare)
	require.NoError(t, err)
	require.EqualValues(t, 1, sum.Rows)
	require.EqualValues(t, 20, sum.Rejected, "behind an envelope, bare rows cost themselves only")

	for name, text := range map[string]string{
		"no JSON": "{\n", "empty": "{}\n", "of envelopes": "{\"schema\":\"items\"}\n", "with data": "{\"data\":1,\"x\":2}\n",
	} {
		sum, err := load(r.file(name+".jsonl", []byte(text)))
		require.NoError(t, err, name)
		require.EqualValues(t, 1, sum.Rejected, name)
	}
}
