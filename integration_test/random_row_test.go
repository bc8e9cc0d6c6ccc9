package integration

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/factload/factload/fact"
)

// randomRow is a row in all the ways to give it.
type randomRow struct {
	id     string
	data   map[string]any
	value  any             // a pointer to a struct
	strict json.RawMessage // without what is no JSON
	loose  string          // a line of a file
	stored [][2]string     // a field and the text in it
}

func (r random) row(id string, fields []randomField, structType reflect.Type) randomRow {
	row := randomRow{id: id, data: make(map[string]any)}
	s := reflect.New(structType)
	asJSON, asLine := make(map[string]any), make(map[string]any)
	for i := range fields {
		f := &fields[i]
		var v any
		var text string
		null := false
		switch none := f.canMiss() && r.oneIn(4); {
		case f.FactID:
			v, text = id, r.quote(id, f)
		case none && (f.NullIsDefault || f.Nullable && f.Default == nil) && r.oneIn(2):
			text, null = "null", true
			if f.NaNIsNull {
				text = nullMark
			}
		case none:
			continue
		case f.Array:
			v, text = r.array(f)
		default:
			v, text = r.value(f)
		}
		put(asLine, f.path, r.loose(text))
		put(asJSON, f.path, strict(text))
		if null {
			put(row.data, f.path, nil)
			continue
		}
		if !f.FactID || r.oneIn(2) {
			put(row.data, f.path, mapValue(v))
		}
		setField(s.Elem().Field(i), f, v)
		if f.Type == fact.JSON && !f.Array || f.Type == fact.String && !f.Array {
			row.stored = append(row.stored, [2]string{f.Name, storedText(v, text, f)})
		}
	}
	row.value = s.Interface()
	row.strict, row.loose = json.RawMessage(r.line(asJSON)), r.line(asLine)
	return row
}

// array returns a list of values of the field.
func (r random) array(f *randomField) (v any, text string) {
	list := reflect.MakeSlice(reflect.SliceOf(f.goType), 0, 3)
	text = r.list(r.IntN(4), func(int) string {
		element, text := r.value(f)
		list = reflect.Append(list, reflect.ValueOf(element))
		return text
	})
	return list.Interface(), text
}

func storedText(v any, text string, f *randomField) string {
	if s, ok := v.(string); ok && f.Type == fact.String {
		return s
	}
	return strict(text)
}

func setField(to reflect.Value, f *randomField, v any) {
	if f.pointer {
		to.Set(reflect.New(f.goType))
		to = to.Elem()
	}
	to.Set(reflect.ValueOf(v))
}

// mapValue returns what a map has for a value of a struct: UUIDs are text there.
func mapValue(v any) any {
	switch v := v.(type) {
	case [16]byte:
		return fmt.Sprintf("%x", v)
	case [][16]byte:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprintf("%x", v[i])
		}
		return texts
	}
	return v
}

// put gives a row a value at a place that may be within others.
func put(row map[string]any, path fact.Path, v any) {
	for _, step := range path[:len(path)-1] {
		below, ok := row[step.Key].(map[string]any)
		if !ok {
			below = make(map[string]any)
			row[step.Key] = below
		}
		row = below
	}
	row[path[len(path)-1].Key] = v
}

// line writes a row whose values are texts of JSON.
func (r random) line(row map[string]any) string {
	keys := make([]string, 0, len(row))
	for key := range row {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return r.object(keys, &randomField{}, func(key string) string {
		if below, ok := row[key].(map[string]any); ok {
			return r.line(below)
		}
		return fmt.Sprint(row[key])
	})
}
