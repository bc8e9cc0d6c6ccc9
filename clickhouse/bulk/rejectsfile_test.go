package bulk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDecodeHoldsFewRejects decodes a chunk of nothing but bad rows, for a file
// of them: in memory is no more than a buffer.
func TestDecodeHoldsFewRejects(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	d.spool = &rejectSpool{path: filepath.Join(t.TempDir(), "rejects"), keep: 10_000}
	var pieces []*piece
	for range 20 {
		pieces = append(pieces, &piece{data: bytes.Repeat([]byte("{\"id\":-1}\n"), 1000), line: 1})
	}
	res := decodeOne(t, d, pieces...)
	defer res.close()
	require.EqualValues(t, 20_000, res.rejected)
	require.Len(t, res.rejects, firstRejects)
	require.Nil(t, res.rejects[0].raw)
	require.LessOrEqual(t, cap(res.lines.buf), 3*d.spool.keep)
	info, err := res.lines.file.Stat()
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(2<<20))
	require.NoFileExists(t, res.lines.file.Name())
}

// TestRejectsThatDoNotFitOnDisk has no room for the rejects of a chunk.
func TestRejectsThatDoNotFitOnDisk(t *testing.T) {
	t.Parallel()
	d, _ := decodeText(t, Rows, "")
	d.spool = &rejectSpool{path: filepath.Join(t.TempDir(), "gone", "rejects"), keep: 1000}
	res := decodeOne(t, d, &piece{data: bytes.Repeat([]byte("{\"id\":-1}\n"), 1000), line: 1})
	w := newRejectWriter(&rejectSpool{path: filepath.Join(t.TempDir(), "rejects")}, false, knownCuts{})
	require.ErrorIs(t, w.add(res), os.ErrNotExist)
	require.NoError(t, w.close())
}

// TestManyUnknownSchemas has another schema in each line.
func TestManyUnknownSchemas(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&b, `{"schema":"s%d","data":{}}`+"\n", i)
	}
	sum, err := check(t, b.Bytes(), func(c *Config) { c.Schema, c.Format, c.ChunkBytes, c.Rejects = "", Facts, 64<<10, "" })
	require.NoError(t, err)
	require.EqualValues(t, 100_000, sum.Rejected)
	require.LessOrEqual(t, len(sum.Schemas), 10*mostUnknown+1)
	all := int64(0)
	for _, c := range sum.Schemas {
		all += c.Rejected
	}
	require.EqualValues(t, 100_000, all)
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

// TestRejectsUnderAnotherName goes on with a load that calls its input
// otherwise.
func TestRejectsUnderAnotherName(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.file("a.jsonl", dirtyLines(0, 1000))
	cfg := r.config(filepath.Join(r.dir, "a.jsonl"))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	for left := 2; len(r.rejects(cfg)) == 0; left++ {
		_, err := loadInto(t.Context(), cfg, &crashing{server: r.client, left: left, only: ledgerTable})
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
		require.ErrorIs(t, err, errNotRegular, path)
		require.ErrorContains(t, err, path)
	}
}

func TestReplaceFileKeepsSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, []byte(entryLine("a", 1, "open")), 0o600))
	require.NoError(t, os.Symlink("file", link))
	_, err := tidyRejects(link, func() (map[string]bool, error) { return map[string]bool{"open": true}, nil })
	require.NoError(t, err)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Empty(t, got)
}

// BenchmarkTidyRejects begins with a rejects file that stays as it is.
func BenchmarkTidyRejects(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rejects")
	line := entryLine("some/file.jsonl", 1, strings.Repeat("0123456789abcdef", 2))
	require.NoError(b, os.WriteFile(path, bytes.Repeat([]byte(line), 300_000), 0o600))
	b.SetBytes(int64(300_000 * len(line)))
	for b.Loop() {
		_, err := tidyRejects(path, func() (map[string]bool, error) { return nil, nil })
		require.NoError(b, err)
	}
}
