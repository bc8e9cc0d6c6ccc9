package bulk

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/internal/compressed"
)

// check checks one input that need not go to a server.
func check(t *testing.T, content []byte, change func(*Config)) (Summary, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	cfg := Config{
		Targets: map[string]Target{"items": items()}, Schema: "items", Inputs: []string{path}, ChunkBytes: minChunkBytes,
		Rejects: path + ".rejects",
	}
	if change != nil {
		change(&cfg)
	}
	cfg.DryRun = true
	return Load(t.Context(), cfg)
}

func TestHostileInputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content  string
		rows     int64
		rejected map[string]int64
		err      string
	}{
		"empty":           {"", 0, nil, ""},
		"only blank":      {"\n \r\n\t\n", 0, nil, ""},
		"only a mark":     {"\xEF\xBB\xBF", 0, nil, ""},
		"crlf and mark":   {"\xEF\xBB\xBF{\"id\":1}\r\n{\"id\":2}\r\n", 2, nil, ""},
		"no line end":     {`{"id":1}`, 1, nil, ""},
		"cut":             {"{\"id\":1}\n{\"id\":", 1, map[string]int64{"cut_line": 1}, ""},
		"tail of zeros":   {string(lines(0, 500)) + strings.Repeat("\x00", 10000), 500, map[string]int64{"cut_line": 1}, ""},
		"zeros between":   {string(lines(0, 500)) + strings.Repeat("\x00", 10000) + "\n{\"id\":1}\n", 501, map[string]int64{"syntax": 1}, ""},
		"zero in a text":  {string(lines(0, 500)) + "{\"id\":1,\"text\":\"a\x00b\"}\n", 500, map[string]int64{"syntax": 1}, ""},
		"mark inside":     {"{\"id\":1}\n\xEF\xBB\xBF{\"id\":2}\n", 1, map[string]int64{"syntax": 1}, ""},
		"binary":          {"\x7fELF\x02\x01\x01\x00\x00", 0, nil, "not a text file: it has a NUL byte at offset 7"},
		"utf-16":          {"\xff\xfe{\x00", 0, nil, "it is UTF-16 text"},
		"cut gzip":        {string(compressed.Gzip(t, lines(0, 5000))[:2000]), -1, nil, "gzip data ends early, after 2000 compressed bytes"},
		"nothing in gzip": {"\x1f\x8b", 0, nil, "gzip data ends early, after 2 compressed bytes"},
		"duplicate key":   {`{"id":1,"id":2}`, 0, map[string]int64{"duplicate_key": 1}, ""},
		"two objects":     {`{"id":1}{"id":2} {"id":-3}` + "\n", 2, map[string]int64{"range": 1}, ""},
		"json array":      {"[\n{\"id\":1},\n{\"id\":2}\n]\n", 2, nil, ""},
		"deep":            {strings.Repeat("[", 100_000) + "\n" + `{"id":1}` + "\n", -1, nil, "it begins with [ and is not an array of JSON objects"},
		"half a rune":     {"{\"id\":1,\"text\":\"\xe2\x82\"}\n", 0, map[string]int64{"utf8": 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum, err := check(t, []byte(c.content), nil)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				var input *InputError
				require.ErrorAs(t, err, &input)
				require.ErrorContains(t, err, c.err)
			}
			if c.rows >= 0 {
				require.Equal(t, c.rows, sum.Rows)
			}
			if c.rejected == nil {
				c.rejected = map[string]int64{}
			}
			require.Equal(t, c.rejected, sum.Reasons, "%v", sum.FirstRejects)
		})
	}
}

// TestRuneAtChunkBoundary moves a character of several bytes over the places
// where a chunk may end.
func TestRuneAtChunkBoundary(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		var b strings.Builder
		for i := range 300 {
			fmt.Fprintf(&b, `{"id":%d,"text":"%s€😀"}`+"\n", i, strings.Repeat("x", n))
		}
		sum, err := check(t, []byte(b.String()), nil)
		require.NoError(t, err)
		require.EqualValues(t, 300, sum.Rows)
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return `{"id":1,"text":"` + strings.Repeat("x", n-18) + `"}` }
	content := strings.Join([]string{`{"id":0}`, text(20_000), text(20_001), `{"id":2}`, text(90_000), `{"id":3}`, text(200_000)}, "\n")
	sum, err := check(t, []byte(content), func(c *Config) { c.MaxLineBytes = 20_000 })
	require.NoError(t, err)
	require.EqualValues(t, 4, sum.Rows)
	require.Equal(t, map[string]int64{"line_too_long": 3}, sum.Reasons)
	var got []int64
	for _, e := range sum.FirstRejects {
		got = append(got, e.Line)
	}
	require.Equal(t, []int64{3, 5, 7}, got)
}

func TestLoadCutGzipAndMended(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	packed := compressed.Gzip(t, lines(0, 8_000))
	path := r.file("a.gz", packed[:len(packed)/2])
	sum, err := Load(t.Context(), r.config(path))
	var input *InputError
	require.ErrorAs(t, err, &input)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, fmt.Sprintf("before byte %d of the decompressed input is loaded", input.Offset))
	require.Positive(t, sum.Rows)
	require.Equal(t, sum.Bytes, input.Offset)
	require.Equal(t, fmt.Sprintf("%d\t%d", sum.Rows, sum.Rows), r.count())
	r.file("a.gz", packed)
	require.Equal(t, sum.Rows, r.load(r.config(path)).SkippedRows)
	require.Equal(t, "8000\t8000", r.count())
}

func TestLoadStopsWithTooManyRejects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit RejectLimit
		bad   int // one row in bad
		err   bool
	}{
		"few":             {MaxRejectRows(60), 100, false},
		"too many":        {MaxRejectRows(6), 100, true},
		"first":           {MaxRejectRows(0), 100, true},
		"in one chunk":    {MaxRejectRows(6), 2, true},
		"share":           {MaxRejectPercent(2), 100, false},
		"too large share": {MaxRejectPercent(0.9), 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rows = 3000
			r := newRoom(t)
			var b bytes.Buffer
			for i := range rows {
				if i%c.bad == c.bad-1 {
					b.WriteString("bad\n")
				} else {
					b.Write(lines(i, i+1))
				}
			}
			cfg := r.config(r.file("a", b.Bytes()))
			cfg.MaxRejects, cfg.Rejects = c.limit, filepath.Join(r.dir, "rejects")
			sum, err := Load(t.Context(), cfg)
			if !c.err {
				require.NoError(t, err)
				require.EqualValues(t, rows/100, sum.Rejected)
				return
			}
			require.ErrorIs(t, err, ErrTooManyRejects)
			require.ErrorContains(t, err, "the limit is "+c.limit.String())
			require.Less(t, sum.Rows, int64(rows-rows/100))
			require.Len(t, r.rejects(cfg), int(sum.Rejected))

			cfg.MaxRejects = RejectLimit{}
			r.load(cfg)
			require.Equal(t, fmt.Sprint(rows-rows/c.bad), r.Query(t, "SELECT uniqExact(id) FROM items"))
			require.Equal(t, fmt.Sprint(rows-rows/c.bad), r.Query(t, "SELECT count() FROM items"))
			require.Len(t, r.rejects(cfg), rows/c.bad)
		})
	}
}

func TestLoadFindsRowsThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.load(r.config(r.file("none", nil)))
	r.Exec(t, `CREATE TABLE items (id UInt32, text String, CONSTRAINT odd CHECK id % 500 != 7) ENGINE = MergeTree ORDER BY id
		SETTINGS non_replicated_deduplication_window = 1000`)
	cfg := r.config(r.file("a", dirtyLines(0, 4000)))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	crash := &crashing{server: serverOf(r.client), left: 60, applied: true}
	_, err := loadInto(t.Context(), cfg, crash)
	require.ErrorIs(t, err, errCrash)
	r.load(cfg)
	// 7, 507, 1007 …: of these 7, 1007, 2007 and 3007 are bad anyway.
	require.Equal(t, "3796\t3796", r.count())
	var refused []int64
	last := int64(0)
	for _, e := range r.rejects(cfg) {
		require.Greater(t, e.Line, last)
		last = e.Line
		if e.Reason == "server" {
			require.Contains(t, e.Error, "the server refuses the row")
			require.Contains(t, e.Error, "odd")
			require.Contains(t, e.Raw, `07,"text":"`)
			refused = append(refused, e.Line)
		}
	}
	require.Len(t, refused, 4)
	require.Len(t, r.rejects(cfg), 204)
}

// TestLoadDoesNotSearchWhereRowsCouldDouble has a view that fails after the
// rows may have been stored: then the load stops.
func TestLoadDoesNotSearchWhereRowsCouldDouble(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Exec(t, `CREATE TABLE items (id UInt32, text String, CONSTRAINT c CHECK id != 1000) ENGINE = MergeTree ORDER BY id
		SETTINGS non_replicated_deduplication_window = 1000`)
	r.Exec(t, "CREATE TABLE copy (x UInt32, CONSTRAINT odd CHECK x != 77) ENGINE = MergeTree ORDER BY x")
	r.Exec(t, "CREATE MATERIALIZED VIEW view TO copy AS SELECT id AS x FROM items")
	_, err := Load(t.Context(), r.config(r.file("a", lines(0, 100))))
	require.ErrorIs(t, err, chconn.ErrAmbiguous)
	require.ErrorContains(t, err, "such as a materialized view")
	require.NotContains(t, err.Error(), "tried for")
	var e *chconn.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, chconn.CodeViolatedConstraint, e.Code)
	require.ErrorContains(t, err, "chunk of ")
}

func TestLoadReportsTheServersErrors(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Exec(t, "CREATE TABLE items (id String, text String) ENGINE = MergeTree ORDER BY id")
	_, err := Load(t.Context(), r.config(r.file("a", lines(0, 10))))
	require.ErrorIs(t, err, chconn.ErrSchema)

	client, err := chconn.Open("clickhouse://user:hunter2@127.0.0.1:1/db")
	require.NoError(t, err)
	defer client.Close()
	cfg := r.config(r.file("a", lines(0, 10)))
	cfg.Client = client
	_, err = Load(t.Context(), cfg)
	require.ErrorIs(t, err, chconn.ErrRetryable)
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestLoadFilesWithUnusualNames(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	names := []string{"quote'.jsonl", `double".jsonl`, `back\slash.jsonl`, "tab\t.jsonl", "line\nend.jsonl", "é€😀.jsonl", "bad\xffutf8.jsonl", "`tick`; DROP TABLE items.jsonl", "{x:String} ?.jsonl"}
	for i, name := range names {
		r.file("d/"+name, lines(i*100, i*100+100))
	}
	cfg := r.config(filepath.Join(r.dir, "d"))
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	require.EqualValues(t, 100*len(names), r.load(cfg).Rows)
	require.EqualValues(t, 100*len(names), r.load(cfg).SkippedRows)
	for i, name := range names {
		r.file("d/"+name, append(lines(i*100+1, i*100+100), "x\n"...))
		cfg.Inputs = []string{filepath.Join(r.dir, "d", name)}
		_, err := Load(t.Context(), cfg)
		require.ErrorIs(t, err, ErrChanged, name)
		cfg.AllowChanged = true
		r.load(cfg)
		cfg.AllowChanged = false
	}
	require.Len(t, r.rejects(cfg), len(names))
}

func TestLoadOverHTTP(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	client, err := chconn.Open(r.HTTPDSN)
	require.NoError(t, err)
	defer client.Close()
	cfg := r.config(r.file("a", dirtyLines(0, 1000)))
	cfg.Client, cfg.Rejects = client, filepath.Join(r.dir, "rejects")
	_, err = loadInto(t.Context(), cfg, &crashing{server: serverOf(client), left: 7, applied: true})
	require.ErrorIs(t, err, errCrash)
	r.load(cfg)
	require.Equal(t, "950\t950", r.count())
	require.Len(t, r.rejects(cfg), 50)
}

// TestLoadOfAFileCutSince has packed files that were loaded and then lost their
// ends: that is what is wrong with them, and not that they have changed.
func TestLoadOfAFileCutSince(t *testing.T) {
	t.Parallel()
	for _, chunk := range []int{0, minChunkBytes} {
		r := newRoom(t)
		packed := compressed.Gzip(t, lines(0, 2000))
		cfg := r.config(r.file("a", packed))
		cfg.ChunkBytes = chunk
		r.load(cfg)
		r.file("a", packed[:len(packed)-200])
		_, err := Load(t.Context(), cfg)
		require.NotErrorIs(t, err, ErrChanged)
		var e *InputError
		require.ErrorAs(t, err, &e)
		require.ErrorContains(t, err, "gzip data ends early")
		r.file("a", packed)
		require.EqualValues(t, 2000, r.load(cfg).SkippedRows)
	}
}
