package infer

import (
	"cmp"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// orderBy returns the sorting key that docs/values.md describes. It is empty rather than free text or, of many rows, a
// constant.
func orderBy(choices []choice, many bool) []string {
	var usable []choice
	for _, c := range choices {
		if c.everyRow && sortable(c.field) {
			usable = append(usable, c)
		}
	}
	key := lowCardinality(usable)
	usable = slices.DeleteFunc(usable, func(c choice) bool { return !c.varied && many })
	if time := firstOf(usable, isTimeField(fact.DateTime64), isTimeField(fact.Date)); time != "" {
		return append(key, time)
	}
	if id := firstOf(usable, isNamedID, looksLikeID); id != "" {
		return append(key, id)
	}
	return key
}

// sortable reports whether a table can be sorted by a field.
func sortable(f fact.Field) bool {
	s := fact.Schema{Name: "s", Fields: []fact.Field{f}, OrderBy: []string{f.Name}}
	_, err := ddl.NewTable(s, ddl.Options{})
	return err == nil && s.Validate() == nil
}

// lowCardinality returns the names of up to two fields with few values, but more than one, those with fewer first.
func lowCardinality(choices []choice) (names []string) {
	const most = 2
	var few []choice
	for _, c := range choices {
		if c.field.Type == fact.LowCardinalityString && c.distinct > 1 {
			few = append(few, c)
		}
	}
	slices.SortStableFunc(few, func(a, b choice) int { return cmp.Compare(a.distinct, b.distinct) })
	for _, c := range few[:min(len(few), most)] {
		names = append(names, c.field.Name)
	}
	return names
}

// firstOf returns the name of the first field that is wanted, or "". What is wanted first wins.
func firstOf(choices []choice, wanted ...func(fact.Field) bool) string {
	for _, want := range wanted {
		for _, c := range choices {
			if want(c.field) {
				return c.field.Name
			}
		}
	}
	return ""
}

func isTimeField(t fact.FieldType) func(fact.Field) bool {
	return func(f fact.Field) bool { return f.Type == t }
}

func isNamedID(f fact.Field) bool { return f.Name == idName && canBeID(f.Type) }

// looksLikeID reports whether a field is a UUID, or is named as IDs are.
func looksLikeID(f fact.Field) bool { return f.Type == fact.UUID || isID(f.Name) && canBeID(f.Type) }

// canBeID reports whether IDs may be of this type. Text with few values is sorted by for that reason.
func canBeID(t fact.FieldType) bool {
	return t == fact.String || t == fact.UUID || t == fact.Int64 || t == fact.UInt64
}
