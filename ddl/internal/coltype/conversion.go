package coltype

import (
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// MetadataConversion reports whether a column changes its type without a byte
// of the stored data being touched: an enum that gets more values, a time that
// is shown in another zone. Types are canonical.
func MetadataConversion(from, to string) bool {
	from, to, ok := sameWrapper(from, to)
	if !ok {
		return false
	}
	if strings.HasPrefix(from, "DateTime64(3") && strings.HasPrefix(to, "DateTime64(3") {
		return true
	}
	return widerEnum(from, to)
}

// LosslessConversion reports whether every value of one type is also one of the
// other, so that the column can be rewritten in place.
func LosslessConversion(from, to string) bool {
	if strings.HasPrefix(to, "Array(") || strings.HasPrefix(from, "Array(") {
		return false // elements are left to a rebuild
	}
	if inner, ok := Unwrap(to, "LowCardinality"); ok {
		to = inner
	}
	if inner, ok := Unwrap(from, "LowCardinality"); ok {
		from = inner
	}
	to, toNull := Unwrap(to, "Nullable")
	from, fromNull := Unwrap(from, "Nullable")
	if fromNull && !toNull {
		return false
	}
	return from == to || widerNumber(from, to) || widerEnum(from, to) || widerDecimal(from, to)
}

// FinerTime reports whether a DateTime64 has more digits of a second than another and
// every one of its days. With nine digits, it ends in 2262.
func FinerTime(from, to string) bool {
	from, to, ok := sameWrapper(from, to)
	a, isTime := secondDigits(from)
	b, isTimeTo := secondDigits(to)
	return ok && isTime && isTimeTo && a < b && b < 9
}

// secondDigits returns the digits of a second that a DateTime64 has.
func secondDigits(t string) (int, bool) {
	inner, ok := Unwrap(t, "DateTime64")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(inner, ",")
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// Unwrap takes Wrapper(inner) apart. When t is not wrapped it returns t itself.
func Unwrap(t, wrapper string) (string, bool) {
	inner, ok := strings.CutPrefix(t, wrapper+"(")
	if !ok {
		return t, false
	}
	return strings.TrimSuffix(inner, ")"), true
}

// sameWrapper takes the same Nullable or Array off both types.
func sameWrapper(from, to string) (innerFrom, innerTo string, ok bool) {
	for _, w := range []string{"Nullable", "Array"} {
		a, wrappedA := Unwrap(from, w)
		b, wrappedB := Unwrap(to, w)
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
	a, okA := EnumValues(from)
	b, okB := EnumValues(to)
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

// EnumValues returns the values of a canonical Enum8 type: 'a' = 1.
func EnumValues(t string) ([]string, bool) { return eachEnumValue(t, sqltext.JoinTokens) }

// EnumNames returns the names of a canonical Enum8 type as literals.
func EnumNames(t string) ([]string, bool) {
	return eachEnumValue(t, func(value []sqltext.Token) string { return sqltext.QuoteString(value[0].Text) })
}

func eachEnumValue(t string, text func([]sqltext.Token) string) ([]string, bool) {
	inner, ok := Unwrap(t, "Enum8")
	if !ok {
		return nil, false
	}
	tokens, err := sqltext.Tokenize(inner)
	if err != nil {
		return nil, false
	}
	var out []string
	for _, v := range sqltext.SplitTop(tokens) {
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
	inner, ok := Unwrap(t, "Decimal")
	if !ok {
		return 0, 0, false
	}
	p, s, ok := strings.Cut(inner, ", ")
	precision, errP := strconv.Atoi(p)
	scale, errS := strconv.Atoi(s)
	return precision, scale, ok && errP == nil && errS == nil
}

// Nullable takes LowCardinality and Nullable off a type.
func Nullable(t string) (inner string, null bool) {
	if x, ok := Unwrap(t, "LowCardinality"); ok {
		t = x
	}
	return Unwrap(t, "Nullable")
}

// Essential returns a type without LowCardinality and Nullable.
func Essential(t string) string {
	t, _ = Nullable(t)
	return t
}

// IsText reports whether a value of the type is a text, or an enum's name.
func IsText(t string) bool {
	t = Essential(t)
	return t == "String" || t == jsonText || strings.HasPrefix(t, "Enum")
}

// IsCompound reports whether values of the type are made of other values.
func IsCompound(t string) bool {
	for _, prefix := range []string{"Array(", "Map(", "Tuple(", "JSON", "Variant(", "Dynamic", "Object("} {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}
