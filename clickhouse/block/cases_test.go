package block

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"time"

	guuid "github.com/google/uuid"

	"github.com/factload/factload/fact"
)

// valueCase is one value, in JSON and as Go values that mean the same, and
// what becomes of it: it is stored as want, or refused with kind. The table of
// these cases is the test of docs/values.md; the oracle test puts the same
// JSON to the engine.
type valueCase struct {
	json string // "" for what JSON cannot say
	same []any  // Go values with the same result
	want string // as show writes it
	kind error
	// differs names the line of docs/values.md that says how ClickHouse's own
	// JSONEachRow treats the value otherwise.
	differs string
}

// typeCases are the cases of one field type.
type typeCases struct {
	name  string
	field fact.Field
	cases []valueCase
}

type (
	namedString  string
	namedInt     int32
	namedUint    uint16
	namedBool    bool
	namedFloat   float32
	namedStrings []string
	namedBytes   []byte
	textual      struct{ text string }
)

func (t textual) MarshalText() ([]byte, error) { return []byte(t.text), nil }

func ptr[T any](v T) *T { return &v }

var nan, inf = math.NaN(), math.Inf(1)

// allCases has every type with every kind of input.
var allCases = []typeCases{
	{"string", fact.Field{Type: fact.String}, stringCases},
	{"low_cardinality_string", fact.Field{Type: fact.LowCardinalityString}, stringCases},
	{"nullable string", fact.Field{Type: fact.String, Nullable: true}, nullableStringCases},
	{"nullable low_cardinality_string", fact.Field{Type: fact.LowCardinalityString, Nullable: true}, nullableStringCases},
	{"bool", fact.Field{Type: fact.Bool}, boolCases},
	{"uint8", fact.Field{Type: fact.UInt8}, uint8Cases},
	{"uint16", fact.Field{Type: fact.UInt16}, uint16Cases},
	{"uint32", fact.Field{Type: fact.UInt32}, uint32Cases},
	{"uint64", fact.Field{Type: fact.UInt64}, uint64Cases},
	{"int8", fact.Field{Type: fact.Int8}, int8Cases},
	{"int16", fact.Field{Type: fact.Int16}, int16Cases},
	{"int32", fact.Field{Type: fact.Int32}, int32Cases},
	{"int64", fact.Field{Type: fact.Int64}, int64Cases},
	{"float32", fact.Field{Type: fact.Float32}, float32Cases},
	{"float64", fact.Field{Type: fact.Float64}, float64Cases},
	{"datetime64", fact.Field{Type: fact.DateTime64}, dateTimeCases},
	{"date", fact.Field{Type: fact.Date}, dateCases},
	{"uuid", fact.Field{Type: fact.UUID}, uuidCases},
	{"decimal(9, 2)", fact.Field{Type: fact.Decimal, Precision: 9, Scale: 2}, decimal9Cases},
	{"decimal(18, 6)", fact.Field{Type: fact.Decimal, Precision: 18, Scale: 6}, decimal18Cases},
	{"decimal(38, 10)", fact.Field{Type: fact.Decimal, Precision: 38, Scale: 10}, decimal38Cases},
	{"decimal(38, 38)", fact.Field{Type: fact.Decimal, Precision: 38, Scale: 38}, decimal38x38Cases},
	{"enum", fact.Field{Type: fact.Enum, Values: []string{"low", "high", "a \"b\"'"}}, enumCases},
	{"string_map", fact.Field{Type: fact.StringMap}, mapCases},
	{"json", fact.Field{Type: fact.JSON}, jsonCases},
	{"nullable json", fact.Field{Type: fact.JSON, Nullable: true}, nullableJSONCases},
	{"native_json", fact.Field{Type: fact.NativeJSON}, nativeJSONCases},
	{"array of string", fact.Field{Type: fact.String, Array: true}, arrayStringCases},
	{"array of low_cardinality_string", fact.Field{Type: fact.LowCardinalityString, Array: true}, arrayStringCases},
	{"array of uint8", fact.Field{Type: fact.UInt8, Array: true}, arrayUInt8Cases},
	{"array of json", fact.Field{Type: fact.JSON, Array: true}, arrayJSONCases},
	{"array of datetime64", fact.Field{Type: fact.DateTime64, Array: true}, arrayTimeCases},
	{"nullable uint32", fact.Field{Type: fact.UInt32, Nullable: true}, nullableUInt32Cases},
}

var stringCases = []valueCase{
	{json: `"a"`, same: []any{"a", namedString("a"), ptr("a"), textual{"a"}, json.RawMessage(` "a" `), json.RawMessage(`"\u0061"`)}, want: `"a"`},
	{json: `""`, same: []any{"", ptr("")}, want: `""`},
	{json: `" a b "`, same: []any{" a b "}, want: `" a b "`},
	{json: `"a\u0000b"`, same: []any{"a\x00b"}, want: `"a\x00b"`},
	{json: `"\"\\\/\b\f\n\r\t"`, same: []any{"\"\\/\b\f\n\r\t"}, want: `"\"\\/\b\f\n\r\t"`},
	{json: `"<&>"`, same: []any{"<&>"}, want: `"<&>"`},
	{json: `"\u00e9\u20AC\u65e5"`, same: []any{"é€日"}, want: `"é€日"`},
	{json: `"é€日😀"`, same: []any{"é€日😀"}, want: `"é€日😀"`},
	{json: `"\ud83d\ude00"`, same: []any{"😀"}, want: `"😀"`},
	{json: `"\uFFFF\ufffd"`, same: []any{"\uffff\ufffd"}, want: `"\uffff�"`},
	{json: `"` + strings.Repeat("x", 127) + `"`, same: []any{strings.Repeat("x", 127)}, want: `"` + strings.Repeat("x", 127) + `"`},
	{json: `"` + strings.Repeat("x", 128) + `"`, want: `"` + strings.Repeat("x", 128) + `"`},
	{json: `"\t` + strings.Repeat("x", 126) + `"`, want: `"\t` + strings.Repeat("x", 126) + `"`},
	{json: `"\t` + strings.Repeat("x", 127) + `"`, want: `"\t` + strings.Repeat("x", 127) + `"`},
	{json: `"\t` + strings.Repeat("x", 16382) + `"`, want: `"\t` + strings.Repeat("x", 16382) + `"`},
	{json: `"\t` + strings.Repeat("x", 16383) + `"`, want: `"\t` + strings.Repeat("x", 16383) + `"`},
	{json: `"` + strings.Repeat("é", 50000) + `\n"`, want: `"` + strings.Repeat("é", 50000) + `\n"`},
	{json: `"\ud83d"`, kind: ErrUTF8},
	{json: `"\ude00"`, kind: ErrUTF8, differs: "surrogates"},
	{json: `"\ud83d\ud83d"`, kind: ErrUTF8},
	{json: `"\ud83dabcdef"`, kind: ErrUTF8},
	{json: `"\ud83d\n"`, kind: ErrUTF8},
	{json: "\"\x80\"", same: []any{"\x80", namedString("\x80")}, kind: ErrUTF8, differs: "utf8"},
	{json: "\"\xed\xa0\x80\"", same: []any{"\xed\xa0\x80"}, kind: ErrUTF8, differs: "utf8"},
	{json: "\"\xc0\xaf\"", kind: ErrUTF8, differs: "utf8"},
	{json: "\"abcdefgh\xe2\x82\"", kind: ErrUTF8, differs: "utf8"},
	{json: "\"\xf4\x90\x80\x80\\n\"", kind: ErrUTF8, differs: "utf8"},
	{json: "\"a\x01b\"", kind: ErrSyntax, differs: "control-characters"},
	{json: "\"a\nb\"", kind: ErrSyntax, differs: "control-characters"},
	{json: `"\x41"`, kind: ErrSyntax, differs: "escapes"},
	{json: `"\'"`, kind: ErrSyntax, differs: "escapes"},
	{json: `"\U0041"`, kind: ErrSyntax, differs: "escapes"},
	{json: `"\u12"`, kind: ErrSyntax},
	{json: `"\uZZZZ"`, kind: ErrSyntax, differs: "escapes"},
	{json: `"a`, kind: ErrSyntax},
	{json: `"a\`, kind: ErrSyntax},
	{json: `'a'`, kind: ErrSyntax},
	{json: `a`, kind: ErrSyntax},
	{json: `1`, same: []any{1, uint8(1), 1.0, json.Number("1"), ptr(1), namedInt(1)}, kind: ErrType, differs: "text-of-other-values"},
	{json: `1.50`, same: []any{1.5, json.Number("1.50")}, kind: ErrType, differs: "text-of-other-values"},
	{json: `true`, same: []any{true, namedBool(true)}, kind: ErrType, differs: "text-of-other-values"},
	{json: `{"a":1}`, same: []any{map[string]any{"a": 1}, struct{ A int }{1}}, kind: ErrType, differs: "text-of-other-values"},
	{json: `["a"]`, same: []any{[]string{"a"}}, kind: ErrType, differs: "text-of-other-values"},
	{json: `null`, same: []any{nil, (*string)(nil), json.RawMessage("null")}, kind: ErrNull, differs: "null"},
	{same: []any{[]byte("a"), namedBytes("a")}, kind: ErrType},
	{same: []any{make(chan int), func() {}, complex(1, 1)}, kind: ErrType},
	{same: []any{json.RawMessage(`"a" "b"`), json.RawMessage(``), json.RawMessage(`"a`)}, kind: ErrSyntax},
	{same: []any{netip.MustParseAddr("10.0.0.1")}, want: `"10.0.0.1"`},
	{same: []any{time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)}, want: `"2024-01-02T03:04:05.000006Z"`},
}

var nullableStringCases = []valueCase{
	{json: `null`, same: []any{nil, (*string)(nil), (*namedString)(nil), json.RawMessage("null"), []any(nil), map[string]any(nil)}, want: `NULL`},
	{json: `"null"`, same: []any{"null"}, want: `"null"`},
	{json: `""`, same: []any{""}, want: `""`},
	{json: `"a"`, same: []any{"a", ptr("a"), ptr(ptr("a"))}, want: `"a"`},
	{json: `"a\tb"`, same: []any{"a\tb"}, want: `"a\tb"`},
	{json: `nul`, kind: ErrSyntax},
	{json: `nullx`, kind: ErrSyntax},
	{json: `NULL`, kind: ErrSyntax},
	{json: `1`, same: []any{1}, kind: ErrType, differs: "text-of-other-values"},
}

var boolCases = []valueCase{
	{json: `true`, same: []any{true, namedBool(true), ptr(true), json.RawMessage("true")}, want: `true`},
	{json: `false`, same: []any{false}, want: `false`},
	{json: `1`, same: []any{1, 1.0, json.Number("1")}, kind: ErrType, differs: "bool-numbers"},
	{json: `0`, same: []any{0}, kind: ErrType, differs: "bool-numbers"},
	{json: `2`, kind: ErrType},
	{json: `"true"`, same: []any{"true"}, kind: ErrType},
	{json: `tru`, kind: ErrSyntax},
	{json: `True`, kind: ErrSyntax},
	{json: `truefalse`, kind: ErrSyntax},
	{json: `null`, same: []any{nil, (*bool)(nil)}, kind: ErrNull, differs: "null"},
	{json: `[]`, same: []any{[]any{}}, kind: ErrType},
	{json: `{}`, same: []any{map[string]any{}}, kind: ErrType},
}

var uint32Cases = []valueCase{
	{json: `0`, same: []any{0, uint32(0), int8(0), 0.0, json.Number("0")}, want: `0`},
	{json: `3`, same: []any{
		3, int8(3), int16(3), int32(3), int64(3), uint(3), uint8(3), uint16(3), uint32(3), uint64(3), 3.0, float32(3),
		json.Number("3"), json.Number("3.0"), json.RawMessage("3"), ptr(3), namedInt(3), namedUint(3), namedFloat(3), ptr(namedInt(3)),
	}, want: `3`},
	{json: `4294967295`, same: []any{4294967295, uint32(4294967295), 4294967295.0, json.Number("4294967295")}, want: `4294967295`},
	{json: `4294967296`, same: []any{4294967296, uint64(4294967296), 4294967296.0, json.Number("4294967296")}, kind: ErrRange, differs: "integer-overflow"},
	{json: `99999999999999999999999999`, same: []any{1e26, json.Number("99999999999999999999999999")}, kind: ErrRange, differs: "integer-overflow"},
	{json: `-1`, same: []any{-1, int8(-1), -1.0, json.Number("-1"), namedInt(-1)}, kind: ErrRange},
	{json: `3.0`, want: `3`, differs: "integer-forms"},
	{json: `3.000e0`, want: `3`, differs: "integer-forms"},
	{json: `1e3`, want: `1000`, differs: "integer-forms"},
	{json: `1E+3`, want: `1000`, differs: "integer-forms"},
	{json: `12.5e1`, want: `125`, differs: "integer-forms"},
	{json: `1000e-3`, want: `1`, differs: "integer-forms"},
	{json: `0e999999999999`, want: `0`, differs: "integer-forms"},
	{json: `0.0e-400`, want: `0`, differs: "integer-forms"},
	{json: `-0`, same: []any{math.Copysign(0, -1), json.Number("-0")}, want: `0`, differs: "integer-forms"},
	{json: `-0.0`, want: `0`, differs: "integer-forms"},
	{json: `4294967295.0`, want: `4294967295`, differs: "integer-forms"},
	{json: `0.0000000000000000000000000000000000000000000000001e49`, want: `1`, differs: "integer-forms"},
	{json: `3.5`, same: []any{3.5, float32(3.5), json.Number("3.5")}, kind: ErrPrecision},
	{json: `1e-1`, same: []any{0.1}, kind: ErrPrecision},
	{json: `0.000000000000000000000000000000000000000000000000000001`, kind: ErrPrecision},
	{json: `1.00000000000000000000000000000000000000000000000000000001`, kind: ErrPrecision},
	{json: `4294967296.5`, kind: ErrPrecision},
	{json: `1e400`, same: []any{json.Number("1e400")}, kind: ErrRange},
	{json: `1e10`, same: []any{1e10}, kind: ErrRange},
	{json: `-1e0`, kind: ErrRange},
	{json: `1e-400`, kind: ErrPrecision},
	{json: `1e99999999999999999999`, kind: ErrRange},
	{json: `1e-99999999999999999999`, kind: ErrPrecision},
	{json: `01`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `-01`, kind: ErrSyntax},
	{json: `+1`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `1.`, kind: ErrSyntax},
	{json: `.5`, kind: ErrSyntax},
	{json: `1e`, kind: ErrSyntax},
	{json: `1e+`, kind: ErrSyntax},
	{json: `-`, kind: ErrSyntax},
	{json: `1_000`, kind: ErrSyntax},
	{json: `0x10`, kind: ErrSyntax},
	{json: `1 2`, kind: ErrSyntax},
	{json: `NaN`, kind: ErrSyntax},
	{json: `"12"`, same: []any{"12", json.RawMessage(`"12"`)}, kind: ErrType, differs: "quoted-numbers"},
	{json: `""`, same: []any{""}, kind: ErrType, differs: "quoted-numbers"},
	{json: `true`, same: []any{true}, kind: ErrType, differs: "numbers-from-bool"},
	{json: `null`, same: []any{nil, (*int)(nil)}, kind: ErrNull, differs: "null"},
	{json: `[]`, same: []any{[]int{}}, kind: ErrType},
	{json: `{}`, same: []any{struct{}{}}, kind: ErrType},
	{same: []any{nan, inf, -inf, float32(nan)}, kind: ErrRange},
	{same: []any{json.Number("abc"), json.Number(""), json.Number("null"), json.Number("1x")}, kind: ErrSyntax},
	{same: []any{time.Second}, want: `1000000000`},
	{same: []any{textual{"1"}, time.Unix(0, 0)}, kind: ErrType},
}

var nullableUInt32Cases = []valueCase{
	{json: `null`, same: []any{nil, (*uint32)(nil), (**int)(nil)}, want: `NULL`},
	{json: `0`, same: []any{0}, want: `0`},
	{json: `7`, same: []any{7, ptr(uint32(7))}, want: `7`},
	{json: `4294967296`, same: []any{4294967296}, kind: ErrRange, differs: "integer-overflow"},
	{json: `"1"`, same: []any{"1"}, kind: ErrType, differs: "quoted-numbers"},
	{json: `""`, kind: ErrType, differs: "quoted-numbers"},
}

var uint8Cases = []valueCase{
	{json: `0`, same: []any{0}, want: `0`},
	{json: `255`, same: []any{255, uint8(255), 255.0}, want: `255`},
	{json: `256`, same: []any{256, uint16(256), 256.0}, kind: ErrRange, differs: "integer-overflow"},
	{json: `-1`, same: []any{-1}, kind: ErrRange},
	{json: `2.55e2`, want: `255`, differs: "integer-forms"},
}

var uint16Cases = []valueCase{
	{json: `65535`, same: []any{65535, uint16(65535)}, want: `65535`},
	{json: `65536`, same: []any{65536}, kind: ErrRange, differs: "integer-overflow"},
	{json: `-1`, same: []any{-1}, kind: ErrRange},
	{json: `"1"`, kind: ErrType, differs: "quoted-numbers"},
}

var uint64Cases = []valueCase{
	{json: `18446744073709551615`, same: []any{uint64(math.MaxUint64), json.Number("18446744073709551615"), "18446744073709551615"}, want: `18446744073709551615`},
	{json: `18446744073709551616`, same: []any{float64(1 << 64), json.Number("18446744073709551616")}, kind: ErrRange, differs: "integer-overflow"},
	{json: `99999999999999999999`, kind: ErrRange, differs: "integer-overflow"},
	{json: `9007199254740993`, same: []any{9007199254740993, json.Number("9007199254740993")}, want: `9007199254740993`},
	{json: `9007199254740992`, same: []any{9007199254740992.0}, want: `9007199254740992`},
	{json: `9007199254740993.0`, want: `9007199254740993`, differs: "integer-forms"},
	{json: `1e19`, same: []any{1e19}, want: `10000000000000000000`, differs: "integer-forms"},
	{json: `1000000000000000000`, same: []any{1e18}, want: `1000000000000000000`},
	{json: `18446744073709551615.0`, want: `18446744073709551615`, differs: "integer-forms"},
	{json: `123456789012345678901234567890e-20`, kind: ErrPrecision},
	{json: `12345678901234567890000000000000000000000e-21`, want: `12345678901234567890`, differs: "integer-forms"},
	{json: `"18446744073709551615"`, want: `18446744073709551615`},
	{json: `"18446744073709551616"`, same: []any{"18446744073709551616"}, kind: ErrRange, differs: "integer-overflow"},
	{json: `"0"`, same: []any{"0"}, want: `0`},
	{json: `"\u0031"`, same: []any{"1"}, want: `1`, differs: "integer-forms"},
	{json: `"-1"`, same: []any{"-1", -1}, kind: ErrRange},
	{json: `"007"`, same: []any{"007"}, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `""`, same: []any{""}, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `"1.0"`, same: []any{"1.0"}, kind: ErrFormat},
	{json: `"1e3"`, kind: ErrFormat},
	{json: `" 1"`, kind: ErrFormat},
	{json: `"1 "`, kind: ErrFormat},
	{json: `"+1"`, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `"abc"`, kind: ErrFormat},
	{json: `"-"`, kind: ErrFormat},
	// Exact, but the shortest text of the float is another integer.
	{same: []any{float64(1 << 60), float32(1 << 30)}, kind: ErrPrecision},
	{same: []any{float32(1 << 24)}, want: `16777216`},
}

var int8Cases = []valueCase{
	{json: `-128`, same: []any{-128, int8(-128), -128.0}, want: `-128`},
	{json: `-129`, same: []any{-129}, kind: ErrRange, differs: "integer-overflow"},
	{json: `127`, same: []any{127}, want: `127`},
	{json: `128`, same: []any{128, uint8(128)}, kind: ErrRange, differs: "integer-overflow"},
	{json: `-0`, want: `0`},
	{json: `-1.0`, want: `-1`, differs: "integer-forms"},
}

var int16Cases = []valueCase{
	{json: `-32768`, same: []any{-32768}, want: `-32768`},
	{json: `-32769`, same: []any{-32769}, kind: ErrRange, differs: "integer-overflow"},
	{json: `32767`, same: []any{32767}, want: `32767`},
	{json: `32768`, same: []any{32768}, kind: ErrRange, differs: "integer-overflow"},
}

var int32Cases = []valueCase{
	{json: `-2147483648`, same: []any{-2147483648}, want: `-2147483648`},
	{json: `-2147483649`, same: []any{-2147483649}, kind: ErrRange, differs: "integer-overflow"},
	{json: `2147483647`, same: []any{2147483647}, want: `2147483647`},
	{json: `2147483648`, same: []any{2147483648}, kind: ErrRange, differs: "integer-overflow"},
	{json: `-1e3`, same: []any{-1000.0}, want: `-1000`, differs: "integer-forms"},
	{json: `"-1"`, same: []any{"-1"}, kind: ErrType, differs: "quoted-numbers"},
}

var int64Cases = []valueCase{
	{json: `-9223372036854775808`, same: []any{math.MinInt64, json.Number("-9223372036854775808"), "-9223372036854775808"}, want: `-9223372036854775808`},
	{json: `-9223372036854775809`, same: []any{json.Number("-9223372036854775809")}, kind: ErrRange, differs: "integer-overflow"},
	{json: `9223372036854775807`, same: []any{math.MaxInt64}, want: `9223372036854775807`},
	{json: `9223372036854775808`, same: []any{uint64(1 << 63)}, kind: ErrRange, differs: "integer-overflow"},
	{json: `18446744073709551616`, kind: ErrRange, differs: "integer-overflow"},
	{json: `"9223372036854775807"`, want: `9223372036854775807`},
	{json: `"9223372036854775808"`, same: []any{"9223372036854775808"}, kind: ErrRange, differs: "integer-overflow"},
	{json: `"-0"`, want: `0`},
	{json: `9007199254740993`, same: []any{int64(9007199254740993)}, want: `9007199254740993`},
	{json: `-9007199254740993`, same: []any{int64(-9007199254740993)}, want: `-9007199254740993`},
}

var float64Cases = []valueCase{
	{json: `1`, same: []any{1, 1.0, uint8(1), int64(1), float32(1), json.Number("1"), json.Number("1.000"), ptr(1.0)}, want: `1`},
	{json: `0.1`, same: []any{0.1, float32(0.1), json.Number("0.1"), namedFloat(0.1)}, want: `0.1`},
	{json: `-0.0`, same: []any{math.Copysign(0, -1)}, want: `-0`},
	{json: `-0`, want: `-0`},
	{json: `1e3`, want: `1000`},
	{json: `1.5E-3`, want: `0.0015`},
	{json: `9007199254740993`, same: []any{9007199254740993, uint64(9007199254740993)}, want: `9.007199254740992e+15`},
	{json: `123456789012345678901234567890`, want: `1.2345678901234568e+29`},
	{json: `0.1234567890123456789`, want: `0.12345678901234568`},
	{json: `1.7976931348623157e308`, same: []any{math.MaxFloat64}, want: `1.7976931348623157e+308`},
	{json: `1.7976931348623158e308`, want: `1.7976931348623157e+308`},
	{json: `5e-324`, same: []any{math.SmallestNonzeroFloat64}, want: `5e-324`},
	{json: `1e-400`, want: `0`},
	{json: `2.2250738585072011e-308`, want: `2.225073858507201e-308`},
	{json: `8.41e21`, want: `8.41e+21`},
	{json: `179769313486231570000000000000000000000`, want: `1.7976931348623156e+38`},
	{json: `1e400`, same: []any{json.Number("1e400")}, kind: ErrRange, differs: "float-overflow"},
	{json: `-1e400`, kind: ErrRange, differs: "float-overflow"},
	{json: `1.7976931348623159e308`, kind: ErrRange, differs: "float-overflow"},
	{json: `NaN`, kind: ErrSyntax, differs: "literals"},
	{json: `inf`, kind: ErrSyntax, differs: "literals"},
	{json: `Infinity`, kind: ErrSyntax, differs: "literals"},
	{json: `01`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `00.5`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `1.`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `.5`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `-.5`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `+.5`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `-`, kind: ErrSyntax},
	{json: `1.2.3`, kind: ErrSyntax},
	{json: `1e5.0`, kind: ErrSyntax},
	{json: `1ex`, kind: ErrSyntax},
	{json: `0x1p3`, kind: ErrSyntax},
	{json: `1_0`, kind: ErrSyntax},
	{json: `"1.5"`, same: []any{"1.5"}, kind: ErrType, differs: "quoted-numbers"},
	{json: `"NaN"`, same: []any{"NaN"}, kind: ErrType, differs: "quoted-numbers"},
	{json: `true`, same: []any{true}, kind: ErrType, differs: "numbers-from-bool"},
	{json: `null`, same: []any{nil}, kind: ErrNull, differs: "null"},
	{same: []any{nan, inf, -inf, float32(inf)}, kind: ErrRange},
}

var float32Cases = []valueCase{
	{json: `0.1`, same: []any{0.1, float32(0.1), json.Number("0.1")}, want: `0.1`},
	{json: `16777217`, same: []any{16777217, 16777217.0}, want: `1.6777216e+07`},
	{json: `3.4028235e38`, same: []any{float32(math.MaxFloat32), math.MaxFloat32}, want: `3.4028235e+38`},
	{json: `3.4028236e38`, same: []any{3.4028236e38}, kind: ErrRange, differs: "float-overflow"},
	{json: `1e39`, same: []any{1e39, json.Number("1e39")}, kind: ErrRange, differs: "float-overflow"},
	{json: `1e-46`, same: []any{1e-46}, want: `0`},
	{json: `1e-45`, same: []any{1e-45}, want: `1e-45`},
	// Between two float32: rounded once, not first to a float64.
	{json: `1.00000017881393432617187499`, want: `1.0000001`},
	{json: `1.00000017881393432617187501`, want: `1.0000002`},
	{json: `1.000000178813934326171875`, want: `1.0000002`},
	{same: []any{1.000000178813934326171875}, want: `1.0000001`}, // its JSON is 1.0000001788139343
	{json: `1.5`, same: []any{1.5}, want: `1.5`},
	{json: `-0.0`, want: `-0`},
	{same: []any{nan, inf}, kind: ErrRange},
}

var dateTimeCases = []valueCase{
	{json: `"2024-01-02T03:04:05Z"`, same: []any{
		"2024-01-02T03:04:05Z", time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), ptr(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)),
		time.Date(2024, 1, 2, 5, 4, 5, 0, time.FixedZone("x", 7200)), namedString("2024-01-02T03:04:05Z"),
	}, want: `2024-01-02T03:04:05.000Z`},
	{json: `"2024-01-02T03:04:05.678Z"`, same: []any{1704164645678, int64(1704164645678), json.Number("1704164645678"), 1704164645678.0, uint64(1704164645678)}, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02T03:04:05\u005a"`, want: `2024-01-02T03:04:05.000Z`, differs: "escapes-in-values"},
	{json: `1.704164645678e12`, want: `2024-01-02T03:04:05.678Z`, differs: "epoch-forms"},
	{json: `0.0`, want: `1970-01-01T00:00:00.000Z`, differs: "epoch-forms"},
	{json: `"2024-01-02T03:04:05.678901Z"`, same: []any{time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.UTC)}, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02T03:04:05.6789999Z"`, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02T03:04:05.123456789Z"`, want: `2024-01-02T03:04:05.123Z`},
	{json: `"2024-01-02T03:04:05.6Z"`, want: `2024-01-02T03:04:05.600Z`},
	{json: `"2024-01-02T03:04:05.06Z"`, want: `2024-01-02T03:04:05.060Z`},
	{json: `"2024-01-02T03:04:05+02:00"`, want: `2024-01-02T01:04:05.000Z`},
	{json: `"2024-01-02T03:04:05.5-05:30"`, want: `2024-01-02T08:34:05.500Z`},
	{json: `"2024-01-02T03:04:05-00:00"`, want: `2024-01-02T03:04:05.000Z`},
	{json: `"2024-01-02 03:04:05"`, want: `2024-01-02T03:04:05.000Z`},
	{json: `"2024-01-02 03:04:05.6"`, want: `2024-01-02T03:04:05.600Z`},
	{json: `"2024-01-02 03:04:05.678999"`, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02 03:04:05.678Z"`, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02 03:04:05+01:00"`, want: `2024-01-02T02:04:05.000Z`},
	{json: `"2024-01-02T03:04:05"`, want: `2024-01-02T03:04:05.000Z`},
	{json: `"2024-01-02T03:04:05.25"`, want: `2024-01-02T03:04:05.250Z`},
	{json: `"2024-01-02"`, same: []any{"2024-01-02"}, want: `2024-01-02T00:00:00.000Z`},
	{json: `"2024-02-29"`, want: `2024-02-29T00:00:00.000Z`},
	{json: `"2000-02-29"`, want: `2000-02-29T00:00:00.000Z`},
	{json: `"2024-12-31T23:59:59.999Z"`, want: `2024-12-31T23:59:59.999Z`},
	{json: `"1969-12-31 23:59:59.5"`, same: []any{time.UnixMilli(-500)}, want: `1969-12-31T23:59:59.500Z`},
	{json: `"1969-12-31 23:59:59.9999"`, same: []any{time.Unix(-1, 999900000)}, want: `1969-12-31T23:59:59.999Z`},
	{json: `"1970-01-01 00:00:00"`, same: []any{time.Unix(0, 0), 0}, want: `1970-01-01T00:00:00.000Z`},
	{json: `"1970-01-01T00:00:00+01:00"`, want: `1969-12-31T23:00:00.000Z`},
	{json: `"1900-01-01 00:00:00"`, want: `1900-01-01T00:00:00.000Z`},
	{json: `"1899-12-31 23:59:59.999"`, same: []any{time.Date(1899, 12, 31, 23, 59, 59, 999e6, time.UTC)}, kind: ErrRange, differs: "time-range"},
	{json: `"2299-12-31 23:59:59.999"`, same: []any{int64(10413791999999)}, want: `2299-12-31T23:59:59.999Z`},
	{json: `"2300-01-01 00:00:00"`, same: []any{int64(10413792000000)}, kind: ErrRange, differs: "time-range"},
	{json: `"2299-12-31T23:59:59.999-00:01"`, kind: ErrRange, differs: "time-range"},
	{json: `"0001-01-01T00:00:00Z"`, same: []any{time.Time{}, ptr(time.Time{})}, kind: ErrRange, differs: "time-range"},
	{json: `"9999-12-31T23:59:59Z"`, same: []any{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, kind: ErrRange, differs: "time-range"},
	{same: []any{time.Date(100000000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}, kind: ErrRange},
	{json: `"0000-00-00 00:00:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-02-30 00:00:00"`, kind: ErrTimestamp},
	{json: `"2023-02-29 00:00:00"`, kind: ErrTimestamp},
	{json: `"1900-02-29 00:00:00"`, kind: ErrTimestamp},
	{json: `"2024-04-31"`, kind: ErrTimestamp},
	{json: `"2024-13-01 00:00:00"`, kind: ErrTimestamp},
	{json: `"2024-00-01 00:00:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-00 00:00:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02 24:00:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02 23:60:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02 23:59:60"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02 03:04"`, want: `2024-01-02T03:04:00.000Z`},
	{json: `"2024-01-02T03:04Z"`, want: `2024-01-02T03:04:00.000Z`},
	{json: `"2024-01-02 03:04:"`, kind: ErrTimestamp},
	{json: `"2024-01-02 03:04:0"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-1-2 3:4:5"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02  03:04:05"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05."`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05.Z"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05.1234567890Z"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05+0200"`, want: `2024-01-02T01:04:05.000Z`},
	{json: `"2024-01-02T03:04:05.5-02"`, want: `2024-01-02T05:04:05.500Z`},
	{json: `"2024-01-02 03:04:05.678 +0000 UTC"`, want: `2024-01-02T03:04:05.678Z`},
	{json: `"2024-01-02 03:04:05 +02:30"`, want: `2024-01-02T00:34:05.000Z`},
	{json: `"2024-01-02 03:04:05 GMT"`, want: `2024-01-02T03:04:05.000Z`},
	{json: `"2024-01-02 03:04:05 +0200 UTC"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02 03:04:05 +0200 CEST"`, kind: ErrTimestamp},
	{json: `"2024-01-02 03:04:05 CEST"`, kind: ErrTimestamp},
	{json: `"2024-01-02T03:04:05+020"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"Tue, 02 Jan 2024 03:04:05 GMT"`, want: `2024-01-02T03:04:05.000Z`},
	{json: `"Mon, 02 Jan 2024 03:04:05 GMT"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"Tue, 02 Jan 2024 03:04:05 CET"`, kind: ErrTimestamp},
	{json: `"2024-01-02T03:04:05+24:00"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05+02:60"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"20240102"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"1704164645"`, same: []any{"1704164645"}, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"1704164645.678"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02t03:04:05z"`, kind: ErrTimestamp},
	{json: `"2024-01-02T03:04:05,678Z"`, kind: ErrTimestamp},
	{json: `" 2024-01-02T03:04:05Z"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05Z "`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `"2024-01-02T03:04:05ZZ"`, kind: ErrTimestamp, differs: "time-forms"},
	{json: `""`, same: []any{""}, kind: ErrTimestamp},
	{json: `"now"`, same: []any{"now"}, kind: ErrTimestamp},
	{json: `1704164645678`, want: `2024-01-02T03:04:05.678Z`},
	{json: `100000000000`, same: []any{int64(100000000000)}, want: `1973-03-03T09:46:40.000Z`},
	{json: `-100000000000`, want: `1966-10-31T14:13:20.000Z`},
	{json: `1.704164645678e12`, want: `2024-01-02T03:04:05.678Z`, differs: "integer-forms"},
	{json: `0`, want: `1970-01-01T00:00:00.000Z`},
	{json: `1704164645`, same: []any{1704164645, 1704164645.0, json.Number("1704164645")}, kind: ErrTimestamp, differs: "epoch-seconds"},
	{json: `99999999999`, kind: ErrTimestamp, differs: "epoch-seconds"},
	{json: `-1`, same: []any{-1}, kind: ErrTimestamp, differs: "epoch-seconds"},
	{json: `1704164645.678`, same: []any{1704164645.678}, kind: ErrTimestamp},
	{json: `1704164645678901`, kind: ErrRange, differs: "time-range"},
	{json: `1704164645678901234`, kind: ErrRange, differs: "time-range"},
	{json: `99999999999999999999`, kind: ErrRange, differs: "time-range"},
	{json: `-2208988800000`, want: `1900-01-01T00:00:00.000Z`},
	{json: `-2208988800001`, kind: ErrRange, differs: "time-range"},
	{json: `true`, same: []any{true}, kind: ErrType},
	{json: `null`, same: []any{nil, (*time.Time)(nil)}, kind: ErrNull, differs: "null"},
	{json: `{}`, kind: ErrType},
}

var dateCases = []valueCase{
	{json: `"2024-01-02"`, same: []any{"2024-01-02", time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 2, 2, 0, 0, 0, time.FixedZone("x", 7200))}, want: `2024-01-02`},
	{json: `"2024-01-02T00:00:00Z"`, same: []any{"2024-01-02T00:00:00Z"}, want: `2024-01-02`, differs: "date-midnight"},
	{json: `"2024-01-02 00:00:00"`, want: `2024-01-02`, differs: "date-midnight"},
	{json: `"2024-01-02T00:00:01Z"`, same: []any{time.Date(2024, 1, 2, 0, 0, 1, 0, time.UTC)}, kind: ErrPrecision},
	{json: `"2024-01-02T00:00:00.0001Z"`, same: []any{time.Date(2024, 1, 2, 0, 0, 0, 100_000, time.UTC), time.Date(2024, 1, 2, 0, 0, 0, 1, time.UTC)}, kind: ErrPrecision},
	{json: `"2024-01-02T00:00:00.000000000Z"`, want: `2024-01-02`, differs: "date-midnight"},
	{json: `"2024-01-02 02:00:00.000+02:00"`, want: `2024-01-02`, differs: "date-midnight"},
	{json: `"2024\u002d01-02"`, want: `2024-01-02`, differs: "escapes-in-values"},
	{json: `"2024-01-02T00:00:00+01:00"`, same: []any{time.Date(2024, 1, 2, 0, 0, 0, 0, time.FixedZone("x", 3600))}, kind: ErrPrecision},
	{json: `"1970-01-01"`, same: []any{time.Unix(0, 0)}, want: `1970-01-01`},
	{json: `"1969-12-31"`, same: []any{time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), "1969-12-31"}, kind: ErrRange, differs: "date-range"},
	{json: `"2149-06-06"`, want: `2149-06-06`},
	{json: `"2149-06-07"`, same: []any{time.Date(2149, 6, 7, 0, 0, 0, 0, time.UTC)}, kind: ErrRange, differs: "date-range"},
	{same: []any{time.Time{}, time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}, kind: ErrRange},
	{json: `"2024-02-30"`, kind: ErrTimestamp, differs: "date-forms"},
	{json: `"2024-1-2"`, kind: ErrTimestamp, differs: "date-forms"},
	{json: `"20240102"`, kind: ErrTimestamp, differs: "date-forms"},
	{json: `"0000-00-00"`, kind: ErrTimestamp, differs: "date-forms"},
	{json: `"2024-01"`, kind: ErrTimestamp},
	{json: `""`, same: []any{""}, kind: ErrTimestamp},
	{json: `19724`, same: []any{19724, json.Number("19724")}, kind: ErrType, differs: "date-numbers"},
	{json: `null`, same: []any{nil}, kind: ErrNull, differs: "null"},
}

var uuidCases = []valueCase{
	{json: `"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`, same: []any{
		"61f0c404-5cb3-11e7-907b-a6006ad3dba0", guuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
		ptr(guuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0")), "61F0C404-5CB3-11E7-907B-A6006AD3DBA0",
	}, want: `61f0c404-5cb3-11e7-907b-a6006ad3dba0`},
	{json: `"61F0C404-5CB3-11E7-907B-A6006AD3DBA0"`, want: `61f0c404-5cb3-11e7-907b-a6006ad3dba0`},
	{json: `"61f0c4045cb311e7907ba6006ad3dba0"`, same: []any{"61f0c4045cb311e7907ba6006ad3dba0"}, want: `61f0c404-5cb3-11e7-907b-a6006ad3dba0`},
	{json: `"61f0c404\u002d5cb3-11e7-907b-a6006ad3dba0"`, want: `61f0c404-5cb3-11e7-907b-a6006ad3dba0`, differs: "escapes-in-values"},
	{json: `"00000000-0000-0000-0000-000000000000"`, same: []any{guuid.Nil}, want: `00000000-0000-0000-0000-000000000000`},
	{json: `"ffffffff-ffff-ffff-ffff-ffffffffffff"`, want: `ffffffff-ffff-ffff-ffff-ffffffffffff`},
	{json: `"{61f0c404-5cb3-11e7-907b-a6006ad3dba0}"`, kind: ErrFormat},
	{json: `"61f0c404-5cb3-11e7-907b-a6006ad3dba"`, kind: ErrFormat},
	{json: `"61f0c404-5cb3-11e7-907b-a6006ad3dbag"`, same: []any{"61f0c404-5cb3-11e7-907b-a6006ad3dbag"}, kind: ErrFormat},
	{json: `"61f0c404-5cb311e7-907b-a6006ad3dba0-"`, kind: ErrFormat},
	{json: `""`, same: []any{""}, kind: ErrFormat},
	{json: `1`, same: []any{1}, kind: ErrType},
	{json: `null`, same: []any{nil, (*guuid.UUID)(nil)}, kind: ErrNull, differs: "null"},
	{same: []any{[]byte("0123456789abcdef"), [16]byte{}}, kind: ErrType},
}

var decimal9Cases = []valueCase{
	{json: `1`, same: []any{1, int8(1), uint64(1), 1.0, json.Number("1.00"), "1"}, want: `1`},
	{json: `1.55`, same: []any{1.55, float32(1.55), json.Number("1.55"), "1.55", ptr("1.55")}, want: `1.55`},
	{json: `-1.55`, same: []any{-1.55}, want: `-1.55`},
	{json: `1.550`, same: []any{"1.550"}, want: `1.55`},
	{json: `1.5e1`, want: `15`},
	{json: `155e-2`, want: `1.55`},
	{json: `1E2`, want: `100`},
	{json: `"1e2"`, same: []any{"1e2"}, want: `100`},
	{json: `0.1`, same: []any{0.1}, want: `0.1`},
	{json: `-0`, want: `0`},
	{json: `0e400`, want: `0`, differs: "decimal-forms"},
	{json: `1000000000e-4`, want: `100000`, differs: "decimal-forms"},
	{json: `"1000000000e-4"`, want: `100000`, differs: "decimal-forms"},
	{json: `"\u0031"`, want: `1`, differs: "escapes-in-values"},
	{json: `-0.000`, want: `0`},
	{json: `9999999.99`, same: []any{9999999.99, "9999999.99"}, want: `9999999.99`},
	{json: `-9999999.99`, want: `-9999999.99`},
	{json: `10000000`, same: []any{10000000}, kind: ErrRange},
	{json: `9999999.999`, same: []any{"9999999.999"}, kind: ErrPrecision, differs: "decimal-rounding"},
	{json: `1.555`, same: []any{1.555, "1.555", json.Number("1.555")}, kind: ErrPrecision, differs: "decimal-rounding"},
	{json: `1e-3`, kind: ErrPrecision, differs: "decimal-rounding"},
	{json: `0.000000000000000000000000000000000000000000001`, kind: ErrPrecision, differs: "decimal-rounding"},
	{json: `1e400`, same: []any{json.Number("1e400")}, kind: ErrRange},
	{json: `100000000000000000000000000000000000000000000000000`, kind: ErrRange},
	{json: `"abc"`, same: []any{"abc"}, kind: ErrFormat},
	{json: `""`, same: []any{""}, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `".5"`, same: []any{".5"}, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `"5."`, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `"+1"`, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `"01"`, kind: ErrFormat, differs: "quoted-numbers"},
	{json: `" 1"`, kind: ErrFormat},
	{json: `01`, kind: ErrSyntax, differs: "number-grammar"},
	{json: `true`, same: []any{true}, kind: ErrType},
	{json: `null`, same: []any{nil}, kind: ErrNull, differs: "null"},
	{same: []any{nan, inf, float32(nan)}, kind: ErrRange},
}

var decimal18Cases = []valueCase{
	{json: `123456789012.654321`, same: []any{"123456789012.654321", json.Number("123456789012.654321")}, want: `123456789012.654321`},
	{json: `999999999999.999999`, want: `999999999999.999999`},
	{json: `-999999999999.999999`, want: `-999999999999.999999`},
	{json: `1000000000000`, same: []any{1e12}, kind: ErrRange},
	{json: `0.0000001`, same: []any{1e-7}, kind: ErrPrecision, differs: "decimal-rounding"},
}

var decimal38Cases = []valueCase{
	{json: `1234567890123456789012345678.1234567890`, same: []any{"1234567890123456789012345678.1234567890"}, want: `1234567890123456789012345678.123456789`},
	{json: `-9999999999999999999999999999.9999999999`, want: `-9999999999999999999999999999.9999999999`},
	{json: `9999999999999999999999999999.9999999999`, want: `9999999999999999999999999999.9999999999`},
	{json: `10000000000000000000000000000`, kind: ErrRange},
	{json: `9007199254740993.0000000001`, want: `9007199254740993.0000000001`},
	{json: `18446744073709551616`, want: `18446744073709551616`},
	{json: `-18446744073709551616`, want: `-18446744073709551616`},
	{json: `-1844674407.3709551616`, want: `-1844674407.3709551616`},
	{json: `0.12345678901`, kind: ErrPrecision, differs: "decimal-rounding"},
}

var decimal38x38Cases = []valueCase{
	{json: `0.12345678901234567890123456789012345678`, want: `0.12345678901234567890123456789012345678`},
	{json: `-0.99999999999999999999999999999999999999`, want: `-0.99999999999999999999999999999999999999`},
	{json: `1e-38`, want: `0.00000000000000000000000000000000000001`},
	{json: `1e-39`, kind: ErrPrecision, differs: "decimal-rounding"},
	{json: `1`, kind: ErrRange},
	{json: `0.999999999999999999999999999999999999999999`, kind: ErrPrecision, differs: "decimal-rounding"},
}

var enumCases = []valueCase{
	{json: `"low"`, same: []any{"low", namedString("low"), textual{"low"}}, want: `"low"`},
	{json: `"high"`, same: []any{"high"}, want: `"high"`},
	{json: `"\u0068igh"`, want: `"high"`},
	{json: `"a \"b\"'"`, same: []any{`a "b"'`}, want: `"a \"b\"'"`},
	{json: `"Low"`, same: []any{"Low"}, kind: ErrFormat},
	{json: `""`, same: []any{""}, kind: ErrFormat},
	{json: `1`, same: []any{1, namedInt(1)}, kind: ErrType, differs: "enum-numbers"},
	{json: `"1"`, same: []any{"1"}, kind: ErrFormat, differs: "enum-numbers"},
	{json: `null`, same: []any{nil}, kind: ErrNull, differs: "null"}, // and then cannot read it
}

var mapCases = []valueCase{
	{json: `{}`, same: []any{map[string]string{}, map[string]any{}, json.RawMessage("{}")}, want: `{}`},
	{json: `{"a":"b","c":"d\n"}`, same: []any{map[string]string{"a": "b", "c": "d\n"}, map[string]any{"a": "b", "c": "d\n"}}, want: `{"a":"b" "c":"d\n"}`},
	{json: ` { "" : "" } `, same: []any{map[string]string{"": ""}}, want: `{"":""}`},
	{json: `{"a":1}`, same: []any{map[string]any{"a": 1}, map[string]int{"a": 1}}, kind: ErrType, differs: "text-of-other-values"},
	{json: `{"a":null}`, same: []any{map[string]any{"a": nil}}, kind: ErrNull, differs: "null"},
	{json: `{"a":{"b":"c"}}`, kind: ErrType, differs: "text-of-other-values"},
	{json: `{"a":"1","a":"2"}`, kind: ErrDuplicateKey, differs: "map-duplicates"},
	{json: `{"a":"1","\u0061":"2"}`, kind: ErrDuplicateKey, differs: "map-duplicates"},
	{json: `{"a":"1",}`, kind: ErrSyntax, differs: "trailing-commas"},
	{json: `{"a" "1"}`, kind: ErrSyntax},
	{json: `{a:"1"}`, kind: ErrSyntax},
	{json: `{1:"1"}`, kind: ErrSyntax, differs: "map-keys"},
	{json: `{"a":"1"`, kind: ErrSyntax},
	{json: `[]`, same: []any{[]string{}}, kind: ErrType},
	{json: `"a"`, same: []any{"a"}, kind: ErrType},
	{json: `null`, same: []any{nil, map[string]string(nil)}, kind: ErrNull, differs: "null"},
	{same: []any{map[string]string{"a": "\xff"}, map[string]string{"\xff": "a"}, map[string]any{"a": "\xff"}}, kind: ErrUTF8},
}

var jsonCases = []valueCase{
	{json: `{"a": [1, 2.50,  {"b":"\u00e9\/"}]}`, same: []any{json.RawMessage(` {"a": [1, 2.50,  {"b":"\u00e9\/"}]}` + "\n")}, want: `"{\"a\": [1, 2.50,  {\"b\":\"\\u00e9\\/\"}]}"`},
	{json: `{"a":1,"b":"<&>"}`, same: []any{
		map[string]any{"a": 1, "b": "<&>"},
		struct {
			A int    `json:"a"`
			B string `json:"b"`
		}{1, "<&>"},
	}, want: `"{\"a\":1,\"b\":\"<&>\"}"`},
	{json: `{}`, same: []any{map[string]any{}, struct{}{}}, want: `"{}"`},
	{json: `[]`, same: []any{[]any{}, []string{}}, want: `"[]"`},
	{json: `1`, same: []any{1, uint8(1), 1.0, json.Number("1")}, want: `"1"`},
	{json: `1.50`, same: []any{json.Number("1.50")}, want: `"1.50"`},
	{json: `1e400`, same: []any{json.Number("1e400")}, want: `"1e400"`},
	{json: `-0`, want: `"-0"`},
	{json: `true`, same: []any{true}, want: `"true"`},
	{json: `"abc"`, same: []any{`"abc"`, namedString(`"abc"`), ptr(`"abc"`), textual{"abc"}, json.RawMessage(`"abc"`)}, want: `"\"abc\""`, differs: "json-strings"},
	{json: `{"k": [1, "\u00e9"]}`, same: []any{`{"k": [1, "\u00e9"]}`, ptr(ptr(`{"k": [1, "\u00e9"]}`))}, want: `"{\"k\": [1, \"\\u00e9\"]}"`},
	{json: `{"k":"v"}`, same: []any{map[string]string{"k": "v"}}, want: `"{\"k\":\"v\"}"`},
	{json: `["k"]`, same: []any{[]string{"k"}, []any{"k"}}, want: `"[\"k\"]"`},
	{same: []any{"abc", "", "{", "{} {}", namedString("abc"), "\"\x80\"", `"\ud800"`, ptr("abc")}, kind: ErrSyntax},
	{json: `"\ud83d\ude00"`, want: `"\"\\ud83d\\ude00\""`, differs: "json-strings"},
	{json: `[{"a":1},{"a":1,"a":2}]`, want: `"[{\"a\":1},{\"a\":1,\"a\":2}]"`},
	{json: `null`, same: []any{nil, map[string]any(nil), (*int)(nil), json.RawMessage("null")}, kind: ErrNull, differs: "null"},
	{json: `{"a":1`, kind: ErrSyntax},
	{json: `[1,]`, same: []any{json.RawMessage("[1,]")}, kind: ErrSyntax, differs: "json-loose"},
	{json: `{"a":1,}`, same: []any{json.RawMessage(`{"a":1,}`)}, kind: ErrSyntax, differs: "json-loose"},
	{json: `[1 2]`, kind: ErrSyntax, differs: "json-loose"},
	{json: `{"a" 1}`, kind: ErrSyntax, differs: "json-loose"},
	{json: `{"a":01}`, kind: ErrSyntax, differs: "json-loose"},
	{json: `[1}`, kind: ErrSyntax},
	{json: `{"a":1]`, kind: ErrSyntax},
	{json: `{a:1}`, kind: ErrSyntax, differs: "json-loose"},
	{json: `["\ud800"]`, same: []any{json.RawMessage(`["\ud800"]`)}, kind: ErrUTF8, differs: "json-loose"},
	{json: "[\"\xff\"]", same: []any{json.RawMessage("[\"\xff\"]"), []string{"\xff"}, map[string]any{"\xff": 1}, struct{ S any }{ptr("\xff")}}, kind: ErrUTF8, differs: "json-loose"},
	{json: strings.Repeat("[", 511) + strings.Repeat("]", 511), want: `"` + strings.Repeat("[", 511) + strings.Repeat("]", 511) + `"`},
	{json: strings.Repeat("[", 512) + strings.Repeat("]", 512), kind: ErrDepth, differs: "depth"},
	{same: []any{[]byte("{}"), namedBytes("{}")}, kind: ErrType},
	{same: []any{nan, map[string]any{"a": inf}, make(chan int)}, kind: ErrType},
	{same: []any{"\xff"}, kind: ErrUTF8},
}

var nullableJSONCases = []valueCase{
	{json: `null`, same: []any{nil, map[string]any(nil)}, want: `NULL`},
	{json: `{"a":null}`, same: []any{map[string]any{"a": nil}}, want: `"{\"a\":null}"`},
	{json: `[]`, same: []any{[]int{}}, want: `"[]"`},
}

var nativeJSONCases = []valueCase{
	{json: `{}`, same: []any{map[string]any{}, struct{}{}, json.RawMessage("{}")}, want: `{}`},
	{json: `{"a":1,"b":{"c":[1,2.5,"x",null,true]}}`, same: []any{map[string]any{"a": 1, "b": map[string]any{"c": []any{1, 2.5, "x", nil, true}}}}, want: `{"a":1,"b":{"c":[1,2.5,"x",null,true]}}`},
	{json: `{"a":[{"b":1},{"b":2}]}`, want: `{"a":[{"b":1},{"b":2}]}`},
	{json: `{"a.b":1,"a":{"c":2}}`, want: `{"a.b":1,"a":{"c":2}}`},
	{json: `{"a":18446744073709551615,"b":-9223372036854775808}`, want: `{"a":18446744073709551615,"b":-9223372036854775808}`},
	{json: `{"a":1,"a":2}`, same: []any{json.RawMessage(`{"a":1,"a":2}`)}, kind: ErrDuplicateKey},
	{json: `{"a":{"b":1},"a":{"c":2}}`, kind: ErrDuplicateKey},
	{json: `{"a":1,"a.b":2}`, want: `{"a":1,"a.b":2}`},
	{json: `{"a":{},"a.b":2}`, want: `{"a":{},"a.b":2}`},
	{json: `{"":{"":1}}`, want: `{"":{"":1}}`},
	{json: `{"a":[[{"b":1}],[{"b":[{"c":null}]}]]}`, want: `{"a":[[{"b":1}],[{"b":[{"c":null}]}]]}`},
	{json: `{"a":[{"b":{"c":1},"b.c":1}]}`, kind: ErrDuplicateKey},
	{json: `{"a":-0,"b":1.0,"c":1e5,"d":-0.0,"e":1e-400}`, want: `{"a":-0,"b":1.0,"c":1e5,"d":-0.0,"e":1e-400}`},
	{json: `{"a":123456789012345678901234567890.5}`, want: `{"a":123456789012345678901234567890.5}`},
	{json: `{"a":"x\u0000y\n\"","b\"\\":"日"}`, want: `{"a":"x\u0000y\n\"","b\"\\":"日"}`},
	{json: `{"a":"2024-01-01","b":"2024-01-01 00:00:00","c":true,"d":null,"e":[],"f":[[]]}`, want: `{"a":"2024-01-01","b":"2024-01-01 00:00:00","c":true,"d":null,"e":[],"f":[[]]}`},
	{json: `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, want: `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`},
	{json: strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), want: strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)},
	{json: `{"a.b":1,"a":{"b":2}}`, same: []any{map[string]any{"a.b": 1, "a": map[string]any{"b": 2}}}, kind: ErrDuplicateKey},
	{json: `{"a":[{"b":1,"b":2}]}`, kind: ErrDuplicateKey},
	{json: `{"a.b":{"c":1},"a":{"b":{"d":1}}}`, kind: ErrDuplicateKey, differs: "native-json-paths"},
	{json: `{"a.b":{},"a":{"b":1}}`, kind: ErrDuplicateKey, differs: "native-json-paths"},
	{json: `{"a":18446744073709551616}`, same: []any{map[string]any{"a": json.Number("18446744073709551616")}}, kind: ErrRange},
	{json: `{"a":-9223372036854775809}`, kind: ErrRange},
	{json: `{"a":[1e400]}`, kind: ErrRange},
	{json: `{"a":[9007199254740992,-9007199254740992,1e300,18446744073709551615.0]}`, want: `{"a":[9007199254740992,-9007199254740992,1e300,18446744073709551615.0]}`},
	{json: `{"a":"2024-01-01T00:00:00.5+02:00"}`, want: `{"a":"2024-01-01T00:00:00.5+02:00"}`, differs: "native-json-inference"},
	{json: `{"a":["s",false]}`, want: `{"a":["s",false]}`, differs: "native-json-inference"},
	{json: `{"a":[9007199254740993,0.5]}`, kind: ErrPrecision, differs: "native-json-arrays"},
	{json: `{"a":[-9007199254740993]}`, kind: ErrPrecision, differs: "native-json-arrays"},
	{json: `{"a":[["x"],[18446744073709551615]]}`, kind: ErrPrecision, differs: "native-json-arrays"},
	{json: `{"a":[{"b":9007199254740993},{"b":0.5}]}`, want: `{"a":[{"b":9007199254740993},{"b":0.5}]}`},
	{json: `{"a":[null]}`, kind: ErrNull, differs: "native-json-arrays"},
	{json: `{"a":[[1],null]}`, kind: ErrNull, differs: "native-json-arrays"},
	{json: `{"a":[{"b":1},null]}`, kind: ErrNull, differs: "native-json-arrays"},
	{json: `{"a":[null,{"b":1},"x"]}`, want: `{"a":[null,{"b":1},"x"]}`},
	{json: `[1]`, same: []any{[]int{1}}, kind: ErrType},
	{json: `1`, same: []any{1}, kind: ErrType},
	{json: `"x"`, same: []any{"x", `{"a":1}`}, kind: ErrType},
	{json: `null`, same: []any{nil, map[string]any(nil)}, kind: ErrNull, differs: "null"},
	{json: `{"a":"\ud800"}`, kind: ErrUTF8},
}

var arrayStringCases = []valueCase{
	{json: `[]`, same: []any{[]string{}, []any{}, namedStrings{}, [0]string{}}, want: `[]`},
	{json: `["a","b\n"]`, same: []any{[]string{"a", "b\n"}, []any{"a", "b\n"}, namedStrings{"a", "b\n"}, [2]string{"a", "b\n"}, []namedString{"a", "b\n"}, []*string{ptr("a"), ptr("b\n")}, ptr([]string{"a", "b\n"})}, want: `["a" "b\n"]`},
	{json: ` [ "a" , "a" ] `, want: `["a" "a"]`},
	{json: `["a",null]`, same: []any{[]any{"a", nil}, []*string{ptr("a"), nil}}, kind: ErrNull, differs: "null"},
	{json: `["a",1]`, same: []any{[]any{"a", 1}}, kind: ErrType, differs: "text-of-other-values"},
	{json: `[["a"]]`, same: []any{[][]string{{"a"}}}, kind: ErrType, differs: "text-of-other-values"},
	{json: `["a",]`, kind: ErrSyntax, differs: "trailing-commas"},
	{json: `["a"`, kind: ErrSyntax},
	{json: `["a""b"]`, kind: ErrSyntax},
	{json: `[,"a"]`, kind: ErrSyntax},
	{json: `"a"`, same: []any{"a"}, kind: ErrType},
	{json: `{}`, same: []any{map[string]any{}}, kind: ErrType},
	{json: `null`, same: []any{nil, []string(nil), []any(nil), namedStrings(nil)}, kind: ErrNull, differs: "null"},
	{same: []any{[]string{"a", "\xff"}, []any{"\xff"}}, kind: ErrUTF8},
}

var arrayUInt8Cases = []valueCase{
	{json: `[1,255]`, same: []any{[]int{1, 255}, []any{1, 255.0}, []float64{1, 255}, [2]uint8{1, 255}, []int16{1, 255}}, want: `[1 255]`},
	{json: `[1,256]`, same: []any{[]int{1, 256}}, kind: ErrRange, differs: "integer-overflow"},
	{json: `[]`, same: []any{[]int{}, [0]uint8{}}, want: `[]`},
	{same: []any{[]uint8{1, 2}}, kind: ErrType}, // base64 in JSON
}

var arrayJSONCases = []valueCase{
	{json: `[{"a": 1},[],2,true]`, same: []any{[]any{json.RawMessage(`{"a": 1}`), []int{}, 2, true}}, want: `["{\"a\": 1}" "[]" "2" "true"]`},
	{json: `[null]`, same: []any{[]any{nil}}, kind: ErrNull, differs: "null"},
	{json: `["a"]`, same: []any{[]any{`"a"`}, []string{`"a"`}, []namedString{`"a"`}, [1]string{`"a"`}}, want: `["\"a\""]`, differs: "json-strings"},
	{same: []any{[]any{"a"}, []string{"a"}}, kind: ErrSyntax},
}

var arrayTimeCases = []valueCase{
	{json: `["2024-01-02T03:04:05Z",0]`, same: []any{[]time.Time{time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), time.Unix(0, 0)}}, want: `[2024-01-02T03:04:05.000Z 1970-01-01T00:00:00.000Z]`},
	{json: `["2024-13-02"]`, same: []any{[]string{"2024-13-02"}}, kind: ErrTimestamp},
}
