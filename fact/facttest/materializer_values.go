package facttest

import (
	"encoding/json"
	"maps"
	"math"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// sample is values of one type.
type sample struct {
	field  fact.Field // its Type and what belongs to it
	values []any      // as they are given
	zero   any        // what a missing key becomes
	noNull bool       // cannot be Nullable
	noList bool       // cannot be an Array
}

// samples has the edges of every type. A new type needs a line here.
func samples() map[fact.FieldType]sample {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("", 3600))
	epoch := time.Unix(0, 0).UTC()
	text := []any{"", "a\"b\\\n\tc", "ü 日本 🙂", "\x00", "NULL", `\N`, "2026-01-01"}
	return map[fact.FieldType]sample{
		fact.String:               {values: text, zero: ""},
		fact.LowCardinalityString: {values: text, zero: ""},
		fact.Bool:                 {values: []any{true, false}, zero: false},
		fact.UInt8:                {values: []any{0, uint8(math.MaxUint8), 3.0}, zero: 0},
		fact.UInt16:               {values: []any{0, math.MaxUint16, json.Number("1e3")}, zero: 0},
		fact.UInt32:               {values: []any{int64(0), uint32(math.MaxUint32)}, zero: 0},
		fact.UInt64:               {values: []any{uint64(math.MaxUint64), json.Number("18446744073709551614"), 1<<53 + 1}, zero: 0},
		fact.Int8:                 {values: []any{math.MinInt8, int8(math.MaxInt8)}, zero: 0},
		fact.Int16:                {values: []any{math.MinInt16, math.MaxInt16}, zero: 0},
		fact.Int32:                {values: []any{math.MinInt32, int32(math.MaxInt32)}, zero: 0},
		fact.Int64:                {values: []any{int64(math.MinInt64), int64(math.MaxInt64), json.Number("9007199254740993")}, zero: 0},
		fact.Float32:              {values: []any{float32(0.1), -1.5, 0, math.MaxFloat32}, zero: 0},
		fact.Float64:              {values: []any{0.1, -1e300, 5e-324, 7, json.Number("0.30000000000000004")}, zero: 0},
		fact.DateTime64:           {values: []any{at, "2026-02-03T04:05:06.7Z", "2026-02-03 04:05:06", "1900-01-01T00:00:00Z", "2299-12-31T23:59:59.999Z"}, zero: epoch},
		fact.Date:                 {values: []any{"2026-02-03", "1970-01-01", "2149-06-06"}, zero: "1970-01-01"},
		fact.UUID:                 {values: []any{"61f0c404-5cb3-11e7-907b-a6006ad3dba0", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"}, zero: "00000000-0000-0000-0000-000000000000"},
		fact.Decimal: {
			field:  fact.Field{Precision: 38, Scale: 4},
			values: []any{"9999999999999999999999999999999999.9999", json.Number("-0.0001"), 12, 1.5}, zero: 0,
		},
		fact.Enum: {field: fact.Field{Values: []string{"first", "it's", "ü"}}, values: []any{"it's", "ü", "first"}, zero: "first"},
		fact.JSON: {values: []any{
			map[string]any{"k": []any{1, "x", nil, map[string]any{}}},
			[]int{1, 2},
			json.RawMessage(`"text"`), 1.5, true,
			json.RawMessage(`{"big":123456789012345678901234567890}`),
		}, zero: map[string]any{}},
		fact.NativeJSON: {values: []any{map[string]any{"a": map[string]any{"b": 1}, "s": "x"}}, zero: map[string]any{}, noNull: true, noList: true},
		fact.StringMap:  {values: []any{map[string]string{"k": "v", "": "ü"}, map[string]any{"a": "b"}}, zero: map[string]any{}, noNull: true, noList: true},
	}
}

// everyType returns a schema with fields of every type, plain, nullable and as
// a list, and the samples by the name of the field's type.
func everyType(s *subject) (fact.Schema, map[string]sample) {
	s.Helper()
	schema := fact.Schema{Name: "every type", OrderBy: []string{"n"}, Fields: []fact.Field{{Name: "n", Type: fact.UInt32}}}
	all, byName := samples(), make(map[string]sample)
	for _, t := range fact.FieldTypes() {
		sample, ok := all[t]
		require.True(s, ok, "no samples of %v", t)
		f := sample.field
		f.Type, f.Name = t, t.String()
		byName[f.Name] = sample
		schema.Fields = append(schema.Fields, f)
		if !sample.noNull {
			f.Name, f.Nullable = t.String()+" or null", true
			schema.Fields = append(schema.Fields, f)
		}
		if !sample.noList {
			f.Name, f.Nullable, f.Array = t.String()+" list", false, true
			schema.Fields = append(schema.Fields, f)
		}
	}
	return schema, byName
}

// ruleEveryType stores rows until each sample has been in the plain and in the
// nullable field of its type, and in a list.
func ruleEveryType(s *subject) {
	const rows = 7
	schema, samples := everyType(s)
	m := s.ready(schema)
	var facts []fact.Fact
	for n := range rows {
		values := map[string]any{"n": n}
		for name, sample := range samples {
			values[name] = sample.values[n%len(sample.values)]
			if !sample.noNull {
				values[name+" or null"] = sample.values[n%len(sample.values)]
			}
			if !sample.noList {
				values[name+" list"] = sample.values[:n%(len(sample.values)+1)]
			}
		}
		facts = append(facts, fact.Fact{Schema: schema.Name, Data: values})
	}
	nulls := maps.Clone(facts[0].Data)
	for _, f := range schema.Fields {
		if f.Nullable {
			nulls[f.Name] = nil
		}
	}
	facts = append(facts, fact.Fact{Schema: schema.Name, Data: nulls})
	require.NoError(s, s.materialize(m, facts...))
	s.stored(schema, data(facts...)...)
}

func ruleMissingKeys(s *subject) {
	schema, samples := everyType(s)
	schema.Fields = append(schema.Fields,
		fact.Field{Name: "answer", Type: fact.Int32, Default: 42},
		fact.Field{Name: "nullable answer", Type: fact.Int32, Nullable: true, Default: 43},
		fact.Field{Name: "who", Type: fact.LowCardinalityString, Default: "it's \"me\""})
	m := s.ready(schema)
	require.NoError(s, s.materialize(m, fact.Fact{Schema: schema.Name, Data: map[string]any{"n": 7}}))
	want := map[string]any{"n": 7, "answer": 42, "nullable answer": 43, "who": "it's \"me\""}
	for name, sample := range samples {
		want[name] = sample.zero
		if !sample.noList {
			want[name+" list"] = []any{}
		}
	}
	s.stored(schema, want)
}
