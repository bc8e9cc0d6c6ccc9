package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/factload/factload/fact"
)

// random makes schemas, and rows of them.
type random struct{ *rand.Rand }

func (r random) oneIn(n int) bool { return r.IntN(n) == 0 }

func oneOf[T any](r random, of ...T) T { return of[r.IntN(len(of))] }

// randomField is a field with the Go type that its values have.
type randomField struct {
	fact.Field
	goType reflect.Type // of an element, if the field is an array
	path   fact.Path

	// In structs, it is a pointer, or a zero is a missing key.
	pointer, omitZero bool
}

// fields returns fields of all types and some more, in any order, behind the one
// for the ID.
func (r random) fields() []randomField {
	types := fact.FieldTypes()
	for range r.IntN(8) {
		types = append(types, oneOf(r, types...))
	}
	r.Shuffle(len(types), func(i, j int) { types[i], types[j] = types[j], types[i] })
	id := fact.Field{Name: "id", Type: fact.String, FactID: true, From: oneOf(r, "", "", "key", "in.id")}
	fields := []randomField{{Field: id, goType: reflect.TypeFor[string]()}}
	for i, t := range types {
		fields = append(fields, r.field(t, i))
	}
	for i := range fields {
		path, err := fields[i].Path()
		if err != nil {
			panic(err)
		}
		fields[i].path = path
	}
	return fields
}

func (r random) field(t fact.FieldType, i int) randomField {
	f := fact.Field{Name: fmt.Sprintf("%s%d", oneOf(r, "f", "é ", "with_words_"), i), Type: t}
	container := t == fact.StringMap || t == fact.NativeJSON
	f.Array = !container && r.oneIn(4)
	f.Nullable = !container && !f.Array && r.oneIn(3)
	f.NullIsDefault = !f.Nullable && r.oneIn(3)
	if r.oneIn(4) {
		f.From = fmt.Sprintf(oneOf(r, "key%d", "in.k%d", `"in.2".below.k%d`), i)
	}
	numeric, jsonType, isTime := isNumeric(t), t == fact.JSON || t == fact.NativeJSON, t == fact.DateTime64 || t == fact.Date
	text := t == fact.String || t == fact.LowCardinalityString
	f.Quoted = numeric && r.oneIn(2)
	f.NaNIsNull = jsonType && r.oneIn(3) || numeric && !f.Array && (f.Nullable || f.NullIsDefault) && r.oneIn(2)
	f.ReplaceSurrogates = (text || jsonType || t == fact.StringMap) && r.oneIn(3)
	if isTime && r.oneIn(2) {
		f.Unit = oneOf(r, fact.Units()...)
	}
	switch t {
	case fact.DateTime64:
		f.Precision = oneOf(r, 0, 3, 6, 9)
	case fact.Decimal:
		f.Precision = 1 + r.IntN(38)
		f.Scale = r.IntN(f.Precision + 1)
	case fact.Enum:
		f.Values = []string{"low", "high", "é"}
	}
	if !f.Array && r.oneIn(4) {
		f.Default = map[fact.FieldType]any{
			fact.String: "it's é", fact.LowCardinalityString: "none", fact.Enum: "é", fact.Bool: true,
			fact.Int8: -7, fact.UInt64: 7, fact.Float64: 0.1, fact.Float32: 1.5,
		}[t]
	}
	goType := oneOf(r, goTypes(f)...)
	rf := randomField{Field: f, goType: goType, pointer: !f.Array && !nilable(goType) && (f.Nullable || r.oneIn(2))}
	rf.omitZero = !f.Array && !rf.pointer && goType == reflect.TypeFor[time.Time]() && r.oneIn(2)
	return rf
}

func isNumeric(t fact.FieldType) bool {
	return isInteger(t) || t == fact.Float32 || t == fact.Float64 || t == fact.Decimal
}

func isInteger(t fact.FieldType) bool { return strings.Contains(t.String(), "int") }

// goTypes returns Go types that can have any value of a field, or those of them
// that the generator gives them.
func goTypes(f fact.Field) []reflect.Type {
	text, number, float := reflect.TypeFor[string](), reflect.TypeFor[json.Number](), reflect.TypeFor[float64]()
	switch f.Type {
	case fact.Bool:
		return []reflect.Type{reflect.TypeFor[bool]()}
	case fact.Float32, fact.Float64:
		return []reflect.Type{reflect.TypeFor[float32](), float, number}
	case fact.DateTime64, fact.Date:
		return []reflect.Type{reflect.TypeFor[time.Time](), text}
	case fact.UUID:
		return []reflect.Type{reflect.TypeFor[[16]byte](), text}
	case fact.Decimal:
		return []reflect.Type{text, number, float}
	case fact.StringMap:
		return []reflect.Type{reflect.TypeFor[map[string]string]()}
	case fact.JSON:
		return []reflect.Type{reflect.TypeFor[json.RawMessage](), text, reflect.TypeFor[any](), reflect.TypeFor[map[string]any]()}
	case fact.NativeJSON:
		return []reflect.Type{reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]()}
	case fact.Int64:
		return []reflect.Type{reflect.TypeFor[int64](), reflect.TypeFor[time.Duration](), number, float}
	case fact.UInt64:
		return []reflect.Type{reflect.TypeFor[uint64](), number, float}
	case fact.Int8, fact.Int16, fact.Int32:
		return []reflect.Type{reflect.TypeFor[int](), reflect.TypeFor[int32](), number, float}
	case fact.UInt8, fact.UInt16, fact.UInt32:
		return []reflect.Type{reflect.TypeFor[uint32](), reflect.TypeFor[int](), number, float}
	default:
		return []reflect.Type{text}
	}
}

func nilable(t reflect.Type) bool {
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Interface
}

// canMiss reports whether a struct can do without a value for the field.
func (f *randomField) canMiss() bool { return f.Array || f.pointer || f.omitZero || nilable(f.goType) }

// structType returns a struct type that has the fields.
func structType(fields []randomField) reflect.Type {
	var of []reflect.StructField
	for i, f := range fields {
		t, tag := f.goType, f.Name+","+f.Type.String()
		switch {
		case f.Array:
			t = reflect.SliceOf(t)
		case f.pointer:
			t = reflect.PointerTo(t)
		}
		if f.FactID {
			tag += ",fact_id"
		}
		if f.omitZero {
			tag += ",omitzero"
		}
		if f.From != "" {
			tag += ",from=" + f.From
		}
		of = append(of, reflect.StructField{Name: "F" + strconv.Itoa(i), Type: t, Tag: reflect.StructTag("fact:" + strconv.Quote(tag))})
	}
	return reflect.StructOf(of)
}

func schemaOf(name string, fields []randomField) fact.Schema {
	s := fact.Schema{Name: name, OrderBy: []string{"id"}}
	for _, f := range fields {
		s.Fields = append(s.Fields, f.Field)
	}
	return s
}
