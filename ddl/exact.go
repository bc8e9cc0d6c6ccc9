package ddl

import (
	"regexp"
	"slices"
	"strconv"
)

// exactFunctions are functions that the server prints under the name that it
// was given. Many others are aliases, which it replaces.
var exactFunctions = []string{
	"toYYYYMM", "toYYYYMMDD", "toYear", "toMonth", "toMonday", "toDate", "toStartOfYear", "toStartOfQuarter", "toStartOfMonth",
	"toStartOfWeek", "toStartOfDay", "toStartOfHour", "toStartOfInterval", "toIntervalDay", "toIntervalWeek", "toIntervalMonth",
	"toIntervalQuarter", "toIntervalYear", "toIntervalHour", "toUnixTimestamp", "toDateTime", "intDiv", "modulo", "cityHash64", "sipHash64", "xxHash64",
	"lower", "upper", "substring", "tuple", "toUInt8", "toUInt16", "toUInt32", "toUInt64",
	"toIntervalSecond", "toIntervalMinute", "toInt8", "toInt16", "toInt32", "toInt64", "toString", "toHour", "length", "map",
}

// exactOperators are printed as they are written, when there is one of them
// between two operands.
var exactOperators = []string{"+", "-", "*", "/", "%", "=", "!=", "<", ">", "<=", ">="}

// isExact reports whether the server prints the expression just so: it
// consists of names, literals, calls of exactFunctions, lists, and no more than
// one operator at a time. Other operators and keywords are printed by rules
// that we do not follow.
func isExact(tokens []token) bool {
	operators := []int{0} // by depth
	for i, t := range tokens {
		next := token{kind: symbolToken}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		top := len(operators) - 1
		switch {
		case t.kind == wordToken && next.is("("):
			if !slices.Contains(exactFunctions, t.text) {
				return false
			}
		case t.kind == wordToken && next.kind != symbolToken:
			return false // a keyword between operands
		case t.kind == numberToken && !exactNumber(t.text):
			return false
		case t.kind != symbolToken:
		case t.text == "[", t.text == "(" && (i == 0 || tokens[i-1].kind == wordToken):
			operators = append(operators, 0)
		case t.text == "]" || t.text == ")":
			if top == 0 {
				return false
			}
			operators = operators[:top]
		case t.text == ",":
			operators[top] = 0
		case t.text == "-" && next.kind == numberToken && (i == 0 || tokens[i-1].is("(") || tokens[i-1].is("[") || tokens[i-1].is(",")):
			// the sign of a literal
		case slices.Contains(exactOperators, t.text) && operators[top] == 0:
			operators[top]++
		default:
			return false
		}
	}
	return true
}

var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// exactNumber reports whether the server prints the number just so.
func exactNumber(s string) bool {
	if wholeNumber.MatchString(s) {
		return true
	}
	if x, err := strconv.ParseUint(s, 10, 64); err == nil {
		return strconv.FormatUint(x, 10) == s
	}
	for _, bits := range []int{32, 64} {
		if x, err := strconv.ParseFloat(s, bits); err == nil && formatFloat(x, bits) == s {
			return true
		}
	}
	return false
}
