package ddltest

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/factload/factload/fact"
)

// MessageSchema returns a schema of the common kinds of fields.
func MessageSchema() fact.Schema {
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

// BaseField returns a field of the type with the parameters that it needs,
// named after it.
func BaseField(ft fact.FieldType) fact.Field {
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

// marshaledUUID is a UUID as the usual packages have it.
type marshaledUUID [16]byte

func (u marshaledUUID) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

// DefaultValues are defaults with the value that a row without the field has,
// as the engine prints it.
var DefaultValues = []struct {
	Field fact.Field
	Want  string
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

// DefaultsSchema returns a schema with a field for each of [DefaultValues].
func DefaultsSchema() fact.Schema {
	s := fact.Schema{Name: "defaults", Fields: []fact.Field{{Name: "id", Type: fact.String}}, OrderBy: []string{"id"}}
	for _, d := range DefaultValues {
		s.Fields = append(s.Fields, d.Field)
	}
	return s
}
