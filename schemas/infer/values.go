package infer

import (
	"bytes"
	"strings"

	"github.com/factload/factload/fact"
)

// values is what is known of some values: those of a field, or the elements of its lists.
type values struct {
	nulls, bools, numbers, texts, objects, lists int64

	nans    int64 // that are NaN or infinite
	nanText int64 // that are the same in quotes
	deepNaN bool  // one is in an object or a list
	halves  int64 // that have half of a surrogate pair in them
	first   string
	varied  bool // they are not all the same

	number numbers
	text   texts
}

// add looks at the text of a JSON value.
func (v *values) add(p pair) {
	raw := p.value
	if p.half {
		v.halves++
	}
	if short := raw[:min(len(raw), maxCompared)]; !v.varied {
		if v.first == "" {
			v.first = string(short)
		}
		v.varied = v.first != string(short)
	}
	switch raw[0] {
	case 'n':
		v.nulls++
	case 't', 'f':
		v.bools++
	case '{', '[':
		if raw[0] == '{' {
			v.objects++
		} else {
			v.lists++
		}
		v.deepNaN = v.deepNaN || bytes.Contains(raw, []byte(notANumber))
	case '"':
		if v.texts++; !v.text.known() {
			v.addText(mustText(raw))
		}
	default:
		if string(raw) == notANumber {
			v.nans++
			return
		}
		v.numbers++
		v.number.add(raw)
	}
}

// maxCompared is how much of a value is compared with the first one.
const maxCompared = 256

func (v *values) addText(s string) {
	if s == "NaN" || s == "Infinity" || s == "-Infinity" {
		v.nanText++
	}
	v.text.add(s)
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
	}{{v.bools, "booleans"}, {v.numbers + v.nans, "numbers"}, {v.texts, "text"}, {v.objects, "objects"}, {v.lists, "lists"}} {
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
	case v.nans > 0:
		return fact.Float64, ""
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
	key      string
	path     fact.Path
	turn     int64 // the call of Add that saw it last
	rows     int64 // that have the key
	values   values
	elements values // of its lists
	inside   object // of its objects
	ids      idSet  // of a field named id
}

// idName is the name of a field that may carry the ID of the fact.
const idName = "id"

func (f *inferredField) add(p pair) {
	f.rows++
	f.values.add(p)
	switch {
	case p.value[0] == '[':
		f.addElements(p.value)
	case p.value[0] == '"' && f.key == idName:
		f.ids.add(mustText(p.value))
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
		f.elements.add(pair{value: element, half: w.half})
		w.half = false
	}
}
