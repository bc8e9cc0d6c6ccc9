package input

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// placedLine is a line that a reader has made: a row, or what is wrong with it.
type placedLine struct {
	at    Place
	row   []byte
	fault string
}

// placedLines takes apart what a reader has returned, whose rows stand at ascending places. The
// last line may be cut only if cut says so, and is left out then.
func placedLines(t *testing.T, text []byte, cut bool) (all []placedLine) {
	t.Helper()
	last := Place{Offset: -1}
	for line := range bytes.Lines(text) {
		ended := bytes.HasSuffix(line, newline)
		require.True(t, ended || cut, "%q", line)
		if !ended {
			break
		}
		p := placedLine{at: PlaceOf(line)}
		p.row, p.fault = Row(bytes.TrimSuffix(line, newline))
		require.True(t, p.at.Offset > last.Offset && p.at.Line >= last.Line && p.at.Line > 0, "%v behind %v", p.at, last)
		last = p.at
		all = append(all, p)
	}
	return all
}

// FuzzJSONRows compares the rows of arrays, of values on their own and below a path with what
// encoding/json finds there, however they are read.
func FuzzJSONRows(f *testing.F) {
	f.Add([]byte("[{\"a\":\"\\\\\\\"]\"},\n {\"b\":[1,{}]}, 2.5e3 , \"x\", null]\n"), "", 3)
	f.Add([]byte("{\n\"a\": 1}{\"b\":\"\\u0041\"}\n[{},[]]"), "", 1)
	f.Add([]byte("00"), "", 1)
	f.Add([]byte("0"), "a", 4)
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0a","startTimeUnixNano":"1767225600000000000"}]}]}]}`), "resourceSpans.0.scopeSpans.0.spans", 1)
	f.Add([]byte("{\"version\":3,\"results\":{\"results\":[\n{\"success\":true,\"latencyMs\":12},{}],\"stats\":{}}}"), "results.results", 2)
	f.Add([]byte(`{"eval":{"task":"t"},"samples":[{"id":1,"scores":{"match":{"value":"C"}}}],"reductions":[{"samples":[{}]}]}`), "samples", 3)
	f.Add([]byte(`{"a.b":[[1],{"\u0063":null}],"a.b":[0,{"c":{}}]} [] "x"`), `"a.b".1.c`, 4)
	f.Add([]byte(`[{"a":[{"b":[{}]},{"b":[{"x":1},{}]},{},[],{"b":3}]},{"a":{}}]`), "*.a.*.b", 3)
	f.Fuzz(func(t *testing.T, text []byte, path string, size int) {
		var at fact.Path
		if path != "" {
			var err error
			if at, err = fact.ParseRowsPath(path); err != nil {
				return
			}
		}
		got, err := io.ReadAll(newJSONRows(&steps{text, 1 + size&7}, at))
		lines := placedLines(t, got, true) // a row by itself may be cut
		want, valid := rowsBelow(text, at)
		if !valid {
			return
		}
		if err != nil {
			require.ErrorIs(t, err, ErrNotRows)
			require.Empty(t, want)
		}
		require.Len(t, lines, len(want), "%q", got)
		for i, line := range lines {
			require.Empty(t, line.fault)
			require.Equal(t, strings.ReplaceAll(string(want[i]), "\n", "\r"), string(line.row))
			require.True(t, bytes.HasPrefix(text[line.at.Offset:], want[i]))
			require.EqualValues(t, 1+bytes.Count(text[:line.at.Offset], newline), line.at.Line)
		}
	})
}

// rowsBelow finds the rows below a path in JSON values, if all are valid. Numbers and names at
// the top have to have something between them, which encoding/json does not ask for.
func rowsBelow(text []byte, path fact.Path) (rows []json.RawMessage, valid bool) {
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return rows, errors.Is(err, io.EOF)
		}
		if end := d.InputOffset(); isScalar(value[0]) && end < int64(len(text)) && !isSpace(text[end]) {
			return nil, false
		}
		rows = append(rows, below(value, path)...)
	}
}

func below(value json.RawMessage, path fact.Path) (rows []json.RawMessage) {
	var elements []json.RawMessage
	isArray := value[0] == '[' && json.Unmarshal(value, &elements) == nil
	switch {
	case len(path) == 0 && isArray:
		return elements
	case len(path) == 0:
		return []json.RawMessage{value}
	case path[0].Each:
		for _, element := range elements {
			rows = append(rows, below(element, path[1:])...)
		}
		return rows
	case path[0].InArray:
		if isArray && path[0].Index < len(elements) {
			return below(elements[path[0].Index], path[1:])
		}
		return nil
	case value[0] != '{':
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	for _, err := d.Token(); err == nil && d.More(); {
		var key json.Token
		var member json.RawMessage
		if key, err = d.Token(); err == nil {
			err = d.Decode(&member)
		}
		if err == nil && key == path[0].Key {
			rows = append(rows, below(member, path[1:])...)
		}
	}
	return rows
}

// FuzzCSV compares rows with what encoding/csv finds in the same text, cell by cell.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("text,number,time,bool,json,guessed\na,1,123,True,\"{\"\"a\"\":\n1}\",1.5\n\"x,\"\"y\r\n\",01,2026-01-01,no,,true\n"), false)
	f.Add([]byte("text\tjson\n\tq\n\"a\"b\t\n\xff\t1,2\n"), true)
	kindOf := func(key string) Cell {
		return map[byte]Cell{'n': CellNumber, 't': CellText, 'd': CellTime, 'b': CellBool, 'j': CellJSON, 'g': CellGuessed}[(key + "t")[0]]
	}
	f.Fuzz(func(t *testing.T, text []byte, tabs bool) {
		comma := ','
		if tabs {
			comma = '\t'
		}
		rows, err := newCSVRows(iotest.HalfReader(bytes.NewReader(text)), comma, 1<<20, kindOf)
		if err != nil {
			return
		}
		got, err := io.ReadAll(rows)
		require.NoError(t, err)
		lines := placedLines(t, got, false)
		want := csv.NewReader(bytes.NewReader(text))
		want.Comma = comma
		header, err := want.Read()
		require.NoError(t, err)
		for _, line := range lines {
			require.Equal(t, want.InputOffset(), line.at.Offset)
			record, err := want.Read()
			if err != nil {
				require.NotEmpty(t, line.fault, "%v", err)
				continue
			}
			number, _ := want.FieldPos(0)
			require.EqualValues(t, number, line.at.Line)
			requireCells(t, line, header, record, kindOf)
		}
		_, err = want.Read()
		require.ErrorIs(t, err, io.EOF)
	})
}

// requireCells compares a row with the cells that it was made of.
func requireCells(t *testing.T, line placedLine, header, record []string, kindOf func(string) Cell) {
	t.Helper()
	bad := 0
	for i, cell := range record {
		if !utf8.ValidString(cell) || cell != "" && kindOf(header[i]) == CellJSON && !json.Valid([]byte(cell)) {
			bad++
		}
	}
	require.Equal(t, bad > 0, line.fault != "", "%q: %s", record, line.fault)
	if bad > 0 {
		return
	}
	var row map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(line.row, &row), "%q", line.row)
	filled := 0
	for i, cell := range record {
		value, there := row[header[i]]
		require.Equal(t, cell != "", there)
		if !there {
			continue
		}
		filled++
		var s string
		switch {
		case kindOf(header[i]) == CellJSON:
			require.Equal(t, strings.TrimSpace(strings.ReplaceAll(cell, "\n", "\r")), string(value))
		case json.Unmarshal(value, &s) == nil:
			require.Equal(t, cell, s)
		case kindOf(header[i]) == CellBool:
			require.Equal(t, strings.ToLower(cell), string(value))
		default: // a number, true or false, as it stands
			require.NotEqual(t, CellText, kindOf(header[i]))
			require.Equal(t, cell, string(value))
		}
	}
	require.Len(t, row, filled)
}

// FuzzEvals compares facts with the lines of the log that they were made of.
func FuzzEvals(f *testing.F) {
	f.Add([]byte(`{"spec":{"completion_fns":["m"],"eval_name":"e","run_id":"r","created_at":"2026-01-01 00:00:00"}}` + "\n" +
		`{"run_id":"r","event_id":0,"sample_id":"s","type":"sampling","data":{"prompt":"p","sampled":["a"]},"created_at":"2026-01-01 00:00:01.5"}` + "\n" +
		`{"run_id":"r","event_id":1,"sample_id":"s","type":"match","data":{"correct":true,"expected":"a"}}` + "\nx\n" +
		`{"run_id":"r","event_id":2,"sample_id":"t","type":"metrics","data":{"score":0.25}}` + "\n" + `{"final_report":{"accuracy":1.0}}`))
	f.Add([]byte(`{"spec":null}` + "\n" + `{"spec":{}}` + "\n" + `{"type":"error","data":null}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		got, err := io.ReadAll(newEvalsRows(iotest.HalfReader(bytes.NewReader(log)), 1<<20))
		require.NoError(t, err)
		for _, line := range placedLines(t, got, false) {
			require.True(t, line.at.Offset == 0 || log[line.at.Offset-1] == '\n')
			if line.fault != "" {
				continue
			}
			var have struct {
				Schema, ID string
				Data       map[string]any
			}
			require.NoError(t, json.Unmarshal(line.row, &have))
			text, _, _ := bytes.Cut(log[line.at.Offset:], newline)
			var event struct {
				evalsEvent
				FinalReport json.RawMessage `json:"final_report"`
			}
			require.NoError(t, json.Unmarshal(text, &event))
			payload := []byte(event.FinalReport)
			if have.Schema == "eval_result" {
				payload = event.Data
				require.Equal(t, event.RunID+"/"+event.EventID.String(), have.ID)
				require.Equal(t, event.SampleID, have.Data["case_id"])
			} else {
				require.Equal(t, "eval_run", have.Schema)
			}
			var want any
			require.NoError(t, json.Unmarshal(payload, &want))
			require.Equal(t, want, have.Data["payload"])
		}
	})
}

// FuzzZip compares a file in an archive with the same file by itself, and reads archives that
// are damaged.
func FuzzZip(f *testing.F) {
	f.Add([]byte("{\"id\":1}\n{\"id\":2}\n"), "a.jsonl", uint16(8), 0, byte(0))
	f.Add([]byte("[{\"id\":1},\n{}]"), "d/b.json", uint16(0), 40, byte(1))
	f.Add([]byte("id,text\n1,x\n"), "c.csv", uint16(8), 90, byte(0xFF))
	form := Form{MaxLine: 1 << 20, Cell: func(key string) (Cell, bool) { return CellGuessed, key == "id" }}
	f.Fuzz(func(t *testing.T, content []byte, name string, method uint16, at int, flip byte) {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		member, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method & zip.Deflate})
		if err != nil || !utf8.ValidString(name) || strings.HasSuffix(name, "/") || len(name) > 100 || isHiddenMember(name) {
			return
		}
		_, err = member.Write(content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		dir := t.TempDir()
		write := func(name string, data []byte) string {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			return path
		}
		want, wantErr := readAll(t, &File{Name: name, Path: write("plain", content)}, form)
		archive := b.Bytes()
		files, err := Expand([]string{write("a.zip", archive)}, "")
		require.NoError(t, err)
		require.Len(t, files, 1)
		got, err := readAll(t, files[0], form)
		require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err))
		require.Equal(t, string(want), string(got))

		archive[max(0, at)%len(archive)] ^= flip
		if files, err = Expand([]string{write("b.zip", archive)}, ""); err != nil {
			return
		}
		for _, in := range files {
			_, _ = readAll(t, in, form) // must end
		}
	})
}

// readAll opens an input and reads all of it.
func readAll(t *testing.T, in *File, form Form) ([]byte, error) {
	t.Helper()
	var n atomic.Int64
	s, err := Open(t.Context(), in, nil, &n, form)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(s)
	return text, errors.Join(err, s.Close())
}

// FuzzParquetValues compares what is read of a file with what was written.
func FuzzParquetValues(f *testing.F) {
	f.Add("a", "\xff", []byte("12345678"), byte(3))
	f.Add("", "b\n", binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.1)), byte(0))
	f.Fuzz(func(t *testing.T, a, b string, bits []byte, n byte) {
		if len(bits) != 8 {
			return
		}
		v := binary.LittleEndian.Uint64(bits)
		want := call{
			ID: a, I8: int8(v), U32: uint32(v), I64: int64(v), U64: v, F32: math.Float32frombits(uint32(v)), F64: math.Float64frombits(v),
			Cost: int64(v), At: int64(v) >> 8, Raw: "{}", Tags: []string{a, b}[:n%3], Counts: map[string]int32{b: int32(v)},
		}
		text, err := parquetLines(parquetFile(t, []call{want}))
		require.NoError(t, err)
		line := placedLines(t, []byte(text), false)[0]
		if !utf8.ValidString(a+b) || math.IsNaN(float64(want.F32)) || math.IsInf(float64(want.F32), 0) || math.IsNaN(want.F64) || math.IsInf(want.F64, 0) {
			return // a fault, or what JSON does not have
		}
		if line.fault != "" {
			require.Contains(t, line.fault, "the year")
			return
		}
		var got struct {
			ID     string
			I8     int8
			U32    uint32
			I64    int64
			U64    uint64
			F32    float32
			F64    float64
			Cost   json.Number
			At     time.Time
			Tags   []string
			Counts map[string]int32
		}
		require.NoError(t, json.Unmarshal(line.row, &got), "%q", line.row)
		require.Equal(t, []any{want.ID, want.I8, want.U32, want.I64, want.U64, want.F32, want.F64}, []any{got.ID, got.I8, got.U32, got.I64, got.U64, got.F32, got.F64})
		cost := strings.Replace(got.Cost.String(), ".", "", 1)
		require.Equal(t, fmt.Sprint(want.Cost), trimZeros(cost))
		require.Equal(t, want.At, got.At.UnixMicro())
		require.Equal(t, append([]string{}, want.Tags...), got.Tags)
		require.Equal(t, want.Counts, got.Counts)
	})
}

// trimZeros returns digits without zeros in front.
func trimZeros(digits string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return sign + digits
}
