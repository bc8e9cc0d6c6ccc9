package schemas_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/schemas"
)

const oneField = "\nfields: [{name: x, type: string}]\n"

// folder writes files into a new directory.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(folder(t, map[string]string{"a.yaml": "# first\nname: a" + oneField + "---\nname: b" + oneField}), "a.yaml")
	defs, err := schemas.LoadFile(path)
	require.NoError(t, err)
	require.Len(t, defs, 2)
	require.Equal(t, path+":2", defs[0].Source)
	require.Equal(t, path+":5", defs[1].Source)
}

func TestLoadFileRefuses(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"bad.yaml": "name: a", "huge.yaml": strings.Repeat("#", schemas.MaxFileBytes+1)})
	_, err := schemas.LoadFile(filepath.Join(dir, "none.yaml"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "none.yaml")
	_, err = schemas.LoadFile(dir)
	require.ErrorContains(t, err, "schema file: ")
	_, err = schemas.LoadFile(filepath.Join(dir, "bad.yaml"))
	require.EqualError(t, err, filepath.Join(dir, "bad.yaml")+":1:1: the schema has no fields: give it at least one")
	_, err = schemas.LoadFile(filepath.Join(dir, "huge.yaml"))
	require.ErrorContains(t, err, "it cannot be a schema")
}

func TestLoadDir(t *testing.T) {
	t.Parallel()
	defs, err := schemas.LoadDir(folder(t, map[string]string{
		"b.yml": "name: second" + oneField, "a.yaml": "name: first" + oneField, "c.YAML": "name: third" + oneField,
		"notes.txt": "name: [", ".a.yaml": "name: [", "sub/d.yaml": "name: [", "dir.yaml/e.txt": "name: [",
	}))
	require.NoError(t, err)
	names := make([]string, 0, len(defs))
	for _, def := range defs {
		names = append(names, def.Schema.Name)
	}
	require.Equal(t, []string{"first", "second", "third"}, names)
}

func TestLoadDirRefuses(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"empty/notes.txt": "", "twice/a.yaml": "name: x" + oneField, "twice/b.yaml": "name: x" + oneField,
		"bad/a.yaml": "nam: x" + oneField, "bad/b.yaml": "name: y" + oneField, "bad/c.yaml": "", "file": "",
	})
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

	_, err := schemas.LoadDir(in("none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "schema directory "+in("none")+": it does not exist: file does not exist")
	_, err = schemas.LoadDir(in("file"))
	require.EqualError(t, err, "schema directory "+in("file")+": it is a file, name the directory that it is in")
	_, err = schemas.LoadDir(in("empty"))
	require.EqualError(t, err, "schema directory "+in("empty")+": there is no .yaml or .yml file in it")
	_, err = schemas.LoadDir(in("twice"))
	require.EqualError(t, err, `schema "x" is defined twice, in `+in("twice/a.yaml")+`:1 and in `+in("twice/b.yaml")+`:1: rename one of them`)
	_, err = schemas.LoadDir(in("bad"))
	require.EqualError(t, err, in("bad/a.yaml")+`:1:1: unknown key "nam", did you mean "name"?`+"\n"+
		in("bad/c.yaml")+`: there is no schema in this file: it needs at least name and fields`)
}
