package input

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/compressed"
)

// call is a row with a column of each kind.
type call struct {
	ID     string            `parquet:"id"`
	Model  *string           `parquet:"model,optional,dict"`
	OK     bool              `parquet:"ok"`
	I8     int8              `parquet:"i8"`
	U32    uint32            `parquet:"u32"`
	I64    int64             `parquet:"i64"`
	U64    uint64            `parquet:"u64"`
	F32    float32           `parquet:"f32"`
	F64    float64           `parquet:"f64"`
	Cost   int64             `parquet:"cost,decimal(4:18)"`
	Day    int32             `parquet:"day,date"`
	At     int64             `parquet:"at,timestamp(microsecond)"`
	Local  int64             `parquet:"local,timestamp(nanosecond:local)"`
	Clock  int32             `parquet:"clock,time(millisecond)"`
	Old    deprecated.Int96  `parquet:"old"`
	Run    uuid.UUID         `parquet:"run,uuid"`
	Raw    string            `parquet:"raw,json"`
	Tags   []string          `parquet:"tags,list"`
	Plain  []int32           `parquet:"plain"`
	Usage  usage             `parquet:"usage"`
	Uses   []usage           `parquet:"uses"`
	Calls  []toolCall        `parquet:"calls,list"`
	Counts map[string]int32  `parquet:"counts"`
	ByCode map[int32]*string `parquet:"by_code"`
}

type usage struct {
	In  int32  `parquet:"in"`
	Out *int32 `parquet:"out,optional"`
}

type toolCall struct {
	Name string   `parquet:"name"`
	Args []string `parquet:"args,list"`
}

// parquetFile writes rows, some in each group.
func parquetFile[T any](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var file bytes.Buffer
	w := parquet.NewGenericWriter[T](&file, options...)
	_, err := w.Write(rows)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return file.Bytes()
}

// parquetLines returns what is read of a file.
func parquetLines(file []byte) (string, error) {
	rows, err := newParquetRows(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(rows)
	if closing := rows.Close(); err == nil {
		err = closing
	}
	return string(text), err
}

func TestParquetRows(t *testing.T) {
	t.Parallel()
	model, seven := "m \"x\"\n", int32(7)
	full := call{
		ID: "a", Model: &model, OK: true, I8: -8, U32: math.MaxUint32, I64: math.MinInt64, U64: math.MaxUint64, F32: 0.5, F64: 1e300,
		Cost: -5, Day: 20454, At: 1767225600123456, Local: -1, Clock: 3_723_004, Old: deprecated.Int96{1, 0, 2440589},
		Run: uuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0"), Raw: "{\"a\":\n1.0}", Tags: []string{"x", "y"}, Plain: []int32{1, 2},
		Usage: usage{In: 3, Out: &seven}, Uses: []usage{{In: 1}, {2, &seven}}, Calls: []toolCall{{Name: "f", Args: []string{"1", "2"}}, {Name: "g"}},
		Counts: map[string]int32{"k\n": 1}, ByCode: map[int32]*string{404: &model},
	}
	empty := call{Raw: "null", Cost: 123456, Old: deprecated.Int96{0, 0, 2440588}, F32: float32(math.Inf(-1)), F64: math.NaN()}
	bad := empty
	bad.ID = "\xff"
	broken, early := empty, empty
	broken.Raw, early.Old = "{", deprecated.Int96{}
	want := []string{
		"0 1\t" + `{"id":"a","model":"m \"x\"\n","ok":true,"i8":-8,"u32":4294967295,"i64":-9223372036854775808,"u64":18446744073709551615,"f32":0.5,"f64":1e+300,` +
			`"cost":-0.0005,"day":"2026-01-01","at":"2026-01-01T00:00:00.123456Z","local":"1969-12-31 23:59:59.999999999","clock":"01:02:03.004","old":"1970-01-02T00:00:00.000000001Z",` +
			`"run":"61f0c404-5cb3-11e7-907b-a6006ad3dba0","raw":{"a":` + "\r" + `1.0},"tags":["x","y"],"plain":[1,2],"usage":{"in":3,"out":7},"uses":[{"in":1,"out":null},{"in":2,"out":7}],` +
			`"calls":[{"name":"f","args":["1","2"]},{"name":"g","args":[]}],"counts":{"k\n":1},"by_code":{"404":"m \"x\"\n"}}`,
		"1 2\t" + `{"id":"","model":null,"ok":false,"i8":0,"u32":0,"i64":0,"u64":0,"f32":-Infinity,"f64":NaN,` +
			`"cost":12.3456,"day":"1970-01-01","at":"1970-01-01T00:00:00Z","local":"1970-01-01 00:00:00","clock":"00:00:00","old":"1970-01-01T00:00:00Z",` +
			`"run":"00000000-0000-0000-0000-000000000000","raw":null,"tags":[],"plain":[],"usage":{"in":0,"out":null},"uses":[],"calls":[],"counts":{},"by_code":{}}`,
		"2 3!" + `column "id": the value is not valid UTF-8`,
		"3 4!" + `column "raw": the value is not valid JSON`,
		"4 5!" + `column "old": the time is in the year -4713`,
	}
	text, err := parquetLines(parquetFile(t, []call{full, empty, bad, broken, early}))
	require.NoError(t, err)
	require.Equal(t, strings.Join(want, "\n")+"\n", text)
}

// nested is a row of lists in lists, of which each may be null or empty.
type nested struct {
	Lists []*inner `parquet:"lists,optional,list"`
	N     *int64   `parquet:"n,optional"`
}

type inner struct {
	Values []*float64         `parquet:"values,optional,list"`
	Map    map[string]*inner2 `parquet:"map,optional"`
}

type inner2 struct {
	At *time.Time `parquet:"at,optional,timestamp(millisecond)"`
}

// TestParquetNested reads lists and maps in each other.
func TestParquetNested(t *testing.T) {
	t.Parallel()
	one, at := 1.5, time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	rows := []nested{
		{},
		{Lists: []*inner{nil, {}, {Values: []*float64{nil, &one}}, {Map: map[string]*inner2{"": {&at}, "b": nil}}}},
	}
	text, err := parquetLines(parquetFile(t, rows))
	require.NoError(t, err)
	first, second, _ := strings.Cut(text, "\n")
	require.Equal(t, "0 1\t"+`{"lists":null,"n":null}`, first)
	_, row, _ := strings.Cut(second, "\t")
	require.JSONEq(t, `{"lists":[null,{"values":null,"map":null},{"values":[null,1.5],"map":null},{"values":null,"map":{"":{"at":"2026-01-02T03:04:05.006Z"},"b":null}}],"n":null}`, row)
}

// TestParquetGroups reads a file of many groups and pages, from a file, from what is none, and
// compressed.
func TestParquetGroups(t *testing.T) {
	t.Parallel()
	type row struct {
		N    int64    `parquet:"n,delta"`
		Text *string  `parquet:"text,optional,dict,zstd"`
		Tags []string `parquet:"tags,list,snappy"`
	}
	rows := make([]row, 10_000)
	texts := []string{"a", "b", ""}
	for i := range rows {
		rows[i] = row{N: int64(i), Tags: texts[:i%3]}
		if i%3 > 0 {
			rows[i].Text = &texts[i%3]
		}
	}
	file := parquetFile(t, rows, parquet.MaxRowsPerRowGroup(999), parquet.PageBufferSize(512))
	for _, data := range [][]byte{file, compressed.Gzip(t, file)} {
		_, text, err := readSource(data)
		require.NoError(t, err)
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		require.Len(t, lines, len(rows))
		for i, line := range lines {
			require.Equal(t, Place{int64(i), int64(i) + 1}, PlaceOf(line))
			row, _ := Row(line)
			var got struct {
				N    int64
				Text *string
				Tags []string
			}
			require.NoError(t, json.Unmarshal(row, &got))
			require.EqualValues(t, i, got.N)
			require.Equal(t, rows[i].Text, got.Text)
			require.Equal(t, append([]string{}, rows[i].Tags...), got.Tags)
		}
	}
}

// TestDamagedParquet changes and cuts a file in each place: what comes of it is rows or an
// error, and not a panic.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	file := parquetFile(t, []nested{{}, {Lists: []*inner{{}}}}, parquet.Compression(&parquet.Uncompressed))
	for n := range file {
		if n >= len(parquetMagic) {
			_, err := parquetLines(file[:n])
			require.ErrorIs(t, err, ErrParquet, "cut to %d bytes", n)
		}
		for _, flip := range []byte{0xFF, 0x01, 0x80} {
			damaged := bytes.Clone(file)
			damaged[n] ^= flip
			if _, err := parquetLines(damaged); err != nil {
				require.ErrorIs(t, err, ErrParquet)
			}
		}
	}
	_, err := parquetLines(append(bytes.Clone(file[:len(file)-8]), "\xff\xff\xff\xffPAR1"...))
	require.ErrorContains(t, err, "its footer does not fit into it", "and no memory is taken for it")
	_, _, err = readSource([]byte("PAR1 x\nPAR1\n"))
	require.ErrorContains(t, err, "the Parquet file cannot be read: it is damaged or cut")
}

// FuzzParquet reads damaged files.
func FuzzParquet(f *testing.F) {
	one := 1.5
	f.Add(parquetFile(f, []nested{{}, {Lists: []*inner{{Values: []*float64{&one, nil}}}}}))
	f.Add(parquetFile(f, []call{{Raw: "{}"}, {Tags: []string{"x"}}}))
	f.Fuzz(func(t *testing.T, file []byte) {
		text, err := parquetLines(file)
		if err != nil {
			require.ErrorIs(t, err, ErrParquet)
			return
		}
		n := int64(0)
		for line := range strings.Lines(text) {
			n++
			require.Equal(t, Place{n - 1, n}, PlaceOf([]byte(line)))
		}
	})
}

// BenchmarkParquetRows reads rows as [BenchmarkJSONRows] has them.
func BenchmarkParquetRows(b *testing.B) {
	type row struct {
		ID        int64   `parquet:"id"`
		Role      string  `parquet:"role,dict"`
		Model     string  `parquet:"model,dict"`
		Content   string  `parquet:"content,snappy"`
		Tokens    *int32  `parquet:"tokens,optional"`
		Score     float64 `parquet:"score"`
		CreatedAt int64   `parquet:"created_at,timestamp(millisecond)"`
	}
	rows := make([]row, 20_000)
	tokens := int32(12)
	for i := range rows {
		rows[i] = row{int64(i), "assistant", "a-model", strings.Repeat("some text\n", 25), &tokens, 0.25, 1767225600000}
	}
	file := parquetFile(b, rows)
	text, err := parquetLines(file)
	require.NoError(b, err)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	buf := make([]byte, 2<<20)
	for b.Loop() {
		p, err := newParquetRows(bytes.NewReader(file), int64(len(file)))
		require.NoError(b, err)
		for err == nil {
			_, err = p.Read(buf)
		}
		require.ErrorIs(b, err, io.EOF)
	}
}
