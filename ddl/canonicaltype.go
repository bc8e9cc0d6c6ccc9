package ddl

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// canonicalType returns a column type as the server spells it.
func canonicalType(s string) string {
	tokens, err := tokenize(s)
	if err != nil {
		return s
	}
	return joinType(sortEnums(tokens))
}

// sortEnums puts the values of each enum in the order of their numbers.
func sortEnums(tokens []token) []token {
	out := slices.Clone(tokens)
	for i := range out {
		if !out[i].isWord("Enum8") && !out[i].isWord("Enum16") {
			continue
		}
		rest := out[i+1:]
		end := closing(rest)
		if len(rest) == 0 || !rest[0].is("(") || end < 0 {
			continue
		}
		values := splitTop(slices.Clone(rest[1:end]))
		slices.SortStableFunc(values, func(a, b []token) int { return cmp.Compare(enumNumber(a), enumNumber(b)) })
		sorted := rest[1:1]
		for n, v := range values {
			if n > 0 {
				sorted = append(sorted, token{kind: symbolToken, text: ","})
			}
			sorted = append(sorted, v...)
		}
	}
	return out
}

// enumNumber is the number in 'a' = 1.
func enumNumber(value []token) int {
	n := 0
	for _, t := range value {
		if t.kind == numberToken {
			n, _ = strconv.Atoi(t.text)
		}
	}
	if slices.ContainsFunc(value, func(t token) bool { return t.is("-") }) {
		n = -n
	}
	return n
}

// joinType writes the tokens of a type with the server's spacing.
func joinType(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		switch {
		case t.is("="):
			b.WriteString(" = ")
			continue
		case i > 0 && t.kind != symbolToken && tokens[i-1].kind != symbolToken:
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
		if t.is(",") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
