package ddl

import (
	"slices"
	"strconv"
	"strings"
)

// metadataConversion reports whether a column changes its type without a byte
// of the stored data being touched: an enum that gets more values, a time that
// is shown in another zone. Types are canonical.
func metadataConversion(from, to string) bool {
	from, to, ok := sameWrapper(from, to)
	if !ok {
		return false
	}
	if strings.HasPrefix(from, "DateTime64(3") && strings.HasPrefix(to, "DateTime64(3") {
		return true
	}
	return widerEnum(from, to)
}

// Holds reports whether a column of one type holds every value of another, which
// a server puts into it with a conversion that changes none. A text holds what
// is printed of a single value.
func Holds(column, value string) bool {
	to, from := stored(canonicalType(column)), stored(canonicalType(value))
	if a, ok := unwrap(to, "Array"); ok {
		if b, ok := unwrap(from, "Array"); ok {
			return Holds(a, b)
		}
	}
	if from == to || metadataConversion(from, to) || losslessConversion(from, to) {
		return true
	}
	_, null := nullable(from)
	inner, nullTo := nullable(to)
	return inner == "String" && (!null || nullTo) && !isCompound(from)
}

// Widens reports whether a column is of another type than its values, and holds
// every one of them just as it is: a wider number, an enum of more values, a
// column that can be NULL.
func Widens(column, value string) bool {
	to, from := canonicalType(column), canonicalType(value)
	return from != to && (metadataConversion(from, to) || losslessConversion(from, to))
}

// stored takes SimpleAggregateFunction off a type.
func stored(t string) string {
	inner, ok := unwrap(t, "SimpleAggregateFunction")
	if !ok {
		return t
	}
	_, inner, _ = strings.Cut(inner, ", ")
	return inner
}

// losslessConversion reports whether every value of one type is also one of the
// other, so that the column can be rewritten in place.
func losslessConversion(from, to string) bool {
	if strings.HasPrefix(to, "Array(") || strings.HasPrefix(from, "Array(") {
		return false // elements are left to a rebuild
	}
	if inner, ok := unwrap(to, "LowCardinality"); ok {
		to = inner
	}
	if inner, ok := unwrap(from, "LowCardinality"); ok {
		from = inner
	}
	to, toNull := unwrap(to, "Nullable")
	from, fromNull := unwrap(from, "Nullable")
	if fromNull && !toNull {
		return false
	}
	return from == to || widerNumber(from, to) || widerEnum(from, to) || widerDecimal(from, to)
}

// unwrap takes Wrapper(inner) apart. When t is not wrapped it returns t itself.
func unwrap(t, wrapper string) (string, bool) {
	inner, ok := strings.CutPrefix(t, wrapper+"(")
	if !ok {
		return t, false
	}
	return strings.TrimSuffix(inner, ")"), true
}

// sameWrapper takes the same Nullable or Array off both types.
func sameWrapper(from, to string) (innerFrom, innerTo string, ok bool) {
	for _, w := range []string{"Nullable", "Array"} {
		a, wrappedA := unwrap(from, w)
		b, wrappedB := unwrap(to, w)
		if wrappedA != wrappedB {
			return "", "", false
		}
		from, to = a, b
	}
	return from, to, true
}

// number types by their kind and bits.
func numberBits(t string) (kind string, bits int) {
	for _, kind := range []string{"UInt", "Int", "Float"} {
		if rest, ok := strings.CutPrefix(t, kind); ok {
			bits, err := strconv.Atoi(rest)
			if err == nil {
				return kind, bits
			}
		}
	}
	return "", 0
}

func widerNumber(from, to string) bool {
	kindFrom, bitsFrom := numberBits(from)
	kindTo, bitsTo := numberBits(to)
	switch {
	case kindFrom == "" || kindTo == "":
		return false
	case kindFrom == kindTo:
		return bitsTo > bitsFrom
	case kindTo == "Int":
		return kindFrom == "UInt" && bitsTo > bitsFrom
	case kindTo == "Float": // 24 bits of an integer fit a Float32, 53 a Float64
		return bitsFrom <= bitsTo/2
	}
	return false
}

// widerEnum reports whether to has all values of from under the same numbers.
func widerEnum(from, to string) bool {
	a, okA := enumValues(from)
	b, okB := enumValues(to)
	if !okA || !okB {
		return false
	}
	for _, v := range a {
		if !slices.Contains(b, v) {
			return false
		}
	}
	return true
}

// enumValues returns the values of a canonical Enum8 type: 'a' = 1.
func enumValues(t string) ([]string, bool) { return eachEnumValue(t, joinTokens) }

// enumNames returns the names of a canonical Enum8 type as literals.
func enumNames(t string) ([]string, bool) {
	return eachEnumValue(t, func(value []token) string { return QuoteString(value[0].text) })
}

func eachEnumValue(t string, text func([]token) string) ([]string, bool) {
	inner, ok := unwrap(t, "Enum8")
	if !ok {
		return nil, false
	}
	tokens, err := tokenize(inner)
	if err != nil {
		return nil, false
	}
	var out []string
	for _, v := range splitTop(tokens) {
		out = append(out, text(v))
	}
	return out, true
}

// widerDecimal reports whether to has as many digits on either side of the
// point as from.
func widerDecimal(from, to string) bool {
	p1, s1, ok1 := decimalDigits(from)
	p2, s2, ok2 := decimalDigits(to)
	return ok1 && ok2 && s2 >= s1 && p2-s2 >= p1-s1
}

func decimalDigits(t string) (precision, scale int, ok bool) {
	inner, ok := unwrap(t, "Decimal")
	if !ok {
		return 0, 0, false
	}
	p, s, ok := strings.Cut(inner, ", ")
	precision, errP := strconv.Atoi(p)
	scale, errS := strconv.Atoi(s)
	return precision, scale, ok && errP == nil && errS == nil
}
