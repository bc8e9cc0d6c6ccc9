package jsontext

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"
)

// Go types whose values have a JSON of their own.
var (
	MarshalerType     = reflect.TypeFor[json.Marshaler]()
	TextMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	NumberType        = reflect.TypeFor[json.Number]()
	RawType           = reflect.TypeFor[json.RawMessage]()
	TimeType          = reflect.TypeFor[time.Time]()
)

// HasOwnJSON reports whether values of type t decide on their own JSON.
func HasOwnJSON(t reflect.Type) bool {
	return t.Implements(MarshalerType) || t.Implements(TextMarshalerType)
}

// IsByteSlice reports whether t is a []byte, whatever its name.
func IsByteSlice(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}
