package bulk

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// asArray makes a pretty-printed array of rows one a line.
func asArray(rows []byte) []byte {
	rows = bytes.ReplaceAll(bytes.TrimSuffix(rows, []byte("\n")), []byte("\n"), []byte(",\n"))
	rows = bytes.ReplaceAll(rows, []byte(`,"text"`), []byte(",\n  \"text\""))
	return append(append([]byte("[\n"), rows...), "\n]\n"...)
}

// asCSV makes a table of items from one number up to another, with a bad row in 40.
func asCSV(from, to int) []byte {
	var b bytes.Buffer
	b.WriteString("text,id\n")
	for i := from; i < to; i++ {
		id := fmt.Sprint(i)
		if i%40 == 7 {
			id = "x"
		}
		fmt.Fprintf(&b, "\"%s,\n\",%s\n", strings.Repeat("x", i%50), id)
	}
	return b.Bytes()
}

// TestShapesOfRejects looks at where rejects of other shapes than lines are.
func TestShapesOfRejects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content      string
		rowsAt       string
		rows         int64
		line, offset int64
		raw          string
	}{
		"array":         {"[\n {\"id\":1},\n {\"id\":-2},{\"id\":3}]", "", 2, 3, 14, `{"id":-2}`},
		"pretty":        {"{\"id\":1\n}\n{\n \"id\": -2\n}\n{\"id\":3}", "", 2, 3, 10, "{\r \"id\": -2\r}"},
		"several":       {"{\"id\":1} {\"id\":-2} {\"id\":3}\n", "", 2, 1, 9, `{"id":-2}`},
		"below a path":  {"{\"v\":{\"n\":\n[{\"id\":1},{\"id\":-2}]}}", "v.n", 1, 2, 21, `{"id":-2}`},
		"csv":           {"id,text\n1,a\nx,\"b\n\"\n", "", 1, 3, 12, `{"id":"x","text":"b\n"}`},
		"csv, cells":    {"id,text\n1\n2,b\n", "", 1, 2, 8, ""},
		"element":       {"[{\"id\":1},[2]]", "", 1, 1, 10, `[2]`},
		"envelopes":     {"[{\"schema\":\"items\",\"data\":{\"id\":1}},\n{\"schema\":\"items\",\"data\":{\"id\":-2}}]", "", 1, 2, 37, `{"schema":"items","data":{"id":-2}}`},
		"a mark, array": {"\xEF\xBB\xBF[{\"id\":-2}]", "", 0, 1, 4, `{"id":-2}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum, err := check(t, []byte(c.content), func(cfg *Config) {
				cfg.RowsAt = c.rowsAt
				if name == "envelopes" {
					cfg.Schema = ""
				}
			})
			require.NoError(t, err)
			require.Equal(t, c.rows, sum.Rows)
			require.EqualValues(t, 1, sum.Rejected)
			require.Equal(t, c.line, sum.FirstRejects[0].Line)
			require.Equal(t, c.offset, sum.FirstRejects[0].Offset)
			entries := (&room{t: t}).rejects(Config{Rejects: sum.FirstRejects[0].File + ".rejects"})
			require.Len(t, entries, 1)
			require.Equal(t, c.raw, entries[0].Raw)
			require.Equal(t, c.line, entries[0].Line)
			require.Equal(t, c.offset, entries[0].Offset)
		})
	}
}

// TestArraysAreNotHalfAccepted has arrays that end early, or are something else.
func TestArraysAreNotHalfAccepted(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"[\n{\"id\":1},\n{\"id\":2}\n":     "the file is cut",
		"[\n{\"id\":1},\n{\"id\":2\n":      "the file is cut",
		"[\n{\"id\":1},\n{\"id\":2},\n]\n": "']' on line 4",
		"[\n{\"id\":1}\n{\"id\":2}\n]\n":   "'{' on line 3",
		"[1,\n{\"id\":2}\n]\n":             "is not an array of JSON objects",
	} {
		sum, err := check(t, []byte(content), nil)
		var e *InputError
		require.ErrorAs(t, err, &e)
		require.ErrorContains(t, err, want)
		require.Zero(t, sum.Rows)
	}
}

// zipped returns a ZIP archive.
func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestZipFromStdin is refused, with what to do.
func TestZipFromStdin(t *testing.T) {
	t.Parallel()
	_, err := Load(t.Context(), Config{
		Targets: map[string]Target{"items": items()}, Schema: "items", Inputs: []string{"-"}, DryRun: true,
		Stdin: bytes.NewReader(zipped(t, map[string][]byte{"a.jsonl": lines(0, 10)})),
	})
	require.ErrorIs(t, err, ErrNotText)
	require.ErrorContains(t, err, "name the archive itself")
}

// TestSoakShapesSurviveCrashes crashes loads of other shapes at many points, runs them again
// until they get through, and compares with what must be there.
func TestSoakShapesSurviveCrashes(t *testing.T) {
	t.Parallel()
	table := newRoom(t).parquetOf("SELECT if(number % 40 = 7, -1, toInt64(number)) AS id, repeat('x', number % 50) AS text FROM numbers(1000) SETTINGS output_format_parquet_row_group_size = 100")
	archive := zipped(t, map[string][]byte{"a.csv": asCSV(0, 400), "b/c.json": asArray(lines(400, 700)), "d.jsonl": lines(700, 1000)})
	wrapped := append(append([]byte(`{"v":1,"samples":`), asArray(lines(0, 1000))...), `,"w":[]}`...)
	seed := soak.Seed(t)
	for name, c := range map[string]struct {
		content  []byte
		rejected int
	}{
		"array": {asArray(lines(0, 1000)), 0}, "wrapped": {wrapped, 0}, "rows.csv": {asCSV(0, 1000), 25}, "rows.zip": {archive, 10}, "rows.parquet": {table, 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crashes := 0
			for trial := range uint64(soak.Trials(t, 1, 50)) {
				r := newRoom(t)
				cfg := r.config(r.file(name, c.content))
				cfg.Rejects = filepath.Join(r.dir, "rejects")
				if name == "wrapped" {
					cfg.RowsAt = "samples"
				}
				crashes += r.throughCrashes(rand.New(rand.NewPCG(seed, trial)), 15, cfg)
				require.Equal(t, fmt.Sprintf("%d\t%d", 1000-c.rejected, 1000-c.rejected), r.count())
				require.Len(t, r.rejects(cfg), c.rejected)
				require.Zero(t, r.load(cfg).Rows)
			}
			t.Logf("%d crashes", crashes)
		})
	}
}

// TestGrownArray loads what was added to an array, and to a table.
func TestGrownArray(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", asArray(lines(0, 500))), r.file("b.csv", asCSV(1000, 1007)))
	r.load(cfg)
	r.file("a", asArray(lines(0, 600)))
	r.file("b.csv", asCSV(1000, 1010))
	require.EqualValues(t, 102, r.load(cfg).Rows)
	require.Equal(t, "609\t609", r.count())
}

// extraItems is a target with columns for what is not in the rows.
func extraItems() Target {
	target := items()
	target.Schema.Fields = append(target.Schema.Fields, fact.Field{Name: "run", Type: fact.String}, fact.Field{Name: "n", Type: fact.UInt8}, fact.Field{Name: "source", Type: fact.String})
	return target
}

// TestExtraColumns tells two runs of equal bytes apart, by each of the ways.
func TestExtraColumns(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	a, b := r.file("runs/one/x_3.jsonl", lines(0, 100)), r.file("runs/two/x_4.jsonl", lines(0, 100))
	cfg := r.config(a, b)
	cfg.Targets["items"] = extraItems()
	require.EqualValues(t, 100, r.load(cfg).Rows, "the second is the same content")

	cfg.PathPattern = "runs/{run}/*_{n}.jsonl"
	require.EqualValues(t, 200, r.load(cfg).Rows)
	require.Zero(t, r.load(cfg).Rows)
	require.Equal(t, "one\t3\t100\ntwo\t4\t100", r.Query(t, "SELECT run, n, count() FROM items WHERE run != '' GROUP BY ALL ORDER BY run"))

	cfg.PathPattern, cfg.FileColumn, cfg.Set = "", "source", map[string]string{"run": "three\"", "n": "7"}
	require.EqualValues(t, 200, r.load(cfg).Rows)
	cfg.Set["n"] = "8"
	require.EqualValues(t, 200, r.load(cfg).Rows)
	require.Zero(t, r.load(cfg).Rows)
	require.Equal(t, "7\t200\n8\t200", r.Query(t, "SELECT n, count() FROM items WHERE run = 'three\"' AND endsWith(source, '.jsonl') GROUP BY n ORDER BY n"))

	cfg.Set["n"] = "x"
	_, err := Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrConfig)
	require.ErrorContains(t, err, `"n"`)
}

func TestExtraColumnsOfRows(t *testing.T) {
	t.Parallel()
	set := func(c *Config) {
		c.Targets, c.Set = map[string]Target{"items": extraItems()}, map[string]string{"run": "r"}
	}
	sum, err := check(t, []byte("{\"id\":1}\n {}\n{\"id\":2,\"run\":\"x\"}\n[1]\n{\"id\":-3}\n"), set)
	require.NoError(t, err)
	require.EqualValues(t, 1, sum.Rows)
	require.ErrorContains(t, sum.FirstRejects[0], `"id"`)
	require.ErrorContains(t, sum.FirstRejects[1], "the row has a key that the load gives a value itself")
	for want, change := range map[string]func(*Config){
		`has no field "x"`:             func(c *Config) { c.Set = map[string]string{"x": ""} },
		`"run" is given a value twice`: func(c *Config) { c.Set, c.FileColumn = map[string]string{"run": ""}, "run" },
		"the path is not one of the":   func(c *Config) { c.PathPattern = "{run}.csv" },
		"it has no field in braces":    func(c *Config) { c.PathPattern = "*.csv" },
		"a field is a name in braces":  func(c *Config) { c.PathPattern = "{run" },
		"need the name of a schema":    func(c *Config) { c.Schema, c.FileColumn = "", "run" },
	} {
		_, err := check(t, lines(0, 1), func(c *Config) {
			c.Targets = map[string]Target{"items": extraItems()}
			change(c)
		})
		require.ErrorContains(t, err, want)
	}
}

// BenchmarkShapes checks the same rows as lines and as an array.
func BenchmarkShapes(b *testing.B) {
	rows := lines(0, 200_000)
	for name, content := range map[string][]byte{"lines": rows, "array": asArray(rows), "csv": asCSV(0, 200_000)} {
		path := filepath.Join(b.TempDir(), name+"."+name)
		require.NoError(b, os.WriteFile(path, content, 0o600))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				_, err := Load(b.Context(), Config{Targets: map[string]Target{"items": items()}, Schema: "items", Inputs: []string{path}, DryRun: true})
				require.NoError(b, err)
			}
		})
	}
}
