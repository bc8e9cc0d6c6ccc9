package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/fact/internal/jsontext"
)

// words checks what says how the values of a field are written.
func (c *schemaChecker) words(f Field) {
	wrong := func(key, word, types string) {
		c.reportKey(f.Name, key, fmt.Sprintf("has %s, which %v does not take: it is for %s", word, f.Type, types))
	}
	time, text := f.Type == DateTime64 || f.Type == Date, f.Type == String || f.Type == LowCardinalityString || f.Type == StringMap
	switch {
	case f.Unit == "":
	case !time:
		wrong("unit", "a unit", "datetime64 and date")
	case !slices.Contains(Units(), f.Unit):
		c.reportKey(f.Name, "unit", fmt.Sprintf("has the unit %q: use s, ms, us or ns", f.Unit))
	}
	if f.Quoted && !f.Type.IsNumeric() {
		wrong("quoted", "quoted", "numbers")
	}
	if f.ReplaceSurrogates && !text && !isJSONType(f.Type) {
		wrong("surrogates", "surrogates: replace", "text, string_map, json and native_json")
	}
	switch {
	case !f.NaNIsNull:
	case !f.Type.IsNumeric() && !isJSONType(f.Type):
		wrong("nan", "nan: null", "numbers, json and native_json")
	case f.Type.IsNumeric() && f.Array:
		c.reportKey(f.Name, "nan", "has nan: null, but an element of an array cannot be null: use json")
	case f.Type.IsNumeric() && !f.Nullable && !f.NullIsDefault:
		c.reportKey(f.Name, "nan", "has nan: null, but cannot be null: make it nullable, or add null: default")
	}
	switch {
	case f.NullIsDefault && f.Nullable:
		c.reportKey(f.Name, "null", "is nullable and has null: default: keep one of them")
	case f.NullIsDefault && f.FactID:
		c.reportKey(f.Name, "null", "carries the fact ID, which has no default: take away null: default")
	}
}

// paths checks where in the row the fields stand.
func (c *schemaChecker) paths(s Schema) {
	root := pathNode{}
	for _, f := range s.Fields {
		path, err := f.Path()
		if err != nil {
			c.reportKey(f.Name, "from", fmt.Sprintf("has from %s: %v", jsontext.Excerpt([]byte(f.From)), err))
			continue
		}
		if problem := root.add(path, f.Name); problem != "" {
			c.reportKey(f.Name, "from", fmt.Sprintf("is taken from %s, %s", path, problem))
		}
	}
}

// pathNode is a value in a row: one that a field takes, or one with such values
// in it.
type pathNode struct {
	field   string
	below   map[Step]*pathNode
	inArray bool // the steps to the fields below
}

// add puts a field in its place, or says what is in the way.
func (n *pathNode) add(path Path, field string) (problem string) {
	for _, step := range path {
		if other := n.anyBelow(); other != "" && n.inArray != step.InArray {
			return fmt.Sprintf("but of an object and an array in one place field %q takes the other one", other)
		}
		n.inArray = step.InArray
		if n.below == nil {
			n.below = make(map[Step]*pathNode)
		}
		next := n.below[step]
		if next == nil {
			next = &pathNode{}
			n.below[step] = next
		}
		if n = next; n.field != "" {
			break
		}
	}
	other := n.field
	if other == "" {
		other = n.anyBelow()
	}
	if other == "" {
		n.field = field
		return ""
	}
	if other == field {
		return "" // two fields of one name, which has been said
	}
	return fmt.Sprintf("which field %q takes too, or takes a part of: only one of them can", other)
}

// anyBelow returns one of the fields in this value.
func (n *pathNode) anyBelow() string {
	for _, next := range n.below {
		if next.field != "" {
			return next.field
		}
		if field := next.anyBelow(); field != "" {
			return field
		}
	}
	return ""
}

func (c *schemaChecker) replaceBy(s Schema) {
	if s.ReplaceBy == "" {
		return
	}
	f, ok := s.FieldByName(s.ReplaceBy)
	version := strings.HasPrefix(f.Type.String(), "uint") || f.Type == Date || f.Type == DateTime64
	switch {
	case !ok:
		c.reportKey(s.ReplaceBy, "replace_by", "is in replace_by but is not a field of the schema")
	case !version || f.Nullable || f.Array:
		c.reportKey(s.ReplaceBy, "replace_by", "is in replace_by: use an unsigned integer, a date or a datetime64 that is not nullable")
	case slices.Contains(s.OrderBy, s.ReplaceBy):
		c.reportKey(s.ReplaceBy, "replace_by", "is in replace_by and in order_by: rows that replace each other have the same order_by")
	case len(s.OrderBy) == 0:
		c.reportKey(s.ReplaceBy, "replace_by", "is in replace_by, but there is no order_by, which tells which rows replace each other")
	}
}
