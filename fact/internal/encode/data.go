package encode

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/factload/factload/fact/schema"
)

// dataPlan is how a value in the data of facts is written for a schema: the data as
// a whole, a value that a field takes, or one with such values in it.
type dataPlan struct {
	key, prefix string // of the object that it is in: `"key":`
	field       string // that takes the value, if there is one
	rule        rule
	members     []*dataPlan          // if it is an object, sorted by key
	keys        map[string]*dataPlan // the same
	elements    map[int]*dataPlan    // if it is a list
}

// add puts a field in its place.
func (p *dataPlan) add(path schema.Path, f schema.Field) {
	if len(path) == 0 {
		p.field, p.rule = f.Name, ruleOf(f)
		return
	}
	p.below(path[0]).add(path[1:], f)
}

// below returns the plan for a value in this one.
func (p *dataPlan) below(step schema.Step) *dataPlan {
	next := p.keys[step.Key]
	if step.InArray {
		next = p.elements[step.Index]
	}
	switch {
	case next != nil:
	case step.InArray:
		if next = new(dataPlan); p.elements == nil {
			p.elements = make(map[int]*dataPlan)
		}
		p.elements[step.Index] = next
	default:
		if next = (&dataPlan{key: step.Key, prefix: keyPrefix(step.Key)}); p.keys == nil {
			p.keys = make(map[string]*dataPlan)
		}
		p.keys[step.Key] = next
		i, _ := slices.BinarySearchFunc(p.members, step.Key, func(m *dataPlan, key string) int { return strings.Compare(m.key, key) })
		p.members = slices.Insert(p.members, i, next)
	}
	return next
}

// encode appends a value, or returns the name of the field at fault.
func (p *dataPlan) encode(st *jsonState, v any) (field string, err error) {
	switch x := v.(type) {
	case map[string]any:
		if x != nil && p.members != nil {
			return p.object(st, x)
		}
	case []any:
		if x != nil && p.elements != nil {
			return p.list(st, x)
		}
	}
	return p.field, st.value(v, p.rule)
}

// object appends an object of Go values by their keys.
func (p *dataPlan) object(st *jsonState, data map[string]any) (field string, err error) {
	start := len(st.out)
	st.out = append(st.out, '{')
	found := 0
	for _, m := range p.members {
		v, ok := data[m.key]
		if !ok {
			continue
		}
		found++
		if field, err := m.member(st, start, v); err != nil {
			return field, err
		}
	}
	if found < len(data) {
		// Some keys are not known. They take their place among the others.
		st.out = st.out[:start+1]
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if !utf8.ValidString(key) {
				return key, errors.New("the name of the field is not valid UTF-8")
			}
			m := p.keys[key]
			if m == nil {
				m = &dataPlan{prefix: keyPrefix(key), field: key}
			}
			if field, err := m.member(st, start, data[key]); err != nil {
				return field, err
			}
		}
	}
	st.out = append(st.out, '}')
	return "", nil
}

// member appends a key and its value to the object that begins at start.
func (p *dataPlan) member(st *jsonState, start int, v any) (field string, err error) {
	if len(st.out) > start+1 {
		st.out = append(st.out, ',')
	}
	st.out = append(st.out, p.prefix...)
	return p.encode(st, v)
}

// list appends a list of Go values.
func (p *dataPlan) list(st *jsonState, values []any) (field string, err error) {
	st.out = append(st.out, '[')
	for i, v := range values {
		if i > 0 {
			st.out = append(st.out, ',')
		}
		m := p.elements[i]
		if m == nil {
			m = &dataPlan{}
		}
		if field, err := m.encode(st, v); err != nil {
			return field, err
		}
	}
	st.out = append(st.out, ']')
	return "", nil
}
