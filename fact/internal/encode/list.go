package encode

import (
	"fmt"
	"reflect"
	"slices"
)

// encodeList encodes the elements one by one: those that their encoder leaves to
// encoding/json, too, so that the others keep to the rule.
func encodeList(elem jsonEncoder) jsonEncoder {
	return func(st *jsonState, v reflect.Value) bool {
		st.out = append(st.out, '[')
		for i := range v.Len() {
			if i > 0 {
				st.out = append(st.out, ',')
			}
			before := len(st.out)
			if elem(st, v.Index(i)) {
				continue
			}
			if err := st.unusual(v.Index(i).Interface(), before); err != nil {
				return st.refuse(fmt.Errorf("element %d: %w", i, err))
			}
		}
		st.out = append(st.out, ']')
		return true
	}
}

var plainMapType = reflect.TypeFor[map[string]string]()

// encodeMap encodes maps of text to text, in the order of their keys.
func encodeMap(t reflect.Type) jsonEncoder {
	return orNull(func(st *jsonState, v reflect.Value) bool {
		if t != plainMapType {
			v = v.Convert(plainMapType)
		}
		m, ok := v.Interface().(map[string]string) // a map is a pointer: nothing is copied
		if !ok {
			return false
		}
		st.keys = st.keys[:0]
		for key := range m {
			st.keys = append(st.keys, key)
		}
		slices.Sort(st.keys)
		defer func() { clear(st.keys) }()
		sep := byte('{')
		for _, key := range st.keys {
			st.out = append(st.out, sep)
			if !st.text(key) {
				return false
			}
			st.out = append(st.out, ':')
			if !st.text(m[key]) {
				return false
			}
			sep = ','
		}
		if len(m) == 0 {
			st.out = append(st.out, '{')
		}
		st.out = append(st.out, '}')
		return true
	})
}
