package infer

import (
	"slices"
	"strings"

	"github.com/factload/factload/fact"
)

// values is what is known of some values: those of a field, or the elements of its lists.
type values struct {
	nulls, bools, numbers, texts, objects, lists int64

	number numbers
	text   texts
}

// add looks at the text of a JSON value.
func (v *values) add(raw []byte) {
	switch raw[0] {
	case 'n':
		v.nulls++
	case 't', 'f':
		v.bools++
	case '{':
		v.objects++
	case '[':
		v.lists++
	case '"':
		if v.texts++; !v.text.known() {
			v.text.add(mustText(raw))
		}
	default:
		v.numbers++
		v.number.add(raw)
	}
}

// mustText returns the value of a string that has been checked.
func mustText(raw []byte) string {
	s, err := text(raw)
	if err != nil {
		panic("infer: " + err.Error())
	}
	return s
}

// kinds names the kinds of values that there are, nulls left out.
func (v *values) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		n    int64
		name string
	}{{v.bools, "booleans"}, {v.numbers, "numbers"}, {v.texts, "text"}, {v.objects, "objects"}, {v.lists, "lists"}} {
		if k.n > 0 {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// scalar returns the type that holds all values when they are scalars of one kind; nulls are not looked at. Otherwise it
// is json, and why says what values there are, if they are of more than one kind or beyond what other types hold.
func (v *values) scalar() (t fact.FieldType, why string) {
	kinds := v.kinds()
	switch {
	case len(kinds) > 1:
		return fact.JSON, strings.Join(kinds, " and ")
	case v.bools > 0:
		return fact.Bool, ""
	case v.numbers > 0:
		return v.number.choose()
	case v.texts > 0:
		return v.text.choose(v.texts), ""
	}
	return fact.JSON, ""
}

// idSet tells whether a value is there twice.
type idSet struct {
	seen   map[uint64]struct{}
	failed bool // one is there twice, or empty, or there were too many to say
}

func (s *idSet) add(id string) {
	if s.failed {
		return
	}
	if s.seen == nil {
		s.seen = make(map[uint64]struct{})
	}
	before := len(s.seen)
	s.seen[fingerprint(id)] = struct{}{}
	if id == "" || len(s.seen) == before || len(s.seen) > maxIDs {
		s.failed, s.seen = true, nil
	}
}

// An inferredField is what is known of the values of one key.
type inferredField struct {
	name     string
	turn     int64 // the call of Add that saw it last
	rows     int64 // that have the key
	values   values
	elements values // of its lists
	ids      idSet  // of a field named id
}

// idName is the name of a field that may carry the ID of the fact.
const idName = "id"

func (f *inferredField) add(raw []byte) {
	f.rows++
	f.values.add(raw)
	switch {
	case raw[0] == '[':
		f.addElements(raw)
	case raw[0] == '"' && f.name == idName:
		f.ids.add(mustText(raw))
	}
}

// addElements looks at the elements of a list.
func (f *inferredField) addElements(raw []byte) {
	w := walker{data: raw}
	w.open()
	for w.more() {
		element, err := w.value()
		if err != nil {
			panic("infer: " + err.Error()) // the row has been checked
		}
		f.elements.add(element)
	}
}

// A choice is what a field becomes, with what is to be said about it.
type choice struct {
	field    fact.Field
	notes    []string
	everyRow bool // every row has a value that is not null
	distinct int  // of a low-cardinality field: how many values
}

// choose decides on the type of a field that was seen in some of the rows.
func (f *inferredField) choose(rows int64) choice {
	c := choice{field: fact.Field{Name: f.name}, everyRow: f.rows == rows && f.values.nulls == 0, distinct: len(f.values.text.distinct)}
	v, note := &f.values, c.note
	switch {
	case v.nulls == f.rows:
		c.field.Type = fact.JSON
		note("null in every row so far; json takes any value")
	case v.lists > 0 && v.lists+v.nulls == f.rows:
		c.list(f)
	default:
		var why string
		if c.field.Type, why = v.scalar(); why != "" {
			note("holds " + why)
		}
		c.timeNotes(&v.text)
	}
	c.field.Nullable = !c.field.Array && (v.nulls > 0 || f.rows < rows)
	if f.rows < rows {
		note("in " + count(f.rows) + " of " + count(rows) + " rows")
	}
	if t := c.field.Type; f.name == idName && c.everyRow && rows > 1 && !f.ids.failed && !c.field.Array && (t == fact.String || t == fact.UUID) {
		note("never twice: with fact_id: true it carries the ID of the fact")
	}
	return c
}

// list decides on the type of a field whose values are lists, or null.
func (c *choice) list(f *inferredField) {
	e := &f.elements
	t, why := e.scalar()
	c.field.Type = fact.JSON
	switch {
	case e.nulls > 0:
		c.note("lists with null, which arrays cannot hold")
	case len(e.kinds()) == 0:
		c.note("an empty list in every row so far; json takes any value")
	case t == fact.JSON && why != "":
		c.note("lists of " + why)
	case t == fact.JSON:
		c.note("lists of " + e.kinds()[0])
	case f.values.nulls > 0:
		c.note("lists or null, which arrays cannot be")
	default:
		c.field.Type, c.field.Array = t, true
		c.timeNotes(&e.text)
	}
}

// note adds a comment, if there is one.
func (c *choice) note(text string) {
	if text != "" {
		c.notes = append(c.notes, text)
	}
}

// timeNotes says what a datetime64 does not keep.
func (c *choice) timeNotes(t *texts) {
	if c.field.Type == fact.DateTime64 && t.digits {
		c.note("digits behind the millisecond are not stored; string keeps them")
	}
}

// avoidNested turns a list into json whose name makes one structure with another list, so that the server would want
// them to have one length. Parents holds what comes before the dot in the names of the lists so far.
func (c *choice) avoidNested(parents map[string]bool) {
	parent, _, dotted := strings.Cut(c.field.Name, ".")
	if !dotted || !c.field.Array {
		return
	}
	if parents[parent] {
		c.field.Array, c.field.Type, c.field.Nullable = false, fact.JSON, !c.everyRow
		c.notes = slices.Insert(c.notes, 0, "lists, and so is another field with the same name before the dot: as arrays they would need the same lengths")
		return
	}
	parents[parent] = true
}
