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
			return fmt.Sprintf("CAST(arrayMap(_element -> %s, %s), %s)", convertSQL("_element", a, b), value, sqltext.QuoteString(to))
		}
	}
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
		conditions = append(conditions, fmt.Sprintf("(isNotNull(%s) AND %s)", value, cond))
	}
	if len(conditions) == 0 {
		return "0"
	}
	return strings.Join(conditions, " OR ")
}

func innerMisfitSQL(value, from, to string) string {
	if from == to || coltype.LosslessConversion(from, to) {
		return ""
	}
	if names, ok := coltype.EnumNames(to); ok && coltype.IsText(from) {
		return fmt.Sprintf("ifNull(toString(%s), '') NOT IN (%s)", value, strings.Join(names, ", "))
	}
	if coltype.IsText(from) && to == "JSON" {
		return fmt.Sprintf("(NOT isValidJSON(ifNull(toString(%[1]s), '')) OR JSONType(ifNull(toString(%[1]s), '')) != 'Object')", value)
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
	return fmt.Sprintf("ifNull(toString(%s) != toString(%s), 1)", back, value)
}

// throughText reports whether a value is converted by way of its text. The
// server converts decimals to other numbers and back with errors for some
// values, and by way of floats for others.
func throughText(from, to string) bool {
	return (strings.HasPrefix(coltype.Essential(from), "Decimal(") || strings.HasPrefix(coltype.Essential(to), "Decimal(")) && !coltype.IsCompound(from) && !coltype.IsCompound(to)
}
