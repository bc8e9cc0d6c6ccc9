package infer

import (
	"slices"

	"github.com/factload/factload/fact"
)

// object is what is known of the keys of the rows, or of the objects that are the values of a field.
type object struct {
	fields []*inferredField // in the order in which they were seen first
	byKey  map[string]*inferredField
	// shapeless means that the keys are not looked at: they are data, or some of them cannot be told apart.
	shapeless bool
}

func (o *object) make(key string, path fact.Path) *inferredField {
	if o.byKey == nil {
		o.byKey = make(map[string]*inferredField)
	}
	f := &inferredField{key: key, path: path}
	o.byKey[key] = f
	o.fields = append(o.fields, f)
	return f
}

// forget drops all fields but the first n.
func (o *object) forget(n int) {
	for _, f := range o.fields[n:] {
		delete(o.byKey, f.key)
	}
	o.fields = o.fields[:n]
}

// add looks at the value of a field, which stands in so many objects, the row included.
func (in *Builder) add(f *inferredField, p pair, depth int) {
	f.add(p)
	raw := p.value
	if raw[0] == '[' {
		raw = f.first(raw)
	}
	depthLimit := in.Depth
	if depthLimit == 0 {
		depthLimit = DefaultDepth
	}
	if len(raw) == 0 || raw[0] != '{' || f.inside.shapeless {
		return
	}
	v := &f.values
	if depth > depthLimit || v.lists > 0 && v.objects > 0 || v.texts+v.numbers+v.bools > 0 || !in.addInside(f, raw, depth) {
		f.inside = object{shapeless: true}
	}
}

// firstOfList are the names of lists that mostly have one element, whose values are asked for: what a model answered.
var firstOfList = []string{"choices", "candidates"}

// first returns the element of a list of one, if the fields of that become fields of the schema. Of an empty list it is
// nothing. Any other list in the field leaves all of them json.
func (f *inferredField) first(list []byte) []byte {
	w := walker{data: list}
	w.open()
	ours := f.values.objects == 0 && slices.Contains(firstOfList, f.key)
	if ours && !w.more() {
		return nil
	}
	if ours {
		if element, err := w.value(); err == nil && !w.more() && element[0] == '{' {
			return element
		}
	}
	f.inside = object{shapeless: true}
	return nil
}

// addInside looks at an object in a field. It reports false if its keys do not make fields.
func (in *Builder) addInside(f *inferredField, raw []byte, depth int) bool {
	for len(in.taken) <= depth {
		in.taken = append(in.taken, nil)
	}
	pairs, err := readPairs(raw, in.taken[depth][:0])
	in.taken[depth] = pairs
	if err != nil {
		return false // a key with half of a surrogate pair, which only json takes
	}
	for _, p := range pairs {
		inner := f.inside.byKey[p.key]
		if inner == nil {
			b := &in.inside
			b.fields++
			b.nameLen += len(f.path.String()) + len(p.key)
			if len(f.inside.fields) >= maxKeysInside || b.fields+len(in.root.fields) > MaxFields || b.nameLen+in.nameLen > maxNameBytes {
				return false
			}
			path := slices.Clone(f.path)
			if f.values.lists > 0 {
				path = append(path, fact.Step{InArray: true})
			}
			inner = f.inside.make(p.key, append(path, fact.Step{Key: p.key}))
		}
		if inner.turn == in.turn {
			return false // twice, which only json takes
		}
		inner.turn = in.turn
	}
	for _, p := range pairs {
		in.add(f.inside.byKey[p.key], p, depth+1)
	}
	return true
}

// leaves appends the fields that become fields of the schema: those of an object stand in its place if the object has a
// fixed shape.
func (in *Builder) leaves(all []*inferredField, o *object) []*inferredField {
	for _, f := range o.fields {
		if f.hasFixedShape() {
			all = in.leaves(all, &f.inside)
		} else {
			all = append(all, f)
		}
	}
	return all
}

// hasFixedShape reports whether the values are objects whose keys are names rather than data: few, or there again and
// again.
func (f *inferredField) hasFixedShape() bool {
	const few, rarest = 8, 8
	v, keys := &f.values, int64(len(f.inside.fields))
	objects := v.objects + v.lists
	if f.inside.shapeless || keys == 0 || objects == 0 || objects+v.nulls != f.rows {
		return false
	}
	occurrences := int64(0)
	for _, inner := range f.inside.fields {
		occurrences += inner.rows
	}
	return keys <= few || occurrences*rarest >= objects*keys
}
