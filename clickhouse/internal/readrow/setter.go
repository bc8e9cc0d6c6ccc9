package readrow

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/factload/factload/fact"
)

// setter returns what puts a value, as it was scanned, into the field of a struct.
func setter(f *fact.StructField, field fact.Field, scanned reflect.Type) (func(to, from reflect.Value) error, error) {
	c := converter{field: field}
	value := f.ValueType()
	list := field.Array && scanned.Kind() == reflect.Slice && !readsItself(value) && value.Kind() != reflect.Interface
	inner, from := value, scanned
	if list {
		inner, from = value.Elem(), scanned.Elem()
	}
	one, err := c.convert(inner, notNull(from))
	if err != nil {
		return nil, err
	}
	if list {
		return c.list(value, one), nil
	}
	follow := f.GoType != value
	return func(to, from reflect.Value) error {
		if from.Kind() == reflect.Pointer {
			if from.IsNil() {
				return setNull(f, to)
			}
			from = from.Elem()
		}
		if follow {
			to.Set(reflect.New(value))
			to = to.Elem()
		}
		return one(to, from)
	}, nil
}

func notNull(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// errNull says that the struct's field cannot tell NULL from a value.
var errNull = errors.New("is NULL: make the struct's field a pointer, or give it omitzero if NULL may become its zero")

// setNull sets what is recorded as a missing key, if anything is.
func setNull(f *fact.StructField, to reflect.Value) error {
	switch to.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
	default:
		if !f.OmitZero {
			return errNull
		}
	}
	to.SetZero()
	return nil
}

// list returns what fills a slice, or an array, which has to have its length. The
// slice is never nil.
func (c converter) list(t reflect.Type, one func(to, from reflect.Value) error) func(to, from reflect.Value) error {
	return func(to, from reflect.Value) error {
		if to.Kind() == reflect.Pointer {
			to.Set(reflect.New(t))
			to = to.Elem()
		}
		if t.Kind() == reflect.Slice {
			to.Set(reflect.MakeSlice(t, from.Len(), from.Len()))
		}
		if to.Len() != from.Len() {
			return fmt.Errorf("has %d elements, and %s holds %d", from.Len(), t, to.Len())
		}
		for i := range from.Len() {
			if err := one(to.Index(i), from.Index(i)); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	rawJSONType = reflect.TypeFor[json.RawMessage]()
	numberType  = reflect.TypeFor[json.Number]()
)

// readsItself reports whether a type reads its own JSON.
func readsItself(t reflect.Type) bool {
	return implements[json.Unmarshaler](t) || implements[encoding.TextUnmarshaler](t)
}

// writesItself reports whether a type writes its own JSON.
func writesItself(t reflect.Type) bool {
	return implements[json.Marshaler](t) || implements[encoding.TextMarshaler](t)
}

func implements[I any](t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[I]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}
