package ddl_test

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// goldenCase is a table whose statement is kept in testdata/create.
type goldenCase struct {
	name    string
	schema  fact.Schema
	options ddl.Options
}

// goldenCases cover every type in every combination, and every option.
func goldenCases() []goldenCase {
	id := fact.Field{Name: "id", Type: fact.String}
	created := fact.Field{Name: "created_at", Type: fact.DateTime64}
	withID := func(name string, fields ...fact.Field) fact.Schema {
		return fact.Schema{Name: name, Fields: append([]fact.Field{id}, fields...), OrderBy: []string{"id"}}
	}
	return []goldenCase{
		{name: "message", schema: messageSchema()},
		{name: "types", schema: typesSchema("types", func(fact.Field) (fact.Field, bool) { return fact.Field{}, false })},
		{name: "types_nullable", schema: typesSchema("types_nullable", nullable)},
		{name: "types_array", schema: typesSchema("types_array", array)},
		{name: "defaults", schema: defaultsSchema()},
		{name: "unsorted", schema: fact.Schema{Name: "unsorted", Fields: []fact.Field{id}}},
		{name: "sorted_by_all", schema: sortedSchema()},
		{name: "comments", schema: withID("comments", fact.Field{Name: "text", Type: fact.String, Comment: "it's a \\ `comment`\nof two lines"}), options: ddl.Options{Comment: "what's 'this'?\n\tüñï"}},
		{name: "partition_ttl", schema: withID("partition_ttl", created), options: ddl.Options{PartitionBy: "toYYYYMM(created_at)", TTL: "created_at + INTERVAL 1 YEAR"}},
		{name: "partition_tuple", schema: withID("partition_tuple", created), options: ddl.Options{PartitionBy: "(toYYYYMM( `created_at` ), cityHash64(id) % 4)"}},
		{name: "ttl_rules", schema: withID("ttl_rules", created), options: ddl.Options{TTL: "toDateTime(created_at) + INTERVAL 30 DAY DELETE WHERE id = 'x', created_at + toIntervalDay(90) RECOMPRESS CODEC(ZSTD(9))"}},
		{name: "primary_key", schema: fact.Schema{Name: "primary_key", Fields: []fact.Field{id, created}, OrderBy: []string{"id", "created_at"}}, options: ddl.Options{PrimaryKey: []string{"id"}}},
		{name: "replacing", schema: withID("replacing", created), options: ddl.Options{Engine: "ReplacingMergeTree(created_at)"}},
		{name: "summing", schema: withID("summing", fact.Field{Name: "n", Type: fact.UInt64}, fact.Field{Name: "m", Type: fact.UInt64}), options: ddl.Options{Engine: "SummingMergeTree((n, m))"}},
		{name: "settings", schema: withID("settings"), options: ddl.Options{Settings: map[string]string{
			"index_granularity": "4096", "storage_policy": "default", "min_bytes_for_wide_part": "0", "non_replicated_deduplication_window": "0",
			"ratio_of_defaults_for_sparse_serialization": "0.5", "enable_block_number_column": "true",
		}}},
		{name: "columns", schema: withID("columns", created, fact.Field{Name: "body", Type: fact.String}, fact.Field{Name: "plain", Type: fact.String}, fact.Field{Name: "n", Type: fact.UInt64}), options: ddl.Options{Columns: map[string]ddl.ColumnOptions{
			"body": {Codec: "ZSTD(9)", TTL: "created_at + INTERVAL 30 DAY"}, "plain": {Codec: "Default"}, "n": {Codec: "T64, LZ4HC(9)"}, "created_at": {Codec: "DoubleDelta, ZSTD(1)"},
		}}},
		{name: "indexes", schema: withID("indexes", fact.Field{Name: "body", Type: fact.String}, fact.Field{Name: "a b", Type: fact.UInt32}), options: ddl.Options{Indexes: []ddl.Index{
			{Name: "by_id", Expr: "id", Type: "bloom_filter(0.01)", Granularity: 4},
			{Name: "by body", Expr: "lower(body)", Type: "ngrambf_v1(3, 256, 2, 0)", Granularity: 1},
			{Name: "by_token", Expr: "body", Type: "tokenbf_v1(512, 3, 0)"},
			{Name: "by_text", Expr: "body", Type: "text(tokenizer = 'splitByNonAlpha')"},
			{Name: "by_number", Expr: "`a b`", Type: "minmax"},
			{Name: "by_set", Expr: "(`a b`, id)", Type: "set(100)", Granularity: 2},
		}}},
		{name: "projections", schema: withID("projections", fact.Field{Name: "role", Type: fact.LowCardinalityString}, fact.Field{Name: "a b", Type: fact.UInt32}), options: ddl.Options{Projections: []ddl.Projection{
			{Name: "by number", Select: "select `a b`, id\norder by `a b`\n"},
			{Name: "roles", Select: "SELECT role, count() AS n, sum(`a b`) GROUP BY role"},
		}}},
		{name: "identifiers", schema: identifiersSchema()},
	}
}

func messageSchema() fact.Schema {
	return fact.Schema{
		Name: "message",
		Fields: []fact.Field{
			{Name: "conversation_id", Type: fact.String, Comment: "the conversation"},
			{Name: "role", Type: fact.LowCardinalityString},
			{Name: "content", Type: fact.String},
			{Name: "prompt_tokens", Type: fact.UInt32, Default: 0},
			{Name: "score", Type: fact.Float64, Nullable: true},
			{Name: "tags", Type: fact.String, Array: true},
			{Name: "payload", Type: fact.JSON},
			{Name: "created_at", Type: fact.DateTime64},
		},
		OrderBy: []string{"conversation_id", "created_at"},
	}
}

// baseField returns a field of the type with the parameters that it needs,
// named after it.
func baseField(ft fact.FieldType) fact.Field {
	f := fact.Field{Name: ft.String(), Type: ft}
	switch ft {
	case fact.Decimal:
		f.Precision, f.Scale = 18, 4
	case fact.Enum:
		f.Values = []string{"low", "it's", "high"}
	default:
	}
	return f
}

func nullable(f fact.Field) (fact.Field, bool) { f.Nullable = true; return f, true }
func array(f fact.Field) (fact.Field, bool)    { f.Array = true; return f, true }

// typesSchema has a field of every type, as variant makes it, as far as that is
// valid. Without a variant the fields are plain.
func typesSchema(name string, variant func(fact.Field) (fact.Field, bool)) fact.Schema {
	s := fact.Schema{Name: name}
	for _, ft := range fact.FieldTypes() {
		f := baseField(ft)
		if v, ok := variant(f); ok {
			f = v
		}
		if (fact.Schema{Name: name, Fields: []fact.Field{f}}).Validate() == nil {
			s.Fields = append(s.Fields, f)
		}
	}
	return s
}

// sortedSchema sorts by a field of every type that has an order.
func sortedSchema() fact.Schema {
	s := fact.Schema{Name: "sorted_by_all"}
	for _, ft := range fact.FieldTypes() {
		one := fact.Schema{Name: "x", Fields: []fact.Field{baseField(ft)}, OrderBy: []string{ft.String()}}
		if one.Validate() == nil {
			s.Fields = append(s.Fields, one.Fields...)
			s.OrderBy = append(s.OrderBy, one.OrderBy...)
		}
	}
	return s
}

func identifiersSchema() fact.Schema {
	s := fact.Schema{Name: "it's a `table`"}
	for _, name := range []string{"select", "a b", "a`b", `a\b`, "a'b", `a"b`, "a\nb", "ünï", "тест", "TTL", "SETTINGS"} {
		s.Fields = append(s.Fields, fact.Field{Name: name, Type: fact.String})
		s.OrderBy = append(s.OrderBy, name)
	}
	return s
}

// marshaledUUID is a UUID as the usual packages have it.
type marshaledUUID [16]byte

func (u marshaledUUID) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

// defaultValues are defaults with the value that a row without the field has,
// as the engine prints it.
var defaultValues = []struct {
	field fact.Field
	want  string
}{
	{fact.Field{Name: "s", Type: fact.String, Default: "it's\\ `x`\n"}, `it\'s\\ ` + "`x`" + `\n`},
	{fact.Field{Name: "s_empty", Type: fact.String, Default: ""}, ""},
	{fact.Field{Name: "s_nul", Type: fact.String, Default: "a\x00b\x01\x7f"}, `a\0b` + "\x01\x7f"},
	{fact.Field{Name: "s_nullable", Type: fact.String, Nullable: true, Default: "x"}, "x"},
	{fact.Field{Name: "s_array", Type: fact.String, Array: true, Default: []any{"a", "it's"}}, `['a','it\'s']`},
	{fact.Field{Name: "s_array_empty", Type: fact.String, Array: true, Default: []string{}}, "[]"},
	{fact.Field{Name: "lc", Type: fact.LowCardinalityString, Default: "user"}, "user"},
	{fact.Field{Name: "lc_nullable", Type: fact.LowCardinalityString, Nullable: true, Default: "user"}, "user"},
	{fact.Field{Name: "lc_array", Type: fact.LowCardinalityString, Array: true, Default: []string{"a"}}, "['a']"},
	{fact.Field{Name: "b", Type: fact.Bool, Default: true}, "true"},
	{fact.Field{Name: "b_array", Type: fact.Bool, Array: true, Default: []bool{true, false}}, "[true,false]"},
	{fact.Field{Name: "i8", Type: fact.Int8, Default: -128}, "-128"},
	{fact.Field{Name: "i16", Type: fact.Int16, Default: math.MinInt16}, "-32768"},
	{fact.Field{Name: "i32", Type: fact.Int32, Default: math.MinInt32}, "-2147483648"},
	{fact.Field{Name: "i64", Type: fact.Int64, Default: int64(math.MinInt64)}, "-9223372036854775808"},
	{fact.Field{Name: "i64_array", Type: fact.Int64, Array: true, Default: []int64{math.MinInt64, math.MaxInt64}}, "[-9223372036854775808,9223372036854775807]"},
	{fact.Field{Name: "u8", Type: fact.UInt8, Default: 255}, "255"},
	{fact.Field{Name: "u16", Type: fact.UInt16, Default: 65535.0}, "65535"},
	{fact.Field{Name: "u32", Type: fact.UInt32, Default: uint32(math.MaxUint32)}, "4294967295"},
	{fact.Field{Name: "u64", Type: fact.UInt64, Default: uint64(math.MaxUint64)}, "18446744073709551615"},
	{fact.Field{Name: "u64_array", Type: fact.UInt64, Array: true, Default: []uint64{math.MaxUint64, 0}}, "[18446744073709551615,0]"},
	{fact.Field{Name: "f32", Type: fact.Float32, Default: float32(0.1)}, "0.1"},
	{fact.Field{Name: "f32_max", Type: fact.Float32, Default: math.MaxFloat32}, "3.4028235e38"},
	{fact.Field{Name: "f64", Type: fact.Float64, Default: 3}, "3"},
	{fact.Field{Name: "f64_max", Type: fact.Float64, Default: math.MaxFloat64}, "1.7976931348623157e308"},
	{fact.Field{Name: "f64_min", Type: fact.Float64, Default: math.SmallestNonzeroFloat64}, "5e-324"},
	{fact.Field{Name: "f64_zero", Type: fact.Float64, Default: math.Copysign(0, -1)}, "-0"},
	{fact.Field{Name: "f64_big", Type: fact.Float64, Default: 1e20}, "100000000000000000000"},
	{fact.Field{Name: "f64_2p53", Type: fact.Float64, Default: float64(1 << 53)}, "9007199254740992"},
	{fact.Field{Name: "f64_array", Type: fact.Float64, Array: true, Default: []any{1, 2.5, 1e-7}}, "[1,2.5,1e-7]"},
	{fact.Field{Name: "dt", Type: fact.DateTime64, Default: time.Date(2024, 2, 29, 12, 30, 0, 123e6, time.FixedZone("", 3600))}, "2024-02-29 11:30:00.123"},
	{fact.Field{Name: "dt_text", Type: fact.DateTime64, Default: "2024-02-29T12:30:00.5+01:00"}, "2024-02-29 11:30:00.500"},
	{fact.Field{Name: "dt_plain", Type: fact.DateTime64, Default: "2024-02-29 12:30:00"}, "2024-02-29 12:30:00.000"},
	{fact.Field{Name: "dt_day", Type: fact.DateTime64, Default: "2024-02-29"}, "2024-02-29 00:00:00.000"},
	{fact.Field{Name: "dt_micros", Type: fact.DateTime64, Default: "1969-12-31T23:59:59.9999"}, "1969-12-31 23:59:59.999"},
	{fact.Field{Name: "dt_epoch", Type: fact.DateTime64, Default: json.Number("1709209800123")}, "2024-02-29 12:30:00.123"},
	{fact.Field{Name: "dt_old", Type: fact.DateTime64, Default: "1969-12-31 23:59:59.999"}, "1969-12-31 23:59:59.999"},
	{fact.Field{Name: "dt_min", Type: fact.DateTime64, Default: "1900-01-01 00:00:00"}, "1900-01-01 00:00:00.000"},
	{fact.Field{Name: "dt_max", Type: fact.DateTime64, Default: "2299-12-31 23:59:59.999"}, "2299-12-31 23:59:59.999"},
	{fact.Field{Name: "dt_array", Type: fact.DateTime64, Array: true, Default: []string{"2024-01-01 00:00:00"}}, "['2024-01-01 00:00:00.000']"},
	{fact.Field{Name: "d", Type: fact.Date, Default: "2149-06-06"}, "2149-06-06"},
	{fact.Field{Name: "d_min", Type: fact.Date, Default: time.Unix(0, 0)}, "1970-01-01"},
	{fact.Field{Name: "uuid", Type: fact.UUID, Default: "61F0C404-5CB3-11E7-907B-A6006AD3DBA0"}, "61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
	{fact.Field{Name: "uuid_marshaler", Type: fact.UUID, Default: marshaledUUID{1, 2, 3, 15: 255}}, "01020300-0000-0000-0000-0000000000ff"},
	{fact.Field{Name: "dec", Type: fact.Decimal, Precision: 38, Scale: 10, Default: "1234567890123456789012345678.0123456789"}, "1234567890123456789012345678.0123456789"},
	{fact.Field{Name: "dec_float", Type: fact.Decimal, Precision: 9, Scale: 4, Default: -1.5}, "-1.5"},
	{fact.Field{Name: "dec_array", Type: fact.Decimal, Precision: 9, Scale: 2, Array: true, Default: []any{1, "2.25"}}, "[1,2.25]"},
	{fact.Field{Name: "e", Type: fact.Enum, Values: []string{"a", "it's \\ b"}, Default: "it's \\ b"}, `it\'s \\ b`},
	{fact.Field{Name: "e_nullable", Type: fact.Enum, Values: []string{"a"}, Nullable: true, Default: "a"}, "a"},
	{fact.Field{Name: "m", Type: fact.StringMap, Default: map[string]any{"k": "v", "it's": "\\"}}, `{'it\'s':'\\','k':'v'}`},
	{fact.Field{Name: "m_empty", Type: fact.StringMap, Default: map[string]string{}}, "{}"},
	{fact.Field{Name: "j", Type: fact.JSON, Default: map[string]any{"a": []any{1, "<b>"}}}, `{"a":[1,"<b>"]}`},
	{fact.Field{Name: "j_text", Type: fact.JSON, Default: `"text"`}, `"text"`},
	{fact.Field{Name: "nj", Type: fact.NativeJSON, Default: map[string]any{"a": 1}}, `{"a":1}`},
}

func defaultsSchema() fact.Schema {
	s := fact.Schema{Name: "defaults", Fields: []fact.Field{{Name: "id", Type: fact.String}}, OrderBy: []string{"id"}}
	for _, d := range defaultValues {
		s.Fields = append(s.Fields, d.field)
	}
	return s
}

// parsedCases are tables that one server alone cannot create, since they need
// Keeper or a cluster. The engine judges whether they parse.
func parsedCases() []goldenCase {
	s := fact.Schema{Name: "events", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "at", Type: fact.DateTime64}}, OrderBy: []string{"id"}}
	return []goldenCase{
		{name: "replicated", schema: s, options: ddl.Options{Engine: "ReplicatedMergeTree"}},
		{name: "replicated_path", schema: s, options: ddl.Options{Engine: "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/events', '{replica}', at)", Settings: map[string]string{"replicated_deduplication_window": "500"}}},
		{name: "cluster", schema: s, options: ddl.Options{Cluster: "it's `main`", Engine: "ReplicatedMergeTree"}},
	}
}
