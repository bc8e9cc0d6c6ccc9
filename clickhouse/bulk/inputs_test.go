package bulk

import (
	"os"
	"path/filepath"
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

func inputNames(files []*inputFile) []string {
	var names []string
	for i, in := range files {
		if in.index != i {
			panic("index")
		}
		names = append(names, in.name)
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
		files, err := expandInputs(c.args, "d/rejects.jsonl")
		if c.err != "" {
			var input *InputError
			require.ErrorAs(t, err, &input, name)
			require.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.want, inputNames(files), name)
	}
}

func TestExpandInputsKnowsSizes(t *testing.T) {
	tree(t)
	require.NoError(t, os.WriteFile("a", []byte("abc"), 0o600))
	files, err := expandInputs([]string{"a", "-"}, "")
	require.NoError(t, err)
	require.EqualValues(t, 3, files[0].size)
	require.True(t, filepath.IsAbs(files[0].path))
	require.Equal(t, "-", files[1].path)
}
