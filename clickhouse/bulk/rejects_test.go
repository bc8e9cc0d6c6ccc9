package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func entryLine(file string, line int, chunk string) string {
	return fmt.Sprintf(`{"file":%q,"line":%d,"offset":0,"schema":"s","field":"","error":"e","raw":"r","reason":"type","chunk":%q}`, file, line, chunk) + "\n"
}

func TestKeepRejects(t *testing.T) {
	t.Parallel()
	a1, a2, a3 := entryLine("a", 1, "done"), entryLine("a", 2, "open"), entryLine("a", 3, "")
	b1 := entryLine("b", 1, "open")
	for name, c := range map[string]struct{ have, want, err string }{
		"empty":               {"", "", ""},
		"all kept":            {a1 + b1, a1 + b1, ""},
		"some dropped":        {b1 + a1 + a2 + b1 + a3, b1 + a1 + b1, ""},
		"all dropped":         {a2 + a3, "", ""},
		"last line cut":       {a1 + a2[:20], a1, ""},
		"only line cut":       {a1[:20], "", ""},
		"something else":      {"{\"id\":1}\n", "", "line 1: the file exists and is no file of rejects"},
		"something else, cut": {"{\"id\":1}", "", "the file exists and is no file of rejects"},
		"not JSON":            {a1 + "x\n", "", "line 2: the file exists and is no file of rejects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "rejects")
			require.NoError(t, os.WriteFile(path, []byte(c.have), 0o640))
			err := keepRejects(path, map[string]bool{"a": true}, func(tokens []string) (map[string]bool, error) {
				require.NotContains(t, tokens, "")
				return map[string]bool{"done": true}, nil
			})
			got, readErr := os.ReadFile(path)
			require.NoError(t, readErr)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.Equal(t, c.have, string(got), "nothing is overwritten")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
			files, err := os.ReadDir(filepath.Dir(path))
			require.NoError(t, err)
			require.Len(t, files, 1, "no temporary file is left")
		})
	}
}

func TestKeepRejectsErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	broken := errors.New("broken")
	fails := func([]string) (map[string]bool, error) { return nil, broken }
	require.NoError(t, keepRejects(path, nil, fails), "no file, nothing to ask")
	require.NoError(t, os.WriteFile(path, []byte(entryLine("a", 1, "open")), 0o600))
	require.ErrorIs(t, keepRejects(path, map[string]bool{"a": true}, fails), broken)
	require.Error(t, keepRejects(t.TempDir(), nil, fails), "a directory")
}

func TestEmptyRejects(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	require.NoError(t, emptyRejects(path))
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, []byte(entryLine("a", 1, "x")), 0o600))
	require.NoError(t, emptyRejects(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, os.WriteFile(path, []byte("{\"id\":1}\n"), 0o600))
	require.ErrorIs(t, emptyRejects(path), errNotRejects)
}

func TestRejectWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	w := &rejectWriter{path: path}
	c := &chunk{file: &inputFile{name: "f"}, offset: 100, token: token{1}}
	require.NoError(t, w.add(&result{chunk: &chunk{file: c.file, kind: cutLine}, rejects: []reject{{line: 99, err: ErrCutLine, raw: []byte("{")}}}))
	require.NoFileExists(t, path)
	err := w.add(&result{chunk: c, rejects: []reject{
		{offset: 105, line: 7, schema: "s", err: ErrCutLine, raw: []byte("<é>\u2028")},
		{offset: 106, line: 8, err: ErrLineTooLong, raw: []byte("a\xff")},
		{offset: 107, line: 9, err: ErrLineTooLong, raw: []byte("aé")[:2], cut: true},
	}})
	require.NoError(t, err)
	require.NoError(t, w.close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	chunk := "01000000000000000000000000000000"
	require.Equal(t, strings.Join([]string{
		`{"file":"f","line":7,"offset":105,"schema":"s","field":"","error":"line is not complete","raw":"<é>\u2028","reason":"cut_line","chunk":"` + chunk + `"}`,
		`{"file":"f","line":8,"offset":106,"schema":"","field":"","error":"line is too long","raw":"","raw_base64":"Yf8=","reason":"line_too_long","chunk":"` + chunk + `"}`,
		`{"file":"f","line":9,"offset":107,"schema":"","field":"","error":"line is too long","raw":"a","raw_cut":true,"reason":"line_too_long","chunk":"` + chunk + `"}`,
		`{"file":"f","line":99,"offset":0,"schema":"","field":"","error":"line is not complete","raw":"{","reason":"cut_line"}`,
		"",
	}, "\n"), string(got))
	complete, err := eachReject(path, func(e *rejectEntry, _ []byte) error {
		require.Equal(t, e.Line != 99, e.Chunk == chunk)
		return nil
	})
	require.NoError(t, err)
	require.True(t, complete)
}

func TestWholeRunes(t *testing.T) {
	t.Parallel()
	text := "aé€😀"
	for n := range len(text) + 1 {
		got := string(wholeRunes([]byte(text)[:n]))
		require.True(t, strings.HasPrefix(text, got))
		require.NotContains(t, fmt.Sprintf("%q", got), `\x`)
		require.LessOrEqual(t, n-len(got), 3)
	}
	require.Equal(t, "\xff", string(wholeRunes([]byte("\xff"))), "what is no beginning of a character stays")
}

// TestLoadMendedRejects goes the way of a user: load, take the rejects, feed
// their file by mistake, mend the rows, load these.
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

	var mended bytes.Buffer
	for _, e := range r.rejects(cfg) {
		if e.Raw != "" {
			mended.WriteString(strings.Replace(e.Raw, `"text":1`, `"text":"1"`, 1) + "\n")
		}
	}
	require.EqualValues(t, 25, r.load(r.config(r.file("mended", mended.Bytes()))).Rows)
	require.Equal(t, "975\t975", r.count())
}
