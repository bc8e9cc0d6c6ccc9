package schema

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/factload/factload/fact/internal/jsontext"
)

// StructValue returns the struct that carries a fact, whose fields can be
// addressed then. A pointer to a struct is followed; a struct itself is copied.
func StructValue(value any) (reflect.Value, error) {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		return c, nil
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		if v.IsNil() {
			return v, fmt.Errorf("the value is a nil %s: give a pointer to a struct", v.Type())
		}
		return v.Elem(), nil
	}
	return v, fmt.Errorf("the value is %T: give a struct or a pointer to one", value)
}

// Value returns the field's value in v, which is what [StructValue] returned for
// a struct of the type, and whether it has one. Pointers have been followed.
func (f *StructField) Value(v reflect.Value) (value reflect.Value, ok bool) {
	for _, i := range f.index {
		v = v.Field(i)
	}
	switch f.absence {
	case absentNil:
		if v.IsNil() {
			return v, false
		}
		if f.follow {
			v = v.Elem()
		}
	case absentZero:
		return v, !v.IsZero()
	case absentIsZero:
		// By way of the address, so that nothing is copied.
		z, isZeroer := v.Addr().Interface().(zeroer)
		return v, !isZeroer || !z.IsZero()
	case neverAbsent:
	}
	return v, true
}

// ValueType is the type of what Value returns: GoType, or what that points to.
func (f *StructField) ValueType() reflect.Type {
	if f.follow {
		return f.GoType.Elem()
	}
	return f.GoType
}

// Fits says why a field of a schema can hold no value of the struct's field, or
// returns "". Some values may not fit all the same: they are checked when they
// are recorded.
func (f *StructField) Fits(field Field) (problem string) {
	t := f.ValueType()
	if path, err := field.Path(); err == nil && !slices.Equal(path, f.path) {
		return fmt.Sprintf("field %q of the schema is taken from %s, but the struct has it at %s: give both the same from", field.Name, path, f.path)
	}
	if isPlainUUID(t) && !f.BytesAreUUID() && field.Type == UUID {
		return fmt.Sprintf("field %q of the schema is a uuid, but the tag says %s", field.Name, f.Field.Type)
	}
	if isJSONType(field.Type) && !field.Array || jsontext.HasOwnJSON(t) && t != jsontext.TimeType || t.Kind() == reflect.Interface {
		return ""
	}
	if isList(t) != field.Array {
		kind := "is no array"
		if field.Array {
			kind = "is an array"
		}
		return fmt.Sprintf("field %q of the schema %s, but the Go type is %s", field.Name, kind, t)
	}
	if field.Array {
		t = t.Elem()
	}
	return mismatch(field.Type, t)
}

// Interface returns what the field's value, as Value returned it, is in
// the map of a fact: the value itself, but for UUIDs that are just bytes, which become
// text. It allocates.
func (f *StructField) Interface(value reflect.Value) any {
	if !f.BytesAreUUID() {
		return value.Interface()
	}
	if isPlainUUID(value.Type()) {
		return string(jsontext.AppendUUID(nil, value))
	}
	texts := make([]string, value.Len())
	for i := range texts {
		texts[i] = string(jsontext.AppendUUID(nil, value.Index(i)))
	}
	return texts
}

// BytesAreUUID reports whether the field's bytes are UUIDs, or it is a list
// of such.
func (f *StructField) BytesAreUUID() bool {
	t := f.ValueType()
	if isList(t) {
		t = t.Elem()
	}
	return isPlainUUID(t) && (!f.Typed || !isJSONType(f.Field.Type))
}
