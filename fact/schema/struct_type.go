package schema

import (
	"fmt"
	"reflect"

	"github.com/factload/factload/fact/internal/jsontext"
)

// kindTypes are the field types of Go's own types.
var kindTypes = map[reflect.Kind]FieldType{
	reflect.String: String, reflect.Bool: Bool,
	reflect.Int: Int64, reflect.Int8: Int8, reflect.Int16: Int16, reflect.Int32: Int32, reflect.Int64: Int64,
	reflect.Uint: UInt64, reflect.Uint8: UInt8, reflect.Uint16: UInt16, reflect.Uint32: UInt32, reflect.Uint64: UInt64,
	reflect.Float32: Float32, reflect.Float64: Float64,
}

// readGoType completes the field by what its Go type says, and returns what is
// wrong with that, or "".
func (f *StructField) readGoType() string {
	t := f.ValueType()
	if f.GoType.Kind() == reflect.Pointer {
		f.Field.Nullable = true
		if f.follow && t.Kind() == reflect.Pointer {
			return "a pointer to a pointer has no meaning in a table"
		}
	}
	if problem := hasNoJSON(t); problem != "" {
		return problem
	}
	if f.Typed && isJSONType(f.Field.Type) {
		return "" // anything that encoding/json can write
	}
	if isList(t) {
		f.Field.Array = true
		t = t.Elem()
	}
	if f.Typed {
		return mismatch(f.Field.Type, t)
	}
	f.Field.Type, f.Typed = naturalType(t)
	return ""
}

// hasNoJSON says why values of a Go type cannot be logged, or "".
func hasNoJSON(t reflect.Type) string {
	inner := t
	for (inner.Kind() == reflect.Slice || inner.Kind() == reflect.Array) && !jsontext.HasOwnJSON(inner) {
		if jsontext.IsByteSlice(inner) {
			return fmt.Sprintf("Go type %s may be text, JSON or numbers: use string or json.RawMessage", t)
		}
		inner = inner.Elem()
	}
	switch inner.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		if !jsontext.HasOwnJSON(inner) {
			return fmt.Sprintf(`Go type %s has no JSON: leave the field out with the tag fact:"-"`, t)
		}
	}
	return ""
}

// isList reports whether values of a Go type are stored as arrays.
func isList(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !jsontext.HasOwnJSON(t) && !isPlainUUID(t)
}

// isPlainUUID reports whether t is 16 bytes that do not say themselves how they
// look in JSON. Where no tag says that it is JSON, that is a UUID.
func isPlainUUID(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8 && !jsontext.HasOwnJSON(t)
}

func isJSONType(t FieldType) bool { return t == JSON || t == NativeJSON }

// naturalType returns the field type that a Go type has unless a tag says
// otherwise, and whether it has one.
func naturalType(t reflect.Type) (FieldType, bool) {
	switch {
	case t == jsontext.TimeType:
		return DateTime64, true
	case t == jsontext.RawType:
		return JSON, true
	case t == jsontext.NumberType:
		return 0, false // may be of any size: the tag has to say
	case t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8:
		return UUID, true
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String:
		return StringMap, true
	}
	natural, ok := kindTypes[t.Kind()]
	return natural, ok
}

// mismatch says why a field of type want, and not an array, can hold no value of
// a Go type, or "".
func mismatch(want FieldType, t reflect.Type) string {
	if isJSONType(want) || t.Kind() == reflect.Interface || jsontext.HasOwnJSON(t) && t != jsontext.TimeType {
		return "" // the values will show
	}
	natural, ok := naturalType(t)
	switch {
	case t == jsontext.NumberType:
		ok = want.IsNumeric() || want == DateTime64
	case want == StringMap:
		ok = t.Kind() == reflect.Map || t.Kind() == reflect.Struct
	case ok:
		ok = holds(want, natural)
	}
	if !ok {
		return fmt.Sprintf("a field of type %s cannot hold the Go type %s", want, t)
	}
	return ""
}

// holds reports whether a field of type t can hold values of a Go type whose
// natural type is from.
func holds(t, from FieldType) bool {
	if t == from {
		return true
	}
	switch t {
	case String, LowCardinalityString, Enum, UUID:
		return from == String
	case Date:
		return from == String || from == DateTime64
	case DateTime64:
		return from == String || from.IsInteger()
	case Decimal:
		return from == String || from.IsNumeric()
	case Bool, JSON, NativeJSON, StringMap:
		return false
	default:
		return t.IsNumeric() && from.IsNumeric()
	}
}
