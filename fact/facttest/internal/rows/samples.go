package rows

import (
	"encoding/json"
	"math"
	"time"

	"github.com/factload/factload/fact"
)

// Sample is values of one type.
type Sample struct {
	Field  fact.Field // its Type and what belongs to it
	Values []any      // as they are given
	Zero   any        // what a missing key becomes
	NoNull bool       // cannot be Nullable
	NoList bool       // cannot be an Array
}

// Samples has the edges of every type. A new type needs a line here.
func Samples() map[fact.FieldType]Sample {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("", 3600))
	epoch := time.Unix(0, 0).UTC()
	text := []any{"", "a\"b\\\n\tc", "ü 日本 🙂", "\x00", "NULL", `\N`, "2026-01-01"}
	return map[fact.FieldType]Sample{
		fact.String:               {Values: text, Zero: ""},
		fact.LowCardinalityString: {Values: text, Zero: ""},
		fact.Bool:                 {Values: []any{true, false}, Zero: false},
		fact.UInt8:                {Values: []any{0, uint8(math.MaxUint8), 3.0}, Zero: 0},
		fact.UInt16:               {Values: []any{0, math.MaxUint16, json.Number("1e3")}, Zero: 0},
		fact.UInt32:               {Values: []any{int64(0), uint32(math.MaxUint32)}, Zero: 0},
		fact.UInt64:               {Values: []any{uint64(math.MaxUint64), json.Number("18446744073709551614"), 1<<53 + 1}, Zero: 0},
		fact.Int8:                 {Values: []any{math.MinInt8, int8(math.MaxInt8)}, Zero: 0},
		fact.Int16:                {Values: []any{math.MinInt16, math.MaxInt16}, Zero: 0},
		fact.Int32:                {Values: []any{math.MinInt32, int32(math.MaxInt32)}, Zero: 0},
		fact.Int64:                {Values: []any{int64(math.MinInt64), int64(math.MaxInt64), json.Number("9007199254740993")}, Zero: 0},
		fact.Float32:              {Values: []any{float32(0.1), -1.5, 0, math.MaxFloat32}, Zero: 0},
		fact.Float64:              {Values: []any{0.1, -1e300, 5e-324, 7, json.Number("0.30000000000000004")}, Zero: 0},
		fact.DateTime64:           {Values: []any{at, "2026-02-03T04:05:06.7Z", "2026-02-03 04:05:06", "1900-01-01T00:00:00Z", "2299-12-31T23:59:59.999Z"}, Zero: epoch},
		fact.Date:                 {Values: []any{"2026-02-03", "1970-01-01", "2149-06-06"}, Zero: "1970-01-01"},
		fact.UUID:                 {Values: []any{"61f0c404-5cb3-11e7-907b-a6006ad3dba0", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"}, Zero: "00000000-0000-0000-0000-000000000000"},
		fact.Decimal: {
			Field:  fact.Field{Precision: 38, Scale: 4},
			Values: []any{"9999999999999999999999999999999999.9999", json.Number("-0.0001"), 12, 1.5}, Zero: 0,
		},
		fact.Enum: {Field: fact.Field{Values: []string{"first", "it's", "ü"}}, Values: []any{"it's", "ü", "first"}, Zero: "first"},
		fact.JSON: {Values: []any{
			map[string]any{"k": []any{1, "x", nil, map[string]any{}}},
			[]int{1, 2},
			json.RawMessage(`"text"`), `{"held": [1, "x"]}`, `"text"`, 1.5, true,
			json.RawMessage(`{"big":123456789012345678901234567890}`),
		}, Zero: map[string]any{}},
		fact.NativeJSON: {Values: []any{map[string]any{"a": map[string]any{"b": 1}, "s": "x"}}, Zero: map[string]any{}, NoNull: true, NoList: true},
		fact.StringMap:  {Values: []any{map[string]string{"k": "v", "": "ü"}, map[string]any{"a": "b"}}, Zero: map[string]any{}, NoNull: true, NoList: true},
	}
}
