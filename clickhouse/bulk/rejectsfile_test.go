package bulk

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
)

// TestManyUnknownSchemas has another schema in each line.
func TestManyUnknownSchemas(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&b, `{"schema":"s%d","data":{}}`+"\n", i)
	}
	sum, err := check(t, b.Bytes(), func(c *Config) { c.Schema, c.Format, c.ChunkBytes, c.Rejects = "", Facts, 64<<10, "" })
	require.NoError(t, err)
	require.EqualValues(t, 20_000, sum.Rejected)
	require.LessOrEqual(t, len(sum.Schemas), 10*mostUnknown+1)
	all := int64(0)
	for _, c := range sum.Schemas {
		all += c.Rejected
	}
	require.EqualValues(t, 20_000, all)
	sum, err = check(t, b.Bytes(), func(c *Config) { c.Schema, c.Format, c.ChunkBytes, c.Rejects = "", Facts, 0, "" })
	require.NoError(t, err)
	require.Len(t, sum.Schemas, mostUnknown+1, "in one chunk")
}

// TestCheckLeavesRejectsOfLoads checks into the rejects file of a load.
func TestCheckLeavesRejectsOfLoads(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", dirtyLines(0, 400)))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	r.load(cfg)
	loaded := r.rejectsFile(cfg)
	require.Len(t, r.rejects(cfg), 20)

	other := cfg
	other.Inputs = []string{r.file("b", append(dirtyLines(400, 500), "{\"cut"...))}
	for range 2 { // the entries of a check are replaced by the next
		other.DryRun = true
		sum, err := Load(t.Context(), other)
		require.NoError(t, err)
		require.EqualValues(t, 6, sum.Rejected)
		require.Len(t, r.rejects(cfg), 26)
		require.True(t, strings.HasPrefix(r.rejectsFile(cfg), loaded))
		for _, e := range r.rejects(cfg)[20:] {
			require.True(t, e.Check)
		}
	}
	other.DryRun = false
	r.load(other)
	entries := r.rejects(cfg)
	require.Len(t, entries, 26)
	for _, e := range entries {
		require.False(t, e.Check, "and by a load")
	}
}

// TestRejectsOfAnotherDatabase loads other content under the same name into
// another database: nothing is known there of what is in the rejects file.
func TestRejectsOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	one, two := newRoom(t), newRoom(t)
	cfg := one.config(one.file("a", dirtyLines(0, 400)))
	cfg.Rejects = filepath.Join(one.dir, "rejects")
	one.load(cfg)
	first := one.rejectsFile(cfg)
	one.file("a", dirtyLines(400, 500))
	cfg.Client = two.client
	two.load(cfg)
	require.Len(t, one.rejects(cfg), 25)
	require.True(t, strings.HasPrefix(one.rejectsFile(cfg), first))
}

// TestRejectsOfALostLedger loads again what only the rejects file remembers.
func TestRejectsOfALostLedger(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", dirtyLines(0, 400)), r.file("b", dirtyLines(400, 500)))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	r.load(cfg)
	want := r.rejectsFile(cfg)
	r.Exec(t, "DROP TABLE _factload_ledger SYNC")
	r.load(cfg)
	require.Equal(t, want, r.rejectsFile(cfg))
	require.Equal(t, "475\t475", r.count())
}

// TestRejectsUnderAnotherName goes on with a load that calls its input
// otherwise.
func TestRejectsUnderAnotherName(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.file("a.jsonl", dirtyLines(0, 1000))
	cfg := r.config(filepath.Join(r.dir, "a.jsonl"))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	for left := 2; len(r.rejects(cfg)) == 0; left++ {
		_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: left, only: ledgerTable})
		require.ErrorIs(t, err, errCrash)
	}
	cfg.Inputs = []string{r.dir + "/./a.jsonl"}
	r.load(cfg)
	require.Len(t, r.rejects(cfg), 50)
}

// TestCutLinesOfOthersStay loads inputs that have the same name.
func TestCutLinesOfOthersStay(t *testing.T) {
	r := newRoom(t)
	a := r.file("a/x.jsonl", append(lines(0, 3), `{"id":7,"te`...))
	r.file("b/x.jsonl", append(lines(3, 6), `{"id":8,"te`...))
	cfg := r.config("x.jsonl")
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	ids := func() (ids []string) {
		for _, e := range r.rejects(cfg) {
			ids = append(ids, e.Raw[:strings.IndexByte(e.Raw, ',')])
		}
		return ids
	}
	for _, dir := range []string{"a", "b", "b", "a"} {
		t.Chdir(filepath.Join(r.dir, dir))
		r.load(cfg)
	}
	require.ElementsMatch(t, []string{`{"id":7`, `{"id":8`}, ids())

	stdin := cfg
	stdin.Inputs = []string{"-"}
	for _, id := range []string{"9", "9", "10"} {
		stdin.Stdin = strings.NewReader("{\"id\":9}\n{\"id\":" + id + ",\"text\"")
		r.load(stdin)
	}
	require.ElementsMatch(t, []string{`{"id":7`, `{"id":8`, `{"id":9`, `{"id":10`}, ids())

	// The line is completed, and loaded without a word of it: then the next load
	// notices.
	require.NoError(t, os.WriteFile(a, append(lines(0, 3), "{\"id\":7,\"text\":\"\"}\n"...), 0o600))
	without := cfg
	without.Rejects = ""
	r.load(without)
	r.load(cfg)
	require.ElementsMatch(t, []string{`{"id":8`, `{"id":9`, `{"id":10`}, ids())
}

func TestRejectsGoToFilesOnly(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{os.DevNull, pipe, t.TempDir()} {
		_, err := check(t, lines(0, 3), func(c *Config) { c.Rejects = path })
		require.ErrorIs(t, err, rejects.ErrNotRegular, path)
		require.ErrorContains(t, err, path)
	}
}

// TestLoadMendedRejects goes the way of a user: load, take the rejects, feed
// their file by mistake, fix the rows, load these.
func TestLoadMendedRejects(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", dirtyLines(0, 1000)))
	cfg.Rejects = filepath.Join(r.dir, "no", "rejects")
	_, err := Load(t.Context(), cfg)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "rejects: its directory: ")
	require.NotContains(t, r.Query(t, "SHOW TABLES"), "items", "nothing was loaded")

	cfg.Rejects = filepath.Join(r.dir, "rejects")
	r.load(cfg)
	again := r.load(cfg)
	require.EqualValues(t, 50, again.SkippedRejected)
	require.EqualValues(t, 50, again.Files[0].SkippedRejected)

	sum := r.load(r.config(cfg.Rejects))
	require.EqualValues(t, 50, sum.Rejected)
	require.ErrorContains(t, sum.FirstRejects[0], "this looks like a file of rejects: jq -r .raw FILE")

	var fixed bytes.Buffer
	for _, e := range r.rejects(cfg) {
		if e.Raw != "" {
			fixed.WriteString(strings.Replace(e.Raw, `"text":1`, `"text":"1"`, 1) + "\n")
		}
	}
	require.EqualValues(t, 25, r.load(r.config(r.file("fixed", fixed.Bytes()))).Rows)
	require.Equal(t, "975\t975", r.count())
}
