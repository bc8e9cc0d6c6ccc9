// Package coltype knows the types and codecs of columns: how the server spells them, and
// which type holds the values of which other.
package coltype

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// Canonical returns a column type as the server spells it.
func Canonical(s string) string {
	tokens, err := sqltext.Tokenize(s)
	if err != nil {
		return s
	}
	return joinType(sortEnums(tokens))
}

// sortEnums puts the values of each enum in the order of their numbers.
func sortEnums(tokens []sqltext.Token) []sqltext.Token {
	out := slices.Clone(tokens)
	for i := range out {
		if !out[i].IsWord("Enum8") && !out[i].IsWord("Enum16") {
			continue
		}
		rest := out[i+1:]
		end := sqltext.Closing(rest)
		if len(rest) == 0 || !rest[0].Is("(") || end < 0 {
			continue
		}
		values := sqltext.SplitTop(slices.Clone(rest[1:end]))
		slices.SortStableFunc(values, func(a, b []sqltext.Token) int { return cmp.Compare(enumNumber(a), enumNumber(b)) })
		sorted := rest[1:1]
		for n, v := range values {
			if n > 0 {
				sorted = append(sorted, sqltext.Token{Kind: sqltext.SymbolToken, Text: ","})
			}
			sorted = append(sorted, v...)
		}
	}
	return out
}

// enumNumber is the number in 'a' = 1.
func enumNumber(value []sqltext.Token) int {
	n := 0
	for _, t := range value {
		if t.Kind == sqltext.NumberToken {
			n, _ = strconv.Atoi(t.Text)
		}
	}
	if slices.ContainsFunc(value, func(t sqltext.Token) bool { return t.Is("-") }) {
		n = -n
	}
	return n
}

// joinType writes the tokens of a type with the server's spacing.
func joinType(tokens []sqltext.Token) string {
	var b strings.Builder
	for i, t := range tokens {
		switch {
		case t.Is("="):
			b.WriteString(" = ")
			continue
		case i > 0 && t.Kind != sqltext.SymbolToken && tokens[i-1].Kind != sqltext.SymbolToken:
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
		if t.Is(",") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
