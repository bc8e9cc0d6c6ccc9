package block

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"
	"unicode/utf8"
)

// adder appends a struct's value to a column, without boxing it. It stores and
// refuses what the column's appendValue would.
type adder func(v reflect.Value) error

// What columns take by themselves. Their appendValue goes the same way.
type (
	boolAdder interface{ addBool(v bool) error }
	intAdder  interface {
		addInt(n int64) error
		addUint(n uint64) error
	}
	floatAdder interface {
		addFloat(f float64, size int) error
	}
	textAdder interface{ addString(v string) error }
	timeAdder interface{ addTime(t time.Time) error }
)

var (
	timeType          = reflect.TypeFor[time.Time]()
	rawJSONType       = reflect.TypeFor[json.RawMessage]()
	jsonNumberType    = reflect.TypeFor[json.Number]()
	plainMapType      = reflect.TypeFor[map[string]string]()
	jsonMarshalerType = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

// newAdder returns the adder for a field: a direct one, or one that goes by way
// of appendValue.
func (b *Block) newAdder(f planField) adder {
	c := b.columns[f.column]
	if add := b.directAdder(c, f.ValueType()); add != nil {
		return add
	}
	return func(v reflect.Value) error { return c.appendValue(b.scan, f.Interface(v)) }
}

// directAdder returns the adder for values of type t to a column, or nil.
func (b *Block) directAdder(c column, t reflect.Type) adder {
	switch c := c.(type) {
	case *nullableColumn:
		if add := b.directAdder(c.elem, t); add != nil {
			return func(v reflect.Value) error { return c.settle(add(v)) }
		}
		return nil
	case *arrayColumn:
		return b.listAdder(c, t)
	case *mapColumn:
		return mapAdder(c, t)
	}
	switch {
	case t == rawJSONType:
		return func(v reflect.Value) error { return appendRaw(c, b.scan, v.Bytes()) }
	case isJSONColumn(c):
		return nil
	case t == timeType:
		return goTimeAdder(c)
	case t == jsonNumberType:
		return b.numberAdder(c)
	case t.Implements(jsonMarshalerType):
		return nil
	case t.Implements(textMarshalerType):
		return b.marshalerAdder(c, t)
	}
	return kindAdder(c, t)
}

func isJSONColumn(c column) bool {
	switch c.(type) {
	case *jsonColumn, *nativeJSONColumn:
		return true
	}
	return false
}

// kindAdder returns the adder for a type without methods that matter.
func kindAdder(c column, t reflect.Type) adder {
	switch t.Kind() {
	case reflect.Bool:
		if c, ok := c.(boolAdder); ok {
			return func(v reflect.Value) error { return c.addBool(v.Bool()) }
		}
	case reflect.String:
		if c, ok := c.(textAdder); ok {
			return func(v reflect.Value) error { return c.addString(v.String()) }
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if c, ok := c.(intAdder); ok {
			return func(v reflect.Value) error { return c.addInt(v.Int()) }
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if c, ok := c.(intAdder); ok {
			return func(v reflect.Value) error { return c.addUint(v.Uint()) }
		}
	case reflect.Float32, reflect.Float64:
		if c, ok := c.(floatAdder); ok {
			size := t.Bits()
			return func(v reflect.Value) error { return c.addFloat(v.Float(), size) }
		}
	case reflect.Array:
		if c, ok := c.(*uuidColumn); ok {
			return func(v reflect.Value) error { return c.addBytes(v) }
		}
	}
	return nil
}

// goTimeAdder takes a time.Time by its address, so that it is not copied to the
// heap.
func goTimeAdder(c column) adder {
	to, ok := c.(timeAdder)
	if !ok {
		return nil
	}
	return func(v reflect.Value) error {
		t, _ := v.Addr().Interface().(*time.Time) // the type of v says so
		return to.addTime(*t)
	}
}

func (b *Block) numberAdder(c column) adder {
	return func(v reflect.Value) error {
		n := json.Number(v.String())
		if err := checkGoNumber(n); err != nil {
			return err
		}
		b.number = append(b.number[:0], n...)
		return appendRaw(c, b.scan, b.number)
	}
}

// marshalerAdder takes values that are text in JSON.
func (b *Block) marshalerAdder(c column, t reflect.Type) adder {
	to, ok := c.(textAdder)
	if !ok || t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return nil
	}
	return func(v reflect.Value) error {
		if m, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			if text, err := m.MarshalText(); err == nil && utf8.Valid(text) && to.addString(string(text)) == nil {
				return nil
			}
		}
		return c.appendValue(b.scan, v.Interface()) // which says what is wrong
	}
}

// listAdder takes slices and arrays whose elements have an adder.
func (b *Block) listAdder(c *arrayColumn, t reflect.Type) adder {
	if kind := t.Kind(); (kind != reflect.Slice && kind != reflect.Array) || t.Implements(jsonMarshalerType) || t.Implements(textMarshalerType) {
		return nil
	}
	if t.Elem().Kind() == reflect.Slice { // may be nil
		return nil
	}
	add := b.directAdder(c.elem, t.Elem())
	if add == nil {
		return nil
	}
	return func(v reflect.Value) error {
		for i := range v.Len() {
			if err := add(v.Index(i)); err != nil {
				return c.elemFault(err, i, v.Index(i).Interface())
			}
		}
		c.close(c.elem.Rows())
		return nil
	}
}

// mapAdder takes maps of text to text.
func mapAdder(c *mapColumn, t reflect.Type) adder {
	if !t.ConvertibleTo(plainMapType) || t.Implements(jsonMarshalerType) || t.Implements(textMarshalerType) {
		return nil
	}
	return func(v reflect.Value) error {
		if t != plainMapType {
			v = v.Convert(plainMapType)
		}
		m, _ := v.Interface().(map[string]string) // it has been converted
		return c.addMap(m)
	}
}
