package input

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree makes empty files below a new directory, which becomes the test's
// working directory.
func tree(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
}

func inputNames(files []*File) []string {
	var names []string
	for i, in := range files {
		if in.Index != i {
			panic("index")
		}
		names = append(names, in.Name)
	}
	return names
}

func TestExpandInputs(t *testing.T) {
	tree(t, "b.jsonl", "a.txt", "d/2.ndjson.gz", "d/1.JSONL", "d/x/3.jsonl.zst", "d/.hidden.jsonl", "d/.git/4.jsonl",
		"d/no.json", "d/rejects.jsonl", "e/readme.md", "[x].jsonl")
	require.NoError(t, os.Symlink("../b.jsonl", "d/link.jsonl"))
	for name, c := range map[string]struct {
		args []string
		want []string
		err  string
	}{
		"file":             {args: []string{"a.txt"}, want: []string{"a.txt"}},
		"order":            {args: []string{"b.jsonl", "a.txt"}, want: []string{"b.jsonl", "a.txt"}},
		"once":             {args: []string{"b.jsonl", "./b.jsonl", "*.jsonl"}, want: []string{"b.jsonl", "[x].jsonl"}},
		"directory":        {args: []string{"d"}, want: []string{"d/1.JSONL", "d/2.ndjson.gz", "d/link.jsonl", "d/x/3.jsonl.zst"}},
		"pattern":          {args: []string{"d/*json*"}, want: []string{"d/2.ndjson.gz", "d/link.jsonl", "d/no.json"}},
		"pattern of dirs":  {args: []string{"d/?"}, want: []string{"d/x/3.jsonl.zst"}},
		"stdin":            {args: []string{"-", "a.txt", "-"}, want: []string{"-", "a.txt"}},
		"name is pattern":  {args: []string{"[x].jsonl"}, want: []string{"[x].jsonl"}},
		"missing":          {args: []string{"a.txt", "nope"}, err: "nope: file does not exist: check the name"},
		"pattern, nothing": {args: []string{"*.csv"}, err: "*.csv: no file matches the pattern"},
		"pattern, bad":     {args: []string{"[a"}, err: "[a: syntax error in pattern"},
		"empty directory":  {args: []string{"e"}, err: "e: the directory has no JSON lines"},
		"rejects":          {args: []string{"d/rejects.jsonl"}, err: "d/rejects.jsonl: the file is also where rejects go"},
	} {
		files, err := Expand(c.args, "d/rejects.jsonl")
		if c.err != "" {
			var input *Error
			require.ErrorAs(t, err, &input, name)
			require.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.want, inputNames(files), name)
	}
}

func TestExpandInputsFollowsLinks(t *testing.T) {
	tree(t, "real/x.jsonl", "top/z.jsonl", "round/sub/y.jsonl", "mine/rejects.jsonl", "empty/a.txt")
	for link, to := range map[string]string{
		"current": "real", "top/sub": "../real", "top/sub2": "../real", "top/file.jsonl": "../real/x.jsonl", "top/nowhere": "nothing",
		"top/.hidden": "../round", "round/sub/up": "..", "round/sub/self": ".", "empty/self": "../empty", "yours": "mine",
	} {
		require.NoError(t, os.Symlink(to, link))
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"to a directory":    {[]string{"current"}, []string{"current/x.jsonl"}},
		"below a directory": {[]string{"top"}, []string{"top/file.jsonl", "top/z.jsonl"}},
		"by several names":  {[]string{"real/x.jsonl", "current", "top"}, []string{"real/x.jsonl", "top/z.jsonl"}},
		"in a circle":       {[]string{"round"}, []string{"round/sub/y.jsonl"}},
		"not the rejects":   {[]string{"yours", "current"}, []string{"current/x.jsonl"}},
	} {
		files, err := Expand(c.args, "mine/rejects.jsonl")
		require.NoError(t, err, name)
		require.Equal(t, c.want, inputNames(files), name)
	}
	require.NoError(t, os.Remove("top/file.jsonl"))
	files, err := Expand([]string{"top"}, "")
	require.NoError(t, err)
	require.Equal(t, []string{"top/sub/x.jsonl", "top/z.jsonl"}, inputNames(files))
	_, err = Expand([]string{"empty"}, "")
	require.ErrorContains(t, err, "empty: the directory has no JSON lines")
	_, err = Expand([]string{"yours/rejects.jsonl"}, "mine/rejects.jsonl")
	require.ErrorContains(t, err, "the file is also where rejects go")
	require.NoError(t, os.Symlink("nothing", "top/gone.jsonl"))
	_, err = Expand([]string{"top"}, "")
	require.ErrorContains(t, err, "top/gone.jsonl: no such file")
}

func TestExpandArchives(t *testing.T) {
	tree(t, "rejects.jsonl")
	archive := func(name string, members ...string) {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, m := range members {
			f, err := w.Create(m)
			require.NoError(t, err)
			if !strings.HasSuffix(m, "/") {
				_, err = f.Write([]byte("{}\n"))
				require.NoError(t, err)
			}
		}
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(name, b.Bytes(), 0o600))
	}
	archive("a.zip", "d/b.jsonl.gz", "a.csv", "README", ".git/x.jsonl", "__MACOSX/a.csv", "d/")
	archive("one", "README")
	archive("none.zip", "a.txt", "b.txt")
	files, err := Expand([]string{"a.zip", "one"}, "rejects.jsonl")
	require.NoError(t, err)
	require.Equal(t, []string{"a.zip/a.csv", "a.zip/d/b.jsonl.gz", "one/README"}, inputNames(files))
	var n atomic.Int64
	src, err := Open(t.Context(), files[2], nil, &n, Form{})
	require.NoError(t, err)
	text, err := io.ReadAll(src)
	require.NoError(t, err)
	require.Equal(t, "{}\n", string(text))
	require.NoError(t, src.Close())
	_, err = Expand([]string{"none.zip"}, "")
	require.ErrorContains(t, err, "none.zip: the archive has no file named *.json, *.csv, *.tsv, *.parquet, *.jsonl, *.ndjson")
}

func TestExpandInputsKnowsSizes(t *testing.T) {
	tree(t)
	require.NoError(t, os.WriteFile("a", []byte("abc"), 0o600))
	files, err := Expand([]string{"a", "-"}, "")
	require.NoError(t, err)
	require.EqualValues(t, 3, files[0].Size)
	require.True(t, filepath.IsAbs(files[0].Path))
	require.Equal(t, "-", files[1].Path)
}
