package block

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
	"github.com/factload/factload/schemas"
)

// Named types, with and without methods.
type (
	ownText     string
	ownInt      int16
	ownUint     uint64
	ownFloat    float32
	ownBool     bool
	ownMap      map[string]string
	ownKeys     map[ownText]ownText
	ownList     []ownText
	ownBytes    [16]byte
	nested      struct{ A, B any }
	shout       string // marshals as text
	answerJSON  int    // marshals as JSON
	emptyIfZero string // has an IsZero method
)

func (s shout) MarshalText() ([]byte, error) {
	if s == "fail" {
		return nil, errors.New("will not")
	}
	return []byte(strings.ToUpper(string(s))), nil
}

func (a answerJSON) MarshalJSON() ([]byte, error) {
	switch a {
	case 0:
		return []byte("null"), nil
	case 1:
		return []byte(`"text"`), nil
	case 2:
		return nil, errors.New("will not")
	case 3:
		return []byte("{\"a\":\"\xff\"}"), nil
	}
	return json.Marshal(int(a))
}

func (e emptyIfZero) IsZero() bool { return e == "zero" }

// goTypes are Go types with the field types they may be given; "" leaves the
// type to the Go type.
var goTypes = []struct {
	typ  reflect.Type
	tags []string
}{
	{reflect.TypeFor[string](), []string{"", "low_cardinality", "enum,values=a|b|é", "uuid", "date", "datetime64", "decimal,precision=20,scale=4", "json"}},
	{reflect.TypeFor[ownText](), []string{"", "low_cardinality", "enum,values=a|b|é", "uuid", "json"}},
	{reflect.TypeFor[bool](), []string{"", "json"}},
	{reflect.TypeFor[ownBool](), []string{"bool"}},
	{reflect.TypeFor[int](), []string{"", "uint8", "int8", "uint64", "float32", "float64", "decimal,precision=9,scale=2", "datetime64", "json"}},
	{reflect.TypeFor[int64](), []string{"", "int16", "uint32", "datetime64", "float64"}},
	{reflect.TypeFor[int32](), []string{"", "decimal,precision=38,scale=20"}},
	{reflect.TypeFor[int8](), []string{"", "uint16"}},
	{reflect.TypeFor[ownInt](), []string{"int16", "uint8"}},
	{reflect.TypeFor[uint](), []string{"", "int64", "datetime64"}},
	{reflect.TypeFor[uint8](), []string{"", "int8", "float32"}},
	{reflect.TypeFor[uint16](), []string{""}},
	{reflect.TypeFor[uint32](), []string{"", "uint8"}},
	{reflect.TypeFor[ownUint](), []string{"uint64", "int32", "decimal,precision=18,scale=0", "float64"}},
	{reflect.TypeFor[float64](), []string{"", "float32", "int64", "uint16", "decimal,precision=18,scale=6", "json"}},
	{reflect.TypeFor[float32](), []string{"", "float64", "int32", "decimal,precision=12,scale=3"}},
	{reflect.TypeFor[ownFloat](), []string{"float32", "float64"}},
	{reflect.TypeFor[time.Time](), []string{"", "date", "json"}},
	{reflect.TypeFor[time.Duration](), []string{""}},
	{reflect.TypeFor[[16]byte](), []string{"", "uuid"}},
	{reflect.TypeFor[ownBytes](), []string{""}},
	{reflect.TypeFor[uuid.UUID](), []string{"", "uuid", "string", "low_cardinality"}},
	{reflect.TypeFor[decimal.Decimal](), []string{"decimal,precision=30,scale=5", "json", "string"}},
	{reflect.TypeFor[*big.Int](), []string{"decimal,precision=38,scale=0", "int64", "json"}},
	{reflect.TypeFor[json.Number](), []string{"int64", "float64", "decimal,precision=18,scale=4", "datetime64", "json"}},
	{reflect.TypeFor[json.RawMessage](), []string{"", "string", "int64", "native_json", "string_map"}},
	{reflect.TypeFor[shout](), []string{"", "low_cardinality", "enum,values=A|B|É", "uuid", "json", "int64"}},
	{reflect.TypeFor[answerJSON](), []string{"", "string", "json", "uint8"}},
	{reflect.TypeFor[emptyIfZero](), []string{""}},
	{reflect.TypeFor[map[string]string](), []string{"", "json", "native_json"}},
	{reflect.TypeFor[ownMap](), []string{"", "json"}},
	{reflect.TypeFor[ownKeys](), []string{""}},
	{reflect.TypeFor[map[string]any](), []string{"json", "native_json", "string_map"}},
	{reflect.TypeFor[any](), []string{"json", "string", "float64", "int32"}},
	{reflect.TypeFor[nested](), []string{"json", "native_json"}},
	{reflect.TypeFor[[]string](), []string{"", "low_cardinality", "json", "enum,values=a|b|é"}},
	{reflect.TypeFor[ownList](), []string{"", "json"}},
	{reflect.TypeFor[[]int](), []string{"", "uint8", "float64"}},
	{reflect.TypeFor[[3]float32](), []string{"", "int8"}},
	{reflect.TypeFor[[]float64](), []string{"", "json"}},
	{reflect.TypeFor[[]time.Time](), []string{"", "date"}},
	{reflect.TypeFor[[]bool](), []string{""}},
	{reflect.TypeFor[[][16]byte](), []string{""}},
	{reflect.TypeFor[[]uuid.UUID](), []string{""}},
	{reflect.TypeFor[[]shout](), []string{""}},
	{reflect.TypeFor[[]any](), []string{"json"}},
	{reflect.TypeFor[[]json.RawMessage](), []string{"", "json"}},
	{reflect.TypeFor[[]nested](), []string{"json"}},
	{reflect.TypeFor[[]map[string]string](), []string{"json"}},
}

// structMaker makes struct types and values of them.
type structMaker struct {
	r     *rand.Rand
	brave bool // makes values that are refused, too
}

// structType returns a random struct type.
func (m *structMaker) structType() reflect.Type {
	var fields []reflect.StructField
	for i := range 1 + m.r.IntN(12) {
		from := goTypes[m.r.IntN(len(goTypes))]
		t, tag := from.typ, from.tags[m.r.IntN(len(from.tags))]
		if tag != "" {
			tag = "," + tag
		}
		if m.r.IntN(4) == 0 && t.Kind() != reflect.Pointer && t.Kind() != reflect.Slice && t.Kind() != reflect.Map && t.Kind() != reflect.Interface && (t.Kind() != reflect.Array || t.Len() == 16) && !strings.Contains(tag, "native") {
			t = reflect.PointerTo(t)
		}
		if m.r.IntN(4) == 0 {
			tag += ",omitzero"
		}
		name := fmt.Sprintf("%c%d", 'a'+m.r.IntN(26), i)
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: t, Tag: reflect.StructTag(`fact:"` + name + tag + `"`),
		})
	}
	return reflect.StructOf(fields)
}

var (
	someTexts = []string{
		"", "a", "b", "é", "zero", "some words", "<b>&\"\\/\b\f\n\r\t\x00\x01\x1f\x7f\u2028\u2029\u2030\u20ac", "漢字🙂", "null", "12", "-1.5", "0001-01-01",
		"2024-02-29", "2024-01-02T03:04:05.678Z", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "61F0C4045CB311E7907BA6006AD3DBA0", "fail", strings.Repeat("long ", 100),
	}
	badTexts  = []string{"\xff", "a\xc3", "\xe2\x80", "\xed\xa0\x80"}
	someInts  = []int64{0, 0, 1, -1, 2, 3, 7, 42, 127, 128, 255, 256, 65535, 1 << 31, 1<<53 + 1, math.MaxInt64, math.MinInt64, 1704164645678, 1704164645}
	someReals = []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 0.5, 3, 1e3, 1e-7, 1e21, 123456789.125, 1 << 53, 1<<53 + 2, 1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, 16777217, 1e20}
	someRaws  = []string{"{}", "null", "1", `"x"`, `[1,2]`, `{"a":{"b":[1.50]}}`, `{"a":"b"}`, "true", `"<é>"`}
	badRaws   = []string{"", "{", "{\"a\":\"\xff\"}", "1 2", "\"\u2028\"", `"\ud800"`, " { } "}
	someAny   = []any{nil, "text", 1.5, true, []any{1.0, "x"}, map[string]any{"a": nil}, json.Number("12"), []string{"a"}, uint8(3)}
	badAny    = []any{math.NaN(), "\xff", []byte("bytes"), make(chan int), map[string]any{"\xff": 1}, json.Number("")}
)

func pickOf[T any](m *structMaker, good, bad []T) T {
	if m.brave && len(bad) > 0 && m.r.IntN(8) == 0 {
		return bad[m.r.IntN(len(bad))]
	}
	return good[m.r.IntN(len(good))]
}

// fill sets v to a random value.
func (m *structMaker) fill(v reflect.Value) {
	if m.r.IntN(6) == 0 {
		v.SetZero()
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = []time.Time{
			time.Unix(1704164645, 123456789).UTC(), time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Unix(0, 0),
			time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 5*3600+1800)), time.Date(2299, 12, 31, 23, 59, 59, 0, time.UTC),
			time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		}[m.r.IntN(7)]
		return
	case *json.RawMessage:
		*x = json.RawMessage(pickOf(m, someRaws, badRaws))
		return
	case *json.Number:
		*x = json.Number(pickOf(m, []string{"0", "1", "-2.50", "1e3", "1704164645678"}, []string{"", "x", "1x", "null", "01"}))
		return
	case *decimal.Decimal:
		*x = decimal.New(m.r.Int64N(1e12)-5e11, int32(m.r.IntN(12))-8)
		return
	case **big.Int:
		*x = new(big.Int).Exp(big.NewInt(-7), big.NewInt(int64(m.r.IntN(30))), nil)
		return
	case *any:
		*x = pickOf(m, someAny, badAny)
		return
	case *map[string]any:
		*x = map[string]any{"k": pickOf(m, someAny, badAny)}
		return
	}
	m.fillKind(v)
}

func (m *structMaker) fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(pickOf(m, someTexts, badTexts))
	case reflect.Bool:
		v.SetBool(m.r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(someInts[m.r.IntN(len(someInts))])
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(someInts[m.r.IntN(len(someInts))]))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pickOf(m, someReals, []float64{math.NaN(), math.Inf(1)}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), m.r.IntN(4), 5))
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range m.r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(key)
			m.fill(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			m.fill(v.Field(i))
		}
	}
}

// asMap is an independent reading of what a struct means as a map.
func asMap(v reflect.Value) map[string]any {
	data := make(map[string]any)
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("fact")
		name, options, _ := strings.Cut(tag, ",")
		value := f.Interface()
		zero := f.IsZero()
		if z, ok := value.(interface{ IsZero() bool }); ok && f.Kind() != reflect.Pointer {
			zero = z.IsZero()
		}
		switch f.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			if f.IsNil() {
				continue
			}
			if _, own := value.(*big.Int); f.Kind() == reflect.Pointer && !own {
				value = f.Elem().Interface() // an error names the type that is pointed to
			}
		default:
			if zero && strings.Contains(options, "omitzero") {
				continue
			}
		}
		data[name] = plainUUIDs(value)
	}
	return data
}

// plainUUIDs writes bytes that are UUIDs as text.
func plainUUIDs(v any) any {
	switch x := v.(type) {
	case [16]byte:
		return uuid.UUID(x).String()
	case *[16]byte:
		return uuid.UUID(*x).String()
	case ownBytes:
		return uuid.UUID(x).String()
	case *ownBytes:
		return uuid.UUID(*x).String()
	case [][16]byte:
		texts := make([]string, len(x))
		for i := range x {
			texts[i] = uuid.UUID(x[i]).String()
		}
		return texts
	}
	return v
}

// randomSchema returns the schema of a struct type, with some changes.
func (m *structMaker) randomSchema(t *testing.T, typ reflect.Type) fact.Schema {
	t.Helper()
	s, err := schemas.FromStruct(reflect.New(typ).Interface(), schemas.StructOptions{Name: "random"})
	require.NoError(t, err, typ)
	m.r.Shuffle(len(s.Fields), func(i, j int) { s.Fields[i], s.Fields[j] = s.Fields[j], s.Fields[i] })
	for i := range s.Fields {
		f := &s.Fields[i]
		if m.r.IntN(3) == 0 && f.Nullable {
			f.Nullable = false
		}
		switch {
		case m.r.IntN(3) > 0 || f.Array:
		case f.Type == fact.Int64, f.Type == fact.UInt8, f.Type == fact.Float64:
			f.Default = 7
		case f.Type == fact.String, f.Type == fact.LowCardinalityString:
			f.Default = "default"
		}
	}
	if m.r.IntN(2) == 0 {
		s.Fields = append(s.Fields, fact.Field{Name: "not there", Type: fact.Enum, Values: []string{"first", "second"}})
	}
	return s
}

func digestOf(b *Block) string {
	h := sha256.New()
	b.WriteDigest(h)
	return fmt.Sprintf("%x", h.Sum(nil))
}

func sameError(t *testing.T, want, got error, what ...any) {
	t.Helper()
	if want == nil {
		require.NoError(t, got, what...)
		return
	}
	require.Error(t, got, what...)
	const bad = "not valid UTF-8"
	if strings.Contains(want.Error(), bad) { // which text of a map comes first is a matter of chance
		require.ErrorContains(t, got, bad, what...)
		return
	}
	require.Equal(t, want.Error(), got.Error(), what...)
}

// TestSoakStructsAreMaps: a fact with a struct is, for the block and for the log,
// the fact with a map of the same values.
func TestSoakStructsAreMaps(t *testing.T) {
	t.Parallel()
	const values = 40
	shapes := soak.Scale(60, 400)
	stored, refused := 0, 0
	for seed := range uint64(shapes) {
		m := &structMaker{r: rand.New(rand.NewPCG(seed, 7)), brave: seed%2 == 0}
		typ := m.structType()
		layout := mustCompile(t, m.randomSchema(t, typ), Options{})
		fromMap, fromStruct, fromLog := layout.NewBlock(), layout.NewBlock(), layout.NewBlock()
		for range values {
			v := reflect.New(typ)
			m.fill(v.Elem())
			data := asMap(v.Elem())
			asData := fact.Fact{Schema: "random", ID: "id", Data: data}
			asValue := fact.Fact{Schema: "random", ID: "id", Value: v.Interface()}
			if m.r.IntN(4) == 0 {
				asValue.Value = v.Elem().Interface()
			}
			what := fmt.Sprintf("seed %d: %s: %#v", seed, typ, data)

			wantErr := fromMap.Append(&asData)
			sameError(t, wantErr, fromStruct.Append(&asValue), what)
			want, wantLogErr := layout.encoder.Append(nil, asData)
			got, err := layout.encoder.Append(nil, asValue)
			sameError(t, wantLogErr, err, what)
			require.Equal(t, string(want), string(got), what)
			back, err := asValue.Map()
			require.NoError(t, err)
			require.Len(t, back, len(data))

			if wantErr != nil {
				refused++
				continue
			}
			stored++
			require.NoError(t, fromLog.AppendJSON(got), what)
		}
		require.Equal(t, digestOf(fromMap), digestOf(fromStruct), "seed %d: %s", seed, typ)
		require.Equal(t, digestOf(fromMap), digestOf(fromLog), "seed %d: %s", seed, typ)
	}
	t.Logf("%d stored, %d refused", stored, refused)
	require.Greater(t, stored, shapes*values/10)
	require.Greater(t, refused, shapes*values/10)
}
