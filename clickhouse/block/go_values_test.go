package block

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	guuid "github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// own marshals itself as the JSON that it is.
type own string

func (o own) MarshalJSON() ([]byte, error) { return []byte(o), nil }

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("on purpose") }

// endless has no end, and no JSON.
type endless struct{ Next *endless }

func endlessValue() *endless {
	e := &endless{}
	e.Next = e
	return e
}

// stored is a Go value and what becomes of it.
type stored struct {
	v    any
	want string
}

// goValues are Go values that services have recorded, by type of the field.
var goValues = []struct {
	field   fact.Field
	stored  []stored
	refused []any
}{
	{fact.Field{Type: fact.String}, []stored{
		{namedString("x"), `"x"`},
		{json.RawMessage(`"\u0041"`), `"A"`},
		{textual{"t"}, `"t"`},
		{own(`"m"`), `"m"`},
		{netip.MustParseAddr("1.2.3.4"), `"1.2.3.4"`},
		{time.Unix(0, 0).UTC(), `"1970-01-01T00:00:00Z"`},
	}, []any{
		"a\x80", []byte("a"), 5, nil, json.RawMessage(`"\ud800"`), json.RawMessage(`"a" "b"`), json.RawMessage(``), json.RawMessage(nil),
		json.RawMessage("\"a\x01\""), own("m"), own("null"),
		panicking{},
		true, 'x', error(nil),
		textual{"\x80"},
		own("\"\x80\""),
	}},
	{fact.Field{Type: fact.UInt8}, []stored{
		{255.0, "255"},
		{json.Number("1e2"), "100"},
		{namedInt(7), "7"},
		{json.RawMessage("-0"), "0"},
		{math.Copysign(0, -1), "0"},
		{time.Duration(5), "5"},
		{big.NewInt(5), "5"},
	}, []any{
		256, -1, 1.5, "1", json.Number(""), json.Number("1 "), json.Number("+1"), json.Number("0x1"), json.Number("NaN"), true, (*int)(nil), nan,
	}},
	{fact.Field{Type: fact.Int64}, []stored{
		{float64(1 << 53), "9007199254740992"}, {1e18, "1000000000000000000"}, {float32(1 << 24), "16777216"}, {"12", "12"}, {uintptr(3), "3"},
	}, []any{
		uint64(math.MaxUint64), uint64(1 << 63), float64(1 << 62), 1e19, float32(1 << 30), "+12", " 12", "12.0",
		new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil),
		[]float64{1 << 62},
		ptr(float64(1 << 62)), namedFloat(1 << 30),
	}},
	{fact.Field{Type: fact.Int64, Array: true}, []stored{{[]any{1.0, 2}, "[1 2]"}}, []any{[]float64{1 << 62}, []any{float64(1 << 62)}, [][]int{{1}}}},
	{fact.Field{Type: fact.UInt64}, []stored{{uint64(math.MaxUint64), "18446744073709551615"}}, []any{float64(1 << 63), inf}},
	{fact.Field{Type: fact.Float64}, []stored{
		{float32(0.1), "0.1"}, {json.Number("1e-400"), "0"}, {int64(1<<53 + 1), "9.007199254740992e+15"}, {uint64(math.MaxUint64), "1.8446744073709552e+19"},
	}, []any{nan, -inf, json.Number("1e400"), "1.5", complex(1, 0)}},
	{fact.Field{Type: fact.Float32}, []stored{{0.1, "0.1"}, {3.4028235677973366e38, "3.4028235e+38"}}, []any{1e39, float32(inf), 3.402823567797337e38}},
	{fact.Field{Type: fact.Bool}, []stored{{json.RawMessage("true"), "true"}}, []any{1, "true", nil}},
	{fact.Field{Type: fact.Bool, Nullable: true}, []stored{{(*bool)(nil), "NULL"}}, nil},
	{fact.Field{Type: fact.DateTime64}, []stored{
		{time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), "1900-01-01T00:00:00.000Z"},
		{time.Date(2299, 12, 31, 23, 59, 59, 999999999, time.UTC), "2299-12-31T23:59:59.999Z"},
		{time.Date(1960, 1, 1, 0, 0, 0, 999, time.UTC), "1960-01-01T00:00:00.000Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), "1969-12-31T23:59:59.999Z"},
		{time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3601)), "2024-01-02T02:04:04.000Z"},
		{int64(1704164645678), "2024-01-02T03:04:05.678Z"},
		{1704164645678.0, "2024-01-02T03:04:05.678Z"},
	}, []any{
		time.Time{},
		time.Date(1899, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), 1704164645,
		time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", 25*3600)),
	}},
	{fact.Field{Type: fact.Date}, []stored{{time.Date(2024, 1, 2, 1, 0, 0, 0, time.FixedZone("", 3600)), "2024-01-02"}}, []any{
		time.Date(2024, 1, 2, 0, 0, 0, 1, time.UTC), time.Date(2024, 1, 2, 0, 0, 0, 0, time.FixedZone("", 3600)), 19000,
		time.Date(2024, 1, 2, 0, 0, 0, 0, time.FixedZone("", 3601)),
	}},
	{fact.Field{Type: fact.UUID}, []stored{{guuid.UUID{15: 1}, "00000000-0000-0000-0000-000000000001"}}, []any{
		[16]byte{1}, "", []byte("0123456789abcdef"),
	}},
	{fact.Field{Type: fact.Decimal, Precision: 9, Scale: 2}, []stored{
		{0.1, "0.1"},
		{float32(0.1), "0.1"},
		{9999999.99, "9999999.99"},
		{decimal.RequireFromString("1.50"), "1.5"},
		{json.Number("150e-2"), "1.5"},
		{big.NewInt(3), "3"},
		{math.Copysign(0, -1), "0"},
	}, []any{0.125, 10000000, decimal.RequireFromString("1.505"), "1.5 ", "", nan, "١"}},
	{fact.Field{Type: fact.Enum, Values: []string{"a", "�"}}, []stored{{namedString("a"), `"a"`}}, []any{"c", 1, "", textual{"\x80"}}},
	{fact.Field{Type: fact.StringMap}, []stored{
		{map[string]any{"a": "x"}, `{"a":"x"}`}, {map[int]string{1: "x"}, `{"1":"x"}`}, {struct{ A string }{"x"}, `{"A":"x"}`}, {map[string]string{}, "{}"},
	}, []any{
		map[string]string(nil),
		map[string]any{"a": 1},
		map[string]string{"a\x80": "b"},
		map[string]string{"a": "b\x80"},
		json.RawMessage(`{"a":"1","a":"2"}`),
		map[string]*string{"a": nil},
		map[namedString]namedString{"\x80": "\x80"},
	}},
	{fact.Field{Type: fact.JSON}, []stored{
		{json.RawMessage(` {"a" : 1} `), `"{\"a\" : 1}"`},
		{map[string]any{"b": "<>&", "a": []int(nil)}, `"{\"a\":null,\"b\":\"<>&\"}"`},
		{map[string]any{"x": json.RawMessage(`{"a" : 1}`)}, `"{\"x\":{\"a\":1}}"`},
		{1e21, `"1e+21"`},
		{json.Number("1.0"), `"1.0"`},
		{[]any{nil}, `"[null]"`},
		{[]any{time.Time{}}, `"[\"0001-01-01T00:00:00Z\"]"`},
		{`{"a" : 1}`, `"{\"a\" : 1}"`},
	}, []any{
		"abc", nil, []byte("{}"), json.RawMessage(`{`), json.RawMessage(`null`), json.RawMessage(nil),
		map[string]any{"a": nan},
		endlessValue(),
		make(chan int), func() {}, json.RawMessage(strings.Repeat("[", 600) + strings.Repeat("]", 600)),
		map[string]any{"a": []byte("x")},
		map[string]any{"a\x80": 1},
		[]any{"\x80"},
		panicking{},
		json.RawMessage(`"\ud800"`),
		textual{"\x80"},
		[]textual{{"\x80"}},
		map[string]textual{"k": {"\x80"}},
		map[textual]string{{"\x80"}: "x"},
		map[string]any{"a": textual{"\x80"}},
		struct{ A string }{"\x80"},
		struct{ A textual }{textual{"\x80"}},
		map[string]any{"a": struct{ B namedString }{"\x80"}},
	}},
	{fact.Field{Type: fact.JSON, Nullable: true}, []stored{{json.RawMessage(nil), "NULL"}, {json.RawMessage("null"), "NULL"}, {"null", "NULL"}}, []any{json.RawMessage{}}},
	{fact.Field{Type: fact.JSON, Array: true}, []stored{{[]json.RawMessage{json.RawMessage(`{"a" : 1}`)}, `["{\"a\" : 1}"]`}}, []any{[]any{nil}, []json.RawMessage{nil}}},
	{fact.Field{Type: fact.NativeJSON}, []stored{{map[string]any{"a": 1e300}, `{"a":1e+300}`}}, []any{
		[]int{1}, json.RawMessage(`{"a":1,"a":2}`), json.RawMessage(`{"a.b":1,"a":{"b":2}}`), "{}",
	}},
	{fact.Field{Type: fact.String, Array: true}, []stored{{[2]string{"a", "b"}, `["a" "b"]`}, {[]any{}, "[]"}, {[]namedString{"a"}, `["a"]`}}, []any{
		[]string(nil), []any{"a", nil}, []string{"\x80"}, []namedString{"\x80"}, []textual{{"\x80"}}, "a", json.RawMessage(`["a",]`),
	}},
	{fact.Field{Type: fact.UInt8, Array: true}, []stored{{[2]byte{1, 2}, "[1 2]"}}, []any{[]byte{1, 2}, []uint8{1}, []int{1, 256}}},
	{fact.Field{Type: fact.Float64, Array: true}, nil, []any{[]float64{1, nan}}},
	{fact.Field{Type: fact.DateTime64, Array: true}, nil, []any{[]time.Time{{}}}},
}

// TestGoValues records Go values: what is stored is what a replay of the log
// stores, and what is refused is not in the log.
func TestGoValues(t *testing.T) {
	t.Parallel()
	for _, c := range goValues {
		for _, ok := range c.stored {
			rows, logged, err := record(t, c.field, ok.v)
			require.NoError(t, err, "%v: %T %v", c.field.Type, ok.v, ok.v)
			require.Equal(t, ok.want, lastValue(t, rows), "%v: %T %v", c.field.Type, ok.v, ok.v)
			replayed := newBlock(t, oneField(c.field), Options{})
			require.NoError(t, replayed.AppendJSON(logged[0].Data))
			require.Equal(t, encoded(rows), encoded(replayed), "%v: %T %v as %s", c.field.Type, ok.v, ok.v, logged[0].Data)
		}
		for i, v := range c.refused {
			what := fmt.Sprintf("%v: value %d of type %T", c.field.Type, i, v)
			rows, logged, err := record(t, c.field, v)
			require.Error(t, err, what)
			require.Zero(t, rows.Rows(), what)
			require.Empty(t, logged, what)
		}
	}
}

// record records a value of the field x, and returns the rows and the log.
func record(t *testing.T, field fact.Field, v any) (rows *Block, logged []fact.Event, err error) {
	t.Helper()
	schema := oneField(field)
	m := &blockMaterializer{rows: newBlock(t, schema, Options{})}
	store := fact.NewMemoryStore()
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
	require.NoError(t, p.EnsureSchemas(t.Context(), schema))
	func() {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		err = p.Record(t.Context(), fact.Fact{Schema: schema.Name, Data: map[string]any{"x": v}})
	}()
	logged, loadErr := store.Load(t.Context(), "s")
	require.NoError(t, loadErr)
	return m.rows, logged, err
}

// blockMaterializer keeps its rows in a block.
type blockMaterializer struct{ rows *Block }

func (m *blockMaterializer) EnsureSchema(context.Context, ...fact.Schema) error { return nil }

func (m *blockMaterializer) Materialize(context.Context, ...fact.Fact) error {
	return errors.New("facts are prepared first")
}

func (m *blockMaterializer) Prepare(_ context.Context, facts ...fact.Fact) (fact.Prepared, error) {
	for i := range facts {
		if err := m.rows.Append(&facts[i]); err != nil {
			return nil, err
		}
	}
	return preparedRows{}, nil
}

// preparedRows have been stored already.
type preparedRows struct{}

func (preparedRows) Materialize(context.Context) error { return nil }
func (preparedRows) Discard()                          {}
