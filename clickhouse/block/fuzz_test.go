package block

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// addRows seeds a fuzz test with all value cases as rows of everything, and
// with the row cases.
func addRows(f *testing.F) {
	f.Helper()
	s := everything()
	for i, tc := range allCases {
		for _, c := range tc.cases {
			if c.json != "" && len(c.json) < 2000 {
				f.Add([]byte(`{"` + s.Fields[i].Name + `":` + c.json + `}`))
			}
		}
	}
	for _, c := range rowCases {
		f.Add([]byte(c.line))
	}
	f.Add([]byte(` {"f00":"a" , "f01":"b\n", "f04" :true,"f19":1.5,"f22":"low","f23":{"a":"b"},"f24":[1,{"a":null}],"f26":{"a":{"b":1}},"f27":["x"]} `))
}

// FuzzAppendJSON compares AppendJSON with the reference: both take or refuse a
// row, and store the same. A refused row leaves nothing behind.
func FuzzAppendJSON(f *testing.F) {
	addRows(f)
	const depth = 40
	schema := everything()
	layout, err := Compile(schema, Options{MaxDepth: depth})
	require.NoError(f, err)
	block := layout.NewBlock()
	require.NoError(f, block.AppendJSON([]byte(`{"f00":"before","f01":"before"}`)))
	require.NoError(f, block.AppendJSON([]byte(`{"f27":["before"],"f28":["before"],"f23":{"b":"efore"}}`)))
	before, size := encoded(block), block.Bytes()
	f.Fuzz(func(t *testing.T, line []byte) {
		want, ok := refRow(line, depth)
		stored := make(map[int]string)
		for _, p := range want {
			i, known := layout.containers[0].index[p.key]
			if ok = ok && known; !ok {
				break
			}
			if stored[i], ok = refValue(schema.Fields[i], p.raw); !ok {
				break
			}
		}
		err := block.AppendJSON(line)
		require.Equal(t, ok, err == nil, "%v", err)
		if err != nil {
			require.NotEqual(t, "other", Reason(err))
			require.Less(t, len(err.Error()), 1000)
			require.Equal(t, before, encoded(block))
			require.Equal(t, size, block.Bytes())
			return
		}
		for i, v := range stored {
			require.Equal(t, v, values(t, block, i)[2], schema.Fields[i].Name)
		}
		block.Truncate(2)
		require.Equal(t, before, encoded(block))
		require.Equal(t, size, block.Bytes())
	})
}

// FuzzPolicies compares the policies for unknown keys: they agree on rows
// without any, and collecting keeps everything.
func FuzzPolicies(f *testing.F) {
	addRows(f)
	schema := fact.Schema{Name: "s", Fields: []fact.Field{{Name: "f00", Type: fact.JSON, Nullable: true}, {Name: "rest", Type: fact.JSON}}}
	ignore, err := Compile(schema, Options{UnknownKeys: IgnoreUnknown})
	require.NoError(f, err)
	collect, err := Compile(schema, Options{UnknownKeys: CollectUnknown, CollectInto: "rest"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, line []byte) {
		pairs, ok := refRow(line, DefaultMaxDepth)
		rest, rests := "{", 0
		own := false
		for _, p := range pairs {
			switch p.key {
			case "f00":
			case "rest":
				own = true
				ok = ok && string(p.raw) != "null"
			default:
				rests++
			}
		}
		a, b := ignore.NewBlock(), collect.NewBlock()
		errIgnore, errCollect := a.AppendJSON(line), b.AppendJSON(line)
		require.Equal(t, ok, errIgnore == nil, "%v", errIgnore)
		require.Equal(t, ok && (!own || rests == 0), errCollect == nil, "%v", errCollect)
		if errCollect != nil || rests == 0 {
			return
		}
		got, err := strconv.Unquote(values(t, b, 1)[0])
		require.NoError(t, err)
		back, ok := refRow([]byte(got), DefaultMaxDepth)
		require.True(t, ok, got)
		for _, p := range pairs {
			if p.key != "f00" {
				require.Equal(t, p, back[0])
				back = back[1:]
			}
		}
		require.Empty(t, back, rest)
	})
}

// FuzzSkip compares the scanner's own check of JSON with encoding/json.
func FuzzSkip(f *testing.F) {
	addRows(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newScanner(DefaultMaxDepth)
		s.reset(text)
		s.space()
		err := s.skip()
		s.space()
		require.Equal(t, refText(text, DefaultMaxDepth), err == nil && s.pos == len(text), "%v", err)
		require.True(t, err != nil || s.base == 0)
	})
}

// FuzzString compares strings with encoding/json, at every offset to the words
// that the scanner reads.
func FuzzString(f *testing.F) {
	for _, c := range stringCases {
		f.Add([]byte(c.json), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, shift int) {
		if len(text) == 0 || text[0] != '"' {
			return
		}
		data := append(bytes.Repeat([]byte{' '}, shift&15), text...)
		var want string
		ok := refText(text, 1) && json.Unmarshal(text, &want) == nil
		s := newScanner(1)
		s.reset(data)
		s.pos = shift & 15
		var list wireStrings
		list.pushString("before")
		err := list.pushJSON(s)
		require.Equal(t, ok, err == nil && len(bytes.TrimSpace(data[s.pos:])) == 0, "%v", err)
		if ok {
			require.Equal(t, want, string(list.at(1)))
			s.pos = shift & 15
			v, err := s.text()
			require.NoError(t, err)
			require.Equal(t, want, string(v))
			s.pos = shift & 15
			require.NoError(t, s.skipString())
		}
		if err != nil {
			list.truncate(1)
			require.Equal(t, 1, list.len())
		}
		require.Equal(t, "before", string(list.at(0)))
	})
}

// FuzzNumber compares all number types with math/big and strconv.
func FuzzNumber(f *testing.F) {
	fields := []fact.Field{
		{Type: fact.UInt8},
		{Type: fact.UInt64},
		{Type: fact.Int8},
		{Type: fact.Int16},
		{Type: fact.Int32},
		{Type: fact.Int64},
		{Type: fact.Float32},
		{Type: fact.Float64},
		{Type: fact.DateTime64},
		{Type: fact.Decimal, Precision: 9, Scale: 2},
		{Type: fact.Decimal, Precision: 18, Scale: 0},
		{Type: fact.Decimal, Precision: 38, Scale: 19},
		{Type: fact.Decimal, Precision: 38, Scale: 38},
	}
	var blocks []*Block
	for i := range fields {
		fields[i].Name = "x"
		blocks = append(blocks, newBlock(f, oneField(fields[i]), Options{}))
	}
	for _, tc := range allCases {
		for _, c := range tc.cases {
			if c.json != "" && len(c.json) < 100 {
				f.Add(c.json)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !refText([]byte(text), 10) {
			return
		}
		trimmed := bytes.Trim([]byte(text), " \t\r\n")
		for i, b := range blocks {
			want, ok := refValue(fields[i], trimmed)
			err := b.AppendJSON(row(text))
			require.Equal(t, ok, err == nil, "%v: %v", fields[i], err)
			if ok {
				require.Equal(t, want, lastValue(t, b), "%v", fields[i])
				b.Reset()
			}
		}
	})
}

// FuzzTime compares timestamps with package time.
func FuzzTime(f *testing.F) {
	for _, tc := range [][]valueCase{dateTimeCases, dateCases} {
		for _, c := range tc {
			if len(c.json) > 2 {
				f.Add(c.json[1 : len(c.json)-1])
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, ok := refClock(text)
		at, got := parseTime([]byte(text))
		require.Equal(t, ok, got)
		if ok {
			require.Equal(t, instant{want.Unix(), int64(want.Nanosecond())}, at)
		}
	})
}

// FuzzGoNumbers compares Go numbers with their JSON.
func FuzzGoNumbers(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 0.1, 1 << 53, 1<<53 + 2, 1 << 60, 1 << 63, 1 << 64, 1e22, 1e300, 1.000000178813934326171875, math.MaxFloat32, math.SmallestNonzeroFloat64} {
		f.Add(math.Float64bits(v))
	}
	var blocks []*Block
	for _, field := range []fact.Field{
		{Type: fact.UInt8},
		{Type: fact.Int32},
		{Type: fact.Int64},
		{Type: fact.UInt64},
		{Type: fact.Float32},
		{Type: fact.Float64},
		{Type: fact.DateTime64},
		{Type: fact.Decimal, Precision: 18, Scale: 4},
		{Type: fact.Decimal, Precision: 38, Scale: 10},
		{Type: fact.JSON},
	} {
		blocks = append(blocks, newBlock(f, oneField(field), Options{}))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		for _, v := range []any{
			math.Float64frombits(bits), math.Float32frombits(uint32(bits)), int64(bits), int32(bits), int8(bits), bits, uint32(bits), uint16(bits),
		} {
			text, err := json.Marshal(v)
			for _, b := range blocks {
				b.Reset()
				errGo := b.AppendFact("", map[string]any{"x": v})
				if err != nil { // NaN and infinities
					require.Error(t, errGo)
					continue
				}
				errJSON := b.AppendJSON(row(string(text)))
				if errors.As(errGo, new(*fact.FactError)) {
					require.ErrorContains(t, errGo, "too large to be an exact integer")
					continue
				}
				require.Equal(t, Reason(errJSON), Reason(errGo), "%T %v", v, v)
				if errGo == nil {
					got := values(t, b, 0)
					require.Equal(t, got[1], got[0], "%T %v as %s", v, v, text)
				}
			}
		}
	})
}

// FuzzGoText compares Go strings with their JSON in every field.
func FuzzGoText(f *testing.F) {
	for _, tc := range allCases {
		for _, c := range tc.cases {
			var s string
			if json.Unmarshal([]byte(c.json), &s) == nil {
				f.Add(s)
			}
		}
	}
	var blocks []*Block
	for _, tc := range allCases {
		blocks = append(blocks, newBlock(f, oneField(tc.field), Options{}))
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		for _, b := range blocks {
			if b.layout.schema.Fields[0].Type == fact.JSON {
				continue // there, a string is not its JSON
			}
			b.Reset()
			errGo := b.AppendFact("", map[string]any{"x": s})
			errJSON := b.AppendJSON(row(string(text)))
			if bytes.Contains(text, []byte(`\ufffd`)) || bytes.Contains(text, []byte(`\u00`)) || bytes.Contains(text, []byte(`\u20`)) {
				continue // text that is not UTF-8 or that json.Marshal escapes more than we do
			}
			require.Equal(t, Reason(errJSON), Reason(errGo), "%q", s)
			if errGo == nil {
				got := values(t, b, 0)
				require.Equal(t, got[1], got[0], "%q", s)
			}
		}
	})
}

// TestEveryDay compares all days that a field can hold with package time.
func TestEveryDay(t *testing.T) {
	t.Parallel()
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for day.Year() < 10_000 {
		at, ok := parseTime([]byte(day.Format(time.DateOnly)))
		if want := (instant{sec: day.Unix()}); !ok || at != want {
			require.Equal(t, want, at, day)
		}
		day = day.AddDate(0, 0, 1)
	}
	for year := range 10_000 {
		for month := range 14 {
			for d := 28; d <= 32; d++ {
				text := []byte(strconv.Itoa(10_000 + year)[1:] + "-" + strconv.Itoa(100 + month)[1:] + "-" + strconv.Itoa(100 + d)[1:])
				_, err := time.Parse(time.DateOnly, string(text))
				if _, ok := parseTime(text); ok != (err == nil) {
					require.Equal(t, err == nil, ok, string(text))
				}
			}
		}
	}
}
