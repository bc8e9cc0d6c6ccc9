package encode

import (
	"encoding"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"
)

// bytePolicy says what checkText does with a []byte.
type bytePolicy bool

const (
	allowBytes  bytePolicy = true
	rejectBytes bytePolicy = false
)

// checkText refuses text that is not valid UTF-8, which encoding/json would
// change silently, and, where the policy says so, bytes outside of structs, which
// it would turn into base64. The value has been encoded before, so it has no
// cycles.
func checkText(v reflect.Value, policy bytePolicy) error {
	if !v.IsValid() {
		return nil
	}
	if v.Kind() != reflect.Interface && jsontext.HasOwnJSON(v.Type()) {
		return checkOwnText(v)
	}
	switch v.Kind() {
	case reflect.String:
		return checkString(v)
	case reflect.Interface, reflect.Pointer:
		return checkText(v.Elem(), policy)
	case reflect.Slice, reflect.Array:
		return checkElements(v, policy)
	case reflect.Map:
		return checkEntries(v, policy)
	case reflect.Struct:
		return checkFields(v)
	}
	return nil
}

// checkOwnText asks a value that marshals itself as text for it once more. What a
// json.Marshaler writes is judged by whoever has it.
func checkOwnText(v reflect.Value) error {
	if v.Type().Implements(jsontext.MarshalerType) || isNilable(v.Type()) && v.IsNil() || !v.CanInterface() {
		return nil
	}
	m, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return nil
	}
	text, err := m.MarshalText()
	if err == nil && !utf8.Valid(text) {
		err = jsontext.NotUTF8(string(text))
	}
	return err
}

func checkString(v reflect.Value) error {
	s := v.String()
	if !utf8.ValidString(s) {
		return jsontext.NotUTF8(s)
	}
	if s == "" && v.Type() == jsontext.NumberType {
		return errors.New("an empty json.Number is not a number")
	}
	return nil
}

func checkElements(v reflect.Value, policy bytePolicy) error {
	if jsontext.IsByteSlice(v.Type()) {
		if policy == rejectBytes {
			return errBytes
		}
		return nil
	}
	if elem := v.Type().Elem(); !jsontext.HasOwnJSON(elem) {
		switch elem.Kind() {
		case reflect.String, reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		default:
			return nil // numbers and the like hold no text
		}
	}
	for i := range v.Len() {
		if err := checkText(v.Index(i), policy); err != nil {
			return err
		}
	}
	return nil
}

func checkEntries(v reflect.Value, policy bytePolicy) error {
	for iter := v.MapRange(); iter.Next(); {
		if err := checkKey(iter.Key()); err != nil {
			return err
		}
		if err := checkText(iter.Value(), policy); err != nil {
			return err
		}
	}
	return nil
}

// checkKey checks a key, which encoding/json takes as it is when it is a string,
// whatever methods it has.
func checkKey(key reflect.Value) error {
	if key.Kind() == reflect.String {
		return checkString(key)
	}
	return checkText(key, allowBytes)
}

// checkFields checks the fields of a struct that are encoded. A struct's JSON form
// is its author's choice, base64 included.
func checkFields(v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if (!field.IsExported() && !field.Anonymous) || field.Tag.Get("json") == "-" {
			continue
		}
		if err := checkText(v.Field(i), allowBytes); err != nil {
			return err
		}
	}
	return nil
}
