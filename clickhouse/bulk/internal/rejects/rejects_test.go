package rejects

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"
)

func entryLine(file string, line int, chunk string) string {
	return fmt.Sprintf(`{"file":%q,"line":%d,"offset":0,"schema":"s","field":"","error":"e","raw":"r","reason":"type","chunk":%q}`, file, line, chunk) + "\n"
}

func TestTidy(t *testing.T) {
	t.Parallel()
	const open = "0123456789abcdef0123456789abcdef"
	a1, a2 := entryLine("a", 1, "done"), entryLine("a", 2, "open")
	b1 := entryLine("b", 1, open)
	cut := strings.Replace(entryLine("a", 3, ""), `,"chunk":""`, "", 1)
	cutPath := strings.Replace(cut, "}\n", `,"path":"/a\"b"}`+"\n", 1)
	checked := strings.Replace(cut, "}\n", `,"check":true}`+"\n", 1)
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
				known, err := Tidy(path, begun)
				got, readErr := os.ReadFile(path)
				require.NoError(t, readErr)
				if c.err != "" {
					require.ErrorContains(t, err, c.err)
					require.Equal(t, c.have, string(got), "nothing is overwritten")
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, string(got))
				require.Equal(t, strings.Contains(want, "/a"), known.places[place{`/a"b`, 0}])
				require.Equal(t, strings.Contains(want, cut), known.sums[sha256.Sum256([]byte(cut))])
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

func TestTidyErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	broken := errors.New("broken")
	fails := func() (map[string]bool, error) { return nil, broken }
	_, err := Tidy(path, fails)
	require.NoError(t, err, "no file, nothing to ask")
	require.NoError(t, os.WriteFile(path, []byte(entryLine("a", 1, "open")), 0o600))
	_, err = Tidy(path, fails)
	require.ErrorIs(t, err, broken)
	_, err = Tidy(t.TempDir(), fails)
	require.Error(t, err, "a directory")
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

func TestReplaceFileKeepsSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, []byte(entryLine("a", 1, "open")), 0o600))
	require.NoError(t, os.Symlink("file", link))
	_, err := Tidy(link, func() (map[string]bool, error) { return map[string]bool{"open": true}, nil })
	require.NoError(t, err)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Empty(t, got)
}

func entry(offset, line int64, raw []byte, cut bool) *Entry {
	e := &Entry{File: "f", Line: line, Offset: offset, Error: "line is too long", Reason: "line_too_long"}
	e.SetRaw(raw, cut)
	return e
}

func TestWriter(t *testing.T) {
	t.Parallel()
	const chunk = "01000000000000000000000000000000"
	path := filepath.Join(t.TempDir(), "rejects")
	for _, keep := range []int{1 << 20, 1} { // in memory, and on the disk
		require.NoError(t, os.RemoveAll(path))
		spool := &Spool{path: path, keep: keep}
		w := NewWriter(spool, false, Known{})
		cut := spool.NewLines()
		cut.Add(&Entry{File: "f", Line: 99, Raw: "{", Error: "line is not complete", Reason: "cut_line"})
		require.NoError(t, w.AddCut("/d/f", 0, cut))
		cut.Close()
		require.NoFileExists(t, path)
		decoded, refused := spool.NewLines(), spool.NewLines()
		decoded.Add(&Entry{File: "f", Line: 7, Offset: 105, Schema: "s", Raw: "<é>\u2028", Error: "line is not complete", Reason: "cut_line"})
		decoded.Add(entry(107, 9, []byte("aé")[:2], true))
		refused.Add(entry(106, 8, []byte("a\xff"), false))
		require.NoError(t, w.Add(chunk, decoded, refused))
		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, files, 1, "what is on the disk has no name")
		decoded.Close()
		refused.Close()
		require.NoError(t, w.Close())
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, strings.Join([]string{
			`{"file":"f","line":7,"offset":105,"schema":"s","field":"","error":"line is not complete","raw":"<é>\u2028","reason":"cut_line","chunk":"` + chunk + `"}`,
			`{"file":"f","line":8,"offset":106,"schema":"","field":"","error":"line is too long","raw":"","raw_base64":"Yf8=","reason":"line_too_long","chunk":"` + chunk + `"}`,
			`{"file":"f","line":9,"offset":107,"schema":"","field":"","error":"line is too long","raw":"a","raw_cut":true,"reason":"line_too_long","chunk":"` + chunk + `"}`,
			`{"file":"f","line":99,"offset":0,"schema":"","field":"","error":"line is not complete","raw":"{","reason":"cut_line","path":"/d/f"}`,
			"",
		}, "\n"), string(got))
		complete, err := each(path, func(k *keys, _ []byte) error {
			require.Equal(t, k.path == "", k.chunk == chunk)
			return nil
		})
		require.NoError(t, err)
		require.True(t, complete)
	}
}

// TestLinesHoldFew has more entries than may be in memory.
func TestLinesHoldFew(t *testing.T) {
	t.Parallel()
	l := (&Spool{path: filepath.Join(t.TempDir(), "rejects"), keep: 10_000}).NewLines()
	defer l.Close()
	for i := range int64(20_000) {
		l.Add(entry(i, i+1, []byte("x"), false))
	}
	require.LessOrEqual(t, l.buf.Cap(), 4*l.spool.keep)
	info, err := l.file.Stat()
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(2<<20))
	require.NoFileExists(t, l.file.Name())
	l.Add(entry(20_000, 20_001, make([]byte, 1<<20), false))
	require.LessOrEqual(t, l.buf.Cap(), 4*l.spool.keep, "a long row is not kept in memory")
}

// TestLinesThatDoNotFitOnDisk has no room for the rejects of a chunk.
func TestLinesThatDoNotFitOnDisk(t *testing.T) {
	t.Parallel()
	l := (&Spool{path: filepath.Join(t.TempDir(), "gone", "rejects"), keep: 10}).NewLines()
	l.Add(entry(0, 1, []byte("x"), false))
	w := NewWriter(NewSpool(filepath.Join(t.TempDir(), "rejects"), 1), false, Known{})
	require.ErrorIs(t, w.Add("t", l, nil), os.ErrNotExist)
	require.NoError(t, w.Close())
}

// FuzzReadKeys compares the keys of an entry with those of encoding/json.
func FuzzReadKeys(f *testing.F) {
	f.Add([]byte(entryLine("a", 1, "token")))
	f.Add([]byte(`{"file":"f","line":1,"offset":2,"error":"e","reason":"r","path":"/a\"b"}`))
	f.Add([]byte(`{"file":"f","line":1,"error":"e","reason":"r","check":true}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		k, ok := readKeys(new(jx.Decoder), line)
		var e Entry
		if !ok || json.Unmarshal(line, &e) != nil {
			return // such as keys that encoding/json reads without regard to case
		}
		require.Equal(t, keys{offset: e.Offset, chunk: e.Chunk, path: e.Path, check: e.Check}, k)
	})
}

// BenchmarkTidy begins with a rejects file that stays as it is.
func BenchmarkTidy(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rejects")
	line := entryLine("some/file.jsonl", 1, strings.Repeat("0123456789abcdef", 2))
	require.NoError(b, os.WriteFile(path, bytes.Repeat([]byte(line), 300_000), 0o600))
	b.SetBytes(int64(300_000 * len(line)))
	for b.Loop() {
		_, err := Tidy(path, func() (map[string]bool, error) { return nil, nil })
		require.NoError(b, err)
	}
}
