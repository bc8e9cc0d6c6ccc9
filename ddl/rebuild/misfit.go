package rebuild

import (
	"fmt"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// MisfitSQL returns the query for the values of a checked column that the new
// type cannot hold, or nil for none: how many rows there are, how many do not
// fit, and a few of those, each with its sorting key. Without pieces it looks
// at the whole table.
func (r *Rebuild) MisfitSQL(from string, c ColumnCopy, pieces []Piece) string {
	where := "1"
	if len(pieces) > 0 {
		where = piecesSQL(pieces)
	}
	value := sqltext.QuoteIdent(c.Name)
	key := "''"
	if len(r.From.OrderBy) > 0 {
		key = "toString(tuple(" + strings.Join(r.From.OrderBy, ", ") + "))"
	}
	misfit := misfitSQL(value, c.From, c.To, 0)
	return fmt.Sprintf("SELECT count() AS rows, countIf(%[1]s) AS misfits,\n"+
		"groupArrayIf(3)(substringUTF8(ifNull(toString(%[2]s), 'NULL'), 1, 80), %[1]s) AS values, groupArrayIf(3)(substringUTF8(%[3]s, 1, 200), %[1]s) AS keys\n"+
		"FROM %[4]s WHERE %[5]s",
		misfit, value, key, ddl.TableSQL(r.other(from)), where) + plainSettings + r.nativeJSONSettings(",")
}

// convertSQL returns a value of one type as one of another. The elements of an
// array are converted one by one, as a single value is.
func convertSQL(value, from, to string) string {
	if from == to {
		return value
	}
	if a, ok := coltype.Unwrap(from, "Array"); ok {
		if b, ok := coltype.Unwrap(to, "Array"); ok && a != b {
			return fmt.Sprintf("CAST(arrayMap(_element -> %s, %s), %s)", convertSQL("_element", a, b), value, sqltext.QuoteString(coltype.Stored(to)))
		}
	}
	if !related(coltype.Essential(from), coltype.Essential(to)) {
		return fmt.Sprintf("defaultValueOfTypeName(%s)", sqltext.QuoteString(coltype.Stored(to))) // of NULL, which is all that there is
	}
	if coltype.IsJSONText(from) && coltype.Essential(to) == "String" {
		value = "JSONExtractString(" + value + ")" // the text of a JSON string
	}
	from, to = coltype.Stored(from), coltype.Stored(to)
	if _, ok := coltype.EnumValues(coltype.Essential(to)); ok && coltype.IsText(from) || throughText(from, to) {
		value = "toString(" + value + ")" // an enum is its text, not its number
	}
	return fmt.Sprintf("CAST(%s, %s)", value, sqltext.QuoteString(to))
}

// misfitSQL returns the condition that a value does not survive the way to the
// new type: it cannot be converted, or it is another one when it is converted
// back.
func misfitSQL(value, from, to string, depth int) string {
	if a, ok := coltype.Unwrap(from, "Array"); ok {
		if b, ok := coltype.Unwrap(to, "Array"); ok {
			element := fmt.Sprintf("_element_%d", depth)
			return fmt.Sprintf("arrayExists(%s -> (%s), %s)", element, misfitSQL(element, a, b, depth+1), value)
		}
	}
	from, fromNull := coltype.Nullable(from)
	to, toNull := coltype.Nullable(to)
	var conditions []string
	if fromNull && !toNull {
		conditions = append(conditions, fmt.Sprintf("isNull(%s)", value))
	}
	if cond := innerMisfitSQL(value, from, to); cond != "" {
		conditions = append(conditions, fmt.Sprintf("(isNotNull(%s) AND (%s))", value, cond))
	}
	if len(conditions) == 0 {
		return "0"
	}
	return strings.Join(conditions, " OR ")
}

func innerMisfitSQL(value, from, to string) string {
	text := fmt.Sprintf("ifNull(toString(%s), '')", value)
	switch {
	case from == to || coltype.LosslessConversion(from, to):
		return ""
	case !related(from, to):
		return "1"
	case coltype.IsJSONText(from) && to == "String":
		return fmt.Sprintf("JSONType(%s) != 'String'", text)
	case coltype.IsJSONText(to) && coltype.IsText(from):
		return fmt.Sprintf("NOT isValidJSON(%[1]s) OR JSONType(%[1]s) = 'Null'", text)
	case coltype.IsJSONText(to) && !coltype.IsCompound(from):
		return fmt.Sprintf("NOT isValidJSON(%s) OR %s", text, castMisfitSQL(value, from, "String"))
	case to == "JSON" && coltype.IsText(from):
		return fmt.Sprintf("NOT isValidJSON(%[1]s) OR JSONType(%[1]s) != 'Object'", text)
	}
	return castMisfitSQL(value, coltype.Stored(from), coltype.Stored(to))
}

// related reports whether a value of one type may be one of the other: whatever has a text
// may become that, and be read from it. An enum is its text, whatever number the server
// keeps for it, and a time is no number.
func related(from, to string) bool {
	a, b := coltype.KindOf(from), coltype.KindOf(to)
	switch {
	case a == b, a == coltype.Other, b == coltype.Other: // of the others the server knows
		return true
	case a == coltype.Object || b == coltype.Object:
		return b == coltype.Object && a == coltype.Text || coltype.IsJSONText(to)
	case a == coltype.Text || b == coltype.Text:
		return a < coltype.Map && b < coltype.Map
	}
	return false
}

// castMisfitSQL returns the condition that a value is another one when it has been
// converted to the other type and back.
func castMisfitSQL(value, from, to string) string {
	if names, ok := coltype.EnumNames(to); ok && coltype.IsText(from) {
		return fmt.Sprintf("ifNull(toString(%s), '') NOT IN (%s)", value, strings.Join(names, ", "))
	}
	if coltype.IsCompound(from) || coltype.IsCompound(to) {
		there := fmt.Sprintf("CAST(%s, %s)", value, sqltext.QuoteString(to))
		return fmt.Sprintf("toString(CAST(%s, %s)) != toString(%s)", there, sqltext.QuoteString(from), value)
	}
	there := fmt.Sprintf("accurateCastOrNull(%s, %s)", value, sqltext.QuoteString(to))
	back := fmt.Sprintf("accurateCastOrNull(%s, %s)", there, sqltext.QuoteString(from))
	if throughText(from, to) {
		there = fmt.Sprintf("accurateCastOrNull(toString(%s), %s)", value, sqltext.QuoteString(to))
		back = fmt.Sprintf("accurateCastOrNull(toString(%s), %s)", there, sqltext.QuoteString(from))
	}
	if _, ok := coltype.EnumValues(from); ok {
		back = fmt.Sprintf("CAST(%s, %s)", there, sqltext.QuoteString("Nullable("+from+")"))
	}
	changed := fmt.Sprintf("ifNull(toString(%s) != toString(%s), 1)", back, value)
	if strings.HasPrefix(to, "Decimal(") {
		changed += beyondDigitsSQL(value, from)
	}
	return changed
}

// beyondDigitsSQL adds the condition that a float is so large that its text has fewer
// digits than its value: 1099511627776 is 1.0995116e12 as a Float32, and would become
// the decimal 1099511600000.
func beyondDigitsSQL(value, from string) string {
	switch from {
	case "Float32":
		return fmt.Sprintf(" OR abs(%s) > 16777216", value) // 2^24
	case "Float64":
		return fmt.Sprintf(" OR abs(%s) > 9007199254740992", value) // 2^53
	}
	return ""
}

// throughText reports whether a value is converted by way of its text. The
// server converts decimals to other numbers and back with errors for some
// values, and by way of floats for others.
func throughText(from, to string) bool {
	return (strings.HasPrefix(coltype.Essential(from), "Decimal(") || strings.HasPrefix(coltype.Essential(to), "Decimal(")) && !coltype.IsCompound(from) && !coltype.IsCompound(to)
}
