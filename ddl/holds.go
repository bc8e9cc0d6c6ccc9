package ddl

import (
	"strings"

	"github.com/factload/factload/ddl/internal/coltype"
)

// Holds reports whether a column of one type holds every value of another, which
// a server puts into it with a conversion that changes none. A text holds what
// is printed of a single value.
func Holds(column, value string) bool {
	to, from := stored(coltype.Canonical(column)), stored(coltype.Canonical(value))
	if a, ok := coltype.Unwrap(to, "Array"); ok {
		if b, ok := coltype.Unwrap(from, "Array"); ok {
			return Holds(a, b)
		}
	}
	if from == to || coltype.MetadataConversion(from, to) || coltype.LosslessConversion(from, to) || coltype.FinerTime(from, to) {
		return true
	}
	_, null := coltype.Nullable(from)
	inner, nullTo := coltype.Nullable(to)
	return inner == "String" && (!null || nullTo) && !coltype.IsCompound(from)
}

// Widens reports whether a column is of another type than its values, and holds
// every one of them just as it is: a wider number, an enum of more values, a
// time with more digits, a column that can be NULL.
func Widens(column, value string) bool {
	to, from := coltype.Canonical(column), coltype.Canonical(value)
	return from != to && (coltype.MetadataConversion(from, to) || coltype.LosslessConversion(from, to) || coltype.FinerTime(from, to))
}

// stored takes SimpleAggregateFunction off a type.
func stored(t string) string {
	inner, ok := coltype.Unwrap(t, "SimpleAggregateFunction")
	if !ok {
		return t
	}
	_, inner, _ = strings.Cut(inner, ", ")
	return inner
}
