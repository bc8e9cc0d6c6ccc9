package bulk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func entryLine(file string, line int, chunk string) string {
	return fmt.Sprintf(`{"file":%q,"line":%d,"offset":0,"schema":"s","field":"","error":"e","raw":"r","reason":"type","chunk":%q}`, file, line, chunk) + "\n"
}

func TestTidyRejects(t *testing.T) {
	t.Parallel()
	const open = "0123456789abcdef0123456789abcdef"
	a1, a2 := entryLine("a", 1, "done"), entryLine("a", 2, "open")
	b1 := entryLine("b", 1, open)
	cut := strings.Replace(entryLine("a", 3, ""), `,"chunk":""`, "", 1)
	cutPath := strings.Replace(cut, "}\n", `,"path":"/a\"b"}`+"\n", 1)
	checked := strings.Replace(cut, "}\n", checkEnd, 1)
	for name, c := range map[string]struct{ have, want, check, err string }{
		"empty":               {"", "", "", ""},
		"all kept":            {a1 + cut + cutPath, a1 + cut + cutPath, a1 + cut + cutPath, ""},
		"some dropped":        {b1 + a1 + a2 + b1 + cut + checked, a1 + cut, b1 + a1 + a2 + b1 + cut, ""},
		"all dropped":         {a2 + checked, "", a2, ""},
		"last line cut":       {a1 + a2[:20], a1, a1, ""},
		"only line cut":       {a1[:20], "", "", ""},
		"something else":      {"{\"id\":1}\n", "", "", "line 1: the file exists and is no file of rejects"},
		"something else, cut": {"{\"id\":1}", "", "", "the file exists and is no file of rejects"},
		"almost":              {"{\"file\":\"a.go\",\"line\":1,\"text\":\"x\"}\n", "", "", "line 1: the file exists and is no file of rejects"},
		"not JSON":            {a1 + "x\n", "", "", "line 2: the file exists and is no file of rejects"},
		"hand made":           {strings.ReplaceAll(a2, ":", ": "), "", strings.ReplaceAll(a2, ":", ": "), ""},
	} {
		for _, check := range []bool{false, true} {
			t.Run(fmt.Sprint(name, check), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "rejects")
				require.NoError(t, os.WriteFile(path, []byte(c.have), 0o640))
				want, begun := c.want, func() (map[string]bool, error) { return map[string]bool{"open": true, open: true}, nil }
				if check {
					want, begun = c.check, nil
				}
				known, err := tidyRejects(path, begun)
				got, readErr := os.ReadFile(path)
				require.NoError(t, readErr)
				if c.err != "" {
					require.ErrorContains(t, err, c.err)
					require.Equal(t, c.have, string(got), "nothing is overwritten")
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, string(got))
				require.Equal(t, strings.Contains(want, "/a"), known.places[cutPlace{`/a"b`, 0}])
				require.Equal(t, strings.Contains(want, cut), known.sums[sha256.Sum256([]byte(strings.TrimSuffix(cut, "}\n")))])
				info, err := os.Stat(path)
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
				files, err := os.ReadDir(filepath.Dir(path))
				require.NoError(t, err)
				require.Len(t, files, 1, "no temporary file is left")
			})
		}
	}
}

func TestTidyRejectsErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	broken := errors.New("broken")
	fails := func() (map[string]bool, error) { return nil, broken }
	_, err := tidyRejects(path, fails)
	require.NoError(t, err, "no file, nothing to ask")
	require.NoError(t, os.WriteFile(path, []byte(entryLine("a", 1, "open")), 0o600))
	_, err = tidyRejects(path, fails)
	require.ErrorIs(t, err, broken)
	_, err = tidyRejects(t.TempDir(), fails)
	require.Error(t, err, "a directory")
}

func TestRejectWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	for _, keep := range []int{1 << 20, 1} { // in memory, and on the disk
		require.NoError(t, os.RemoveAll(path))
		spool := &rejectSpool{path: path, keep: keep}
		w := newRejectWriter(spool, false, knownCuts{})
		in := &inputFile{name: "f", path: "/d/f"}
		cut := &result{chunk: &chunk{file: in, kind: cutLine}}
		spool.reject(cut, reject{line: 99, err: ErrCutLine, raw: []byte("{")}, &cut.lines)
		require.NoError(t, w.add(cut))
		cut.close()
		require.NoFileExists(t, path)
		res := &result{chunk: &chunk{file: in, offset: 100, token: token{1}}}
		spool.reject(res, reject{offset: 105, line: 7, schema: "s", err: ErrCutLine, raw: []byte("<é>\u2028")}, &res.lines)
		spool.reject(res, reject{offset: 107, line: 9, err: ErrLineTooLong, raw: []byte("aé")[:2], cut: true}, &res.lines)
		spool.reject(res, reject{offset: 106, line: 8, err: ErrLineTooLong, raw: []byte("a\xff")}, &res.refused)
		require.NoError(t, w.add(res))
		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, files, 1, "what is on the disk has no name")
		res.close()
		require.NoError(t, w.close())
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		chunk := "01000000000000000000000000000000"
		require.Equal(t, strings.Join([]string{
			`{"file":"f","line":7,"offset":105,"schema":"s","field":"","error":"line is not complete","raw":"<é>\u2028","reason":"cut_line","chunk":"` + chunk + `"}`,
			`{"file":"f","line":8,"offset":106,"schema":"","field":"","error":"line is too long","raw":"","raw_base64":"Yf8=","reason":"line_too_long","chunk":"` + chunk + `"}`,
			`{"file":"f","line":9,"offset":107,"schema":"","field":"","error":"line is too long","raw":"a","raw_cut":true,"reason":"line_too_long","chunk":"` + chunk + `"}`,
			`{"file":"f","line":99,"offset":0,"schema":"","field":"","error":"line is not complete","raw":"{","reason":"cut_line","path":"/d/f"}`,
			"",
		}, "\n"), string(got))
		complete, err := eachReject(path, func(k *rejectKeys, line []byte) error {
			_, fast := readWritten(line)
			require.True(t, fast, string(line))
			require.Equal(t, k.path == "", string(k.chunk) == chunk)
			return nil
		})
		require.NoError(t, err)
		require.True(t, complete)
	}
}

// FuzzRejectEntry compares entries with those of encoding/json.
func FuzzRejectEntry(f *testing.F) {
	f.Add("f", "s", "e", []byte("<é>\u2028\u2029\x00\x1f\x7f\b\f\n\r\t\"\\"), "r", int64(0), false)
	f.Add("f\xff", "\xe2\x80", "\u2028", []byte("\xff\xff"), "r", int64(7), true)
	f.Add("f", "s", "e", bytes.Repeat([]byte("é€😀x"), 1000), "r", int64(7), true)
	f.Add("f", "s", "e", bytes.Repeat([]byte("é\xff😀x"), 1000), "r", int64(7), false)
	f.Fuzz(func(t *testing.T, file, schema, text string, raw []byte, reason string, n int64, cut bool) {
		e := rejectEntry{File: file, Line: n, Offset: max(n, 0), Schema: schema, Field: text, Error: text + file, RawCut: cut, Reason: reason}
		l := &rejectLines{spool: &rejectSpool{path: filepath.Join(t.TempDir(), "r"), keep: 5000}}
		defer l.close()
		l.add(&e, raw)
		l.add(&e, raw)
		if utf8.Valid(raw) {
			e.Raw = string(raw)
		} else {
			e.RawBase64 = raw
		}
		e.Path = file
		var want, got bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(e))
		require.NoError(t, enc.Encode(e))
		end := "}\n"
		if e.Path != "" {
			end = string(appendText([]byte(`,"path":`), e.Path)) + end
		}
		w := bufio.NewWriter(&got)
		require.NoError(t, mergeLines(w, l, nil, []byte(end)))
		require.NoError(t, w.Flush())
		require.Equal(t, want.String(), got.String())
	})
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
