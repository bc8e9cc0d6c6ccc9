package schemas

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/factload/factload/fact"
)

var (
	timeType    = reflect.TypeFor[time.Time]()
	rawJSONType = reflect.TypeFor[json.RawMessage]()
	numberType  = reflect.TypeFor[json.Number]()
)

// kindTypes are the field types of Go's own types.
var kindTypes = map[reflect.Kind]fact.FieldType{
	reflect.String: fact.String, reflect.Bool: fact.Bool,
	reflect.Int: fact.Int64, reflect.Int8: fact.Int8, reflect.Int16: fact.Int16, reflect.Int32: fact.Int32, reflect.Int64: fact.Int64,
	reflect.Uint: fact.UInt64, reflect.Uint8: fact.UInt8, reflect.Uint16: fact.UInt16, reflect.Uint32: fact.UInt32, reflect.Uint64: fact.UInt64,
	reflect.Float32: fact.Float32, reflect.Float64: fact.Float64,
}

// applyGoType completes f by what its Go type says, and says what does not go together, or "".
func (tag *structTag) applyGoType(t reflect.Type, f *fact.Field) string {
	if t.Kind() == reflect.Pointer {
		f.Nullable = true
		t = t.Elem()
		if t.Kind() == reflect.Pointer {
			return "a pointer to a pointer has no meaning in a table"
		}
	}
	if tag.hasType && (f.Type == fact.JSON || f.Type == fact.NativeJSON) {
		return "" // anything that encoding/json can write
	}
	if t.Kind() == reflect.Slice && t != rawJSONType {
		if t.Elem().Kind() == reflect.Uint8 {
			return "[]byte may be text, JSON or numbers: use string or json.RawMessage, or the type json"
		}
		f.Array = true
		t = t.Elem()
	}
	natural, ok := naturalType(t)
	if !tag.hasType {
		if !ok {
			return fmt.Sprintf("Go type %s has no field type: give one, such as json", t)
		}
		f.Type = natural
		return ""
	}
	if !ok && t != numberType || ok && !holds(f.Type, natural) || t == numberType && !isNumber(f.Type) {
		return fmt.Sprintf("a field of type %s cannot hold the Go type %s", f.Type, t)
	}
	return ""
}

// naturalType returns the field type that a Go type has unless a tag says otherwise.
func naturalType(t reflect.Type) (fact.FieldType, bool) {
	switch {
	case t == timeType:
		return fact.DateTime64, true
	case t == rawJSONType:
		return fact.JSON, true
	case t == numberType:
		return 0, false // may be of any size: the tag has to say
	case t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8:
		return fact.UUID, true
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String:
		return fact.StringMap, true
	}
	natural, ok := kindTypes[t.Kind()]
	return natural, ok
}

// holds reports whether a field of type t can hold values of a Go type whose natural type is from.
func holds(t, from fact.FieldType) bool {
	if t == from {
		return true
	}
	switch t {
	case fact.String, fact.LowCardinalityString, fact.Enum, fact.UUID:
		return from == fact.String
	case fact.Date, fact.DateTime64:
		return from == fact.String || from == fact.DateTime64
	case fact.Decimal:
		return from == fact.String || isNumber(from)
	case fact.Bool, fact.JSON, fact.NativeJSON, fact.StringMap:
		return false
	default:
		return isNumber(t) && isNumber(from)
	}
}

// isNumber reports whether t holds numbers.
func isNumber(t fact.FieldType) bool {
	switch t {
	case fact.Int8, fact.Int16, fact.Int32, fact.Int64, fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64,
		fact.Float32, fact.Float64, fact.Decimal:
		return true
	default:
		return false
	}
}
