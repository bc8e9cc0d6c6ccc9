package encode

import (
	"reflect"
	"slices"
	"strings"

	"github.com/factload/factload/fact/schema"
)

// structPlan is how structs of a type are written for a schema: the members of an
// object, those of the objects in it below them.
type structPlan struct{ members []planMember }

type planMember struct {
	key    string
	prefix string              // `"key":`
	field  *schema.StructField // nil for an object
	encode jsonEncoder         // of the field; may be nil
	below  structPlan          // of an object
}

// add puts a field in its place.
func (p *structPlan) add(path schema.Path, f *schema.StructField, encode jsonEncoder) {
	key := path[0].Key
	i := slices.IndexFunc(p.members, func(m planMember) bool { return m.key == key })
	if i < 0 {
		i = len(p.members)
		p.members = append(p.members, planMember{key: key, prefix: keyPrefix(key)})
	}
	if m := &p.members[i]; len(path) > 1 {
		m.below.add(path[1:], f, encode)
	} else {
		m.field, m.encode = f, encode
	}
}

func (p *structPlan) sort() {
	slices.SortFunc(p.members, func(a, b planMember) int { return strings.Compare(a.key, b.key) })
	for i := range p.members {
		p.members[i].below.sort()
	}
}

// encode appends the object, or returns the name of the field at fault.
func (p *structPlan) encode(st *jsonState, v reflect.Value) (field string, err error) {
	start := len(st.out)
	st.out = append(st.out, '{')
	for i := range p.members {
		m, before := &p.members[i], len(st.out)
		if before > start+1 {
			st.out = append(st.out, ',')
		}
		written := false
		if m.field == nil {
			written, field, err = m.object(st, v)
		} else {
			written, field, err = m.value(st, v)
		}
		switch {
		case err != nil:
			return field, err
		case !written:
			st.out = st.out[:before]
		}
	}
	st.out = append(st.out, '}')
	return "", nil
}

// value appends a field, unless it has no value.
func (m *planMember) value(st *jsonState, v reflect.Value) (written bool, field string, err error) {
	value, ok := m.field.Value(v)
	if !ok {
		return false, "", nil
	}
	st.out = append(st.out, m.prefix...)
	before := len(st.out)
	if m.encode != nil && m.encode(st, value) {
		return true, "", nil
	}
	return true, m.field.Field.Name, st.unusual(m.field.Interface(value), before)
}

// object appends an object, unless nothing in it has a value.
func (m *planMember) object(st *jsonState, v reflect.Value) (written bool, field string, err error) {
	st.out = append(st.out, m.prefix...)
	before := len(st.out)
	field, err = m.below.encode(st, v)
	return len(st.out) > before+len("{}"), field, err
}
