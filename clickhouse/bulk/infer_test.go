package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
	"github.com/factload/factload/schemas"
	"github.com/factload/factload/schemas/infer"
)

// inferredBlock returns a block of the schema that is inferred, read back from its file.
func inferredBlock(t *testing.T, in *infer.Builder) (b *block.Block, yaml string) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, in.WriteYAML(&text, "inferred"))
	defs, err := schemas.Parse("inferred.yaml", text.Bytes())
	require.NoError(t, err, text.String())
	layout, err := block.Compile(defs[0].Schema, block.Options{})
	require.NoError(t, err, text.String())
	return layout.NewBlock(), text.String()
}

// scalars are values by what they may be taken for.
var scalars = map[string][]string{
	"bool":   {"true", "false"},
	"int":    {"0", "-0", "1", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"},
	"uint":   {"0", "-0", "9223372036854775808", "18446744073709551615"},
	"wide":   {"18446744073709551616", "-9223372036854775809", "1" + strings.Repeat("0", 400)},
	"float":  {"0.5", "1e3", "3.0", "1E-400", "1.7976931348623157e308", "-0.0", "0.1000000000000000055511151231257827"},
	"huge":   {"1e309", "-1.8e308", "1e99999999999999999999"},
	"time":   {`"2026-01-02T03:04:05Z"`, `"2026-01-02 03:04:05.123456789"`, `"1900-01-01T00:00:00"`, `"2299-12-31T23:59:59.9999+00:00"`, `"2024-02-29T23:59:59-23:59"`, `"2026\u002d01-02T03:04:05Z"`},
	"notime": {`"2026-01-02T24:00:00Z"`, `"1899-12-31T23:59:59.999"`, `"2300-01-01T00:00:00+00:00"`, `"2299-12-31T23:59:59-00:01"`, `"2026-01-02T03:04:60Z"`, `"2026-01-02T03:04:05.1234567890Z"`, `"2026-01-02T03:04:05.Z"`, `"2026-01-02T03:04:05z"`, `"2026-01-02T03:04:05+24:00"`, `"2026-01-02t03:04:05"`, `"2026-1-2T03:04:05"`, `"2026-01-02T3:04:05Z"`, `"2026-01-02T03:04:05,1Z"`, `"0000-01-01T00:00:00"`, `"2026-01-02T03:04:05 Z"`, `"2026-01-02 03:04:05 CET"`, `"2023-02-29T00:00:00"`},
	"date":   {`"1970-01-01"`, `"2149-06-06"`, `"2024-02-29"`},
	"nodate": {`"1969-12-31"`, `"2149-06-07"`, `"2023-02-29"`, `"2026-1-02"`, `"20260102"`},
	"uuid":   {`"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`, `"00000000-0000-0000-0000-000000000000"`},
	"nouuid": {`"61F0C404-5cb3-11e7-907b-a6006ad3dba0"`, `"61f0c4045cb311e7907ba6006ad3dba0"`, `"61f0c404-5cb3-11e7-907b-a6006ad3dbag"`},
	"text":   {`""`, `"a"`, `"\ud83d\ude00"`, `"b\u0000"`, `"é"`, `"12"`},
	"object": {`{}`, `{"a":1,"a":null}`, `{"b":[1,{}]}`},
	"nested": {`{}`, `{"x":1}`, `{"x":2,"y":{"z":"1760000001"}}`, `{"y":{"z":"1760000002","at":1760000003.5}}`, `{"y":null}`, `{"x":1,"y":{"x":NaN}}`, `{"y":{"x":3,"":"\ud83d"}}`},
	"nan":    {"NaN", "-Infinity", "Infinity", `[{"a":NaN}]`},
	"half":   {`"\ud83d"`, `"a\udc00"`, `["\ud83d"]`},
	"quoted": {`"1"`, `"-12"`, `"1.5"`, `"NaN"`, `"9223372036854775807"`, `"1234567890123456789"`},
	"s":      {"1760000001", "1760000001.255", "1760000001.123456", `"1760000001"`, "1.760000001e9"},
	"ns":     {"1760000001255000001", `"1760000001255000000"`, "1760000001255000000"},
	"null":   {"null"},
}

// profile returns a maker of values that mostly have something in common.
func profile(r *rand.Rand) func() string {
	kinds := []string{"bool", "int", "uint", "wide", "float", "huge", "time", "notime", "date", "nodate", "uuid", "nouuid", "text", "object", "null", "nested", "nested", "nan", "half", "quoted", "s", "ns"}
	chosen := make([]string, 1+r.IntN(2)*r.IntN(3))
	for i := range chosen {
		chosen[i] = kinds[r.IntN(len(kinds))]
	}
	nulls, lists := r.IntN(4) == 0, r.IntN(4)
	one := func() string {
		if nulls && r.IntN(5) == 0 {
			return "null"
		}
		of := scalars[chosen[r.IntN(len(chosen))]]
		return of[r.IntN(len(of))]
	}
	return func() string {
		if lists != 0 && (lists != 1 || r.IntN(3) != 0) {
			return one()
		}
		elements := make([]string, r.IntN(4))
		for i := range elements {
			elements[i] = one()
		}
		return "[" + strings.Join(elements, " , ") + "]"
	}
}

var fieldNames = []string{"id", "run_id", "at", "role", "a.b", "a.c", "a: b", "true!", "12", "\\n", "\\u2028", "null", "it's", "日本", "true", "", "score", "created_at", "t", "a", "x"}

// randomRows returns rows whose keys have a profile each.
func randomRows(r *rand.Rand) []string {
	makers := make(map[string]func() string)
	rare := make(map[string]bool)
	for _, name := range fieldNames {
		if r.IntN(3) > 0 {
			makers[name], rare[name] = profile(r), r.IntN(3) == 0
		}
	}
	rows := make([]string, 1+r.IntN(40))
	for i := range rows {
		var pairs []string
		for _, name := range fieldNames {
			if makers[name] != nil && (!rare[name] || r.IntN(4) == 0) {
				pairs = append(pairs, `"`+name+`" : `+makers[name]())
			}
		}
		r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		rows[i] = "{" + strings.Join(pairs, ",") + "}"
	}
	return rows
}

// An inferred schema takes every row that it was inferred from.
func TestSoakInferredSchemaTakesItsRows(t *testing.T) {
	t.Parallel()
	types := make(map[fact.FieldType]int)
	trials := soak.Trials(t, 200, 1000)
	for seed := range trials {
		rows := randomRows(rand.New(rand.NewPCG(uint64(seed), 1)))
		var in infer.Builder
		for _, row := range rows {
			require.NoError(t, in.Add([]byte(row)), row)
		}
		def, err := in.Definition("inferred")
		if errors.Is(err, infer.ErrNothingToInfer) {
			continue
		}
		require.NoError(t, err)
		for _, f := range def.Schema.Fields {
			types[f.Type]++
		}
		b, yaml := inferredBlock(t, &in)
		for _, row := range rows {
			require.NoError(t, b.AppendJSON([]byte(row)), "seed %d\n%s\n%s", seed, row, yaml)
		}
	}
	for _, kind := range []fact.FieldType{fact.Bool, fact.Int64, fact.UInt64, fact.Float64, fact.DateTime64, fact.Date, fact.UUID, fact.LowCardinalityString, fact.String, fact.JSON} {
		require.Greater(t, types[kind], trials/40, "%v is hardly tried: %v", kind, types)
	}
}

// A line is a row for an inference if it is one for a load, and then the schema takes it.
func FuzzInfer(f *testing.F) {
	for seed := range uint64(10) {
		rows := randomRows(rand.New(rand.NewPCG(seed, 2)))
		f.Add([]byte(rows[0]), []byte(rows[len(rows)-1]))
	}
	for _, line := range []string{`{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`, "{\"a\":\"\xff\"}", `{"a":1}x`, ` [1]`, `null`, `{"":1}`, `{"a\u0000":1}`, `{"nan":1}`, strings.Repeat(`{"a":`, 512) + "1" + strings.Repeat("}", 512), strings.Repeat(`{"a":`, 513) + "1" + strings.Repeat("}", 513)} {
		f.Add([]byte(line), []byte(`{"a":{"b":[]}}`))
	}
	rest := fact.Field{Name: "nobody's", Type: fact.JSON, NaNIsNull: true, ReplaceSurrogates: true}
	anything, err := block.Compile(fact.Schema{Name: "any", Fields: []fact.Field{rest}}, block.Options{UnknownKeys: block.CollectUnknown, CollectInto: rest.Name})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var in infer.Builder
		var rows [][]byte
		for _, line := range [][]byte{first, second} {
			switch err := in.Add(line); {
			case err == nil:
				rows = append(rows, line)
				require.NoError(t, anything.NewBlock().AppendJSON(line))
			case errors.Is(err, infer.ErrNotARow):
				require.Error(t, anything.NewBlock().AppendJSON(line), "%v", err)
			default:
				require.ErrorIs(t, err, infer.ErrTooManyFields)
			}
		}
		if _, err := in.Definition("inferred"); err != nil {
			require.ErrorIs(t, err, infer.ErrNothingToInfer)
			return
		}
		b, yaml := inferredBlock(t, &in)
		for _, row := range rows {
			require.NoError(t, b.AppendJSON(row), "%s\n%s", row, yaml)
		}
	})
}

// Files of your own load with what is inferred from them.
func TestInferRealData(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("FACTLOAD_TEST_DATA")
	if dir == "" {
		t.Skip("no real data here: set FACTLOAD_TEST_DATA")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			var in infer.Builder
			left := int64(0)
			for line, err := range Lines(t.Context(), []string{file}, nil, DefaultMaxLineBytes) {
				if err == nil {
					err = in.Add(line.Text)
				}
				if errors.Is(err, ErrLineTooLong) || errors.Is(err, infer.ErrNotARow) {
					left++
					continue
				}
				require.NoError(t, err)
			}
			_, yaml := inferredBlock(t, &in)
			defs, err := schemas.Parse("inferred.yaml", []byte(yaml))
			require.NoError(t, err)
			r := newRoom(t)
			cfg := r.config(file)
			cfg.Schema, cfg.ChunkBytes = "inferred", 64<<10
			cfg.Targets = map[string]Target{"inferred": {Schema: defs[0].Schema, Table: defs[0].Table}}
			sum := r.load(cfg)
			require.Equal(t, left, sum.Rejected, "%v\n%s", sum.FirstRejects, yaml)
			require.Equal(t, in.Rows(), sum.Rows)
			require.Equal(t, fmt.Sprint(sum.Rows), r.Query(t, "SELECT count() FROM inferred"))
			require.Equal(t, sum.Rows, r.load(cfg).SkippedRows)
		})
	}
}
