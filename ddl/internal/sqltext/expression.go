package sqltext

import (
	"slices"
	"strings"
)

// CanonicalExpr returns the form of an expression in which it is compared. Text
// that cannot be taken apart is its own form.
func CanonicalExpr(s string) string {
	tokens, err := Tokenize(s)
	if err != nil {
		return s
	}
	return CanonicalTokens(tokens)
}

// CanonicalTokens returns the form in which an expression of the tokens is compared.
func CanonicalTokens(tokens []Token) string { return JoinTokens(bare(tokens)) }

// bare takes away the parentheses, or the tuple(), around a whole expression
// when they hold a single part. An empty tuple becomes nothing. A tuple of
// several parts gets parentheses.
func bare(tokens []Token) []Token {
	for len(tokens) > 1 {
		open := 0
		if tokens[0].IsWord("tuple") {
			open = 1
		}
		if !tokens[open].Is("(") || Closing(tokens[open:]) != len(tokens)-1-open {
			return tokens
		}
		inner := tokens[open+1 : len(tokens)-1]
		if len(SplitTop(inner)) > 1 {
			return tokens[open:]
		}
		tokens = inner
	}
	return tokens
}

// CanonicalKey returns the expressions of a key in canonical form. A key that
// is one tuple is taken apart.
func CanonicalKey(key []string) []string {
	var out []string
	for _, k := range key {
		if text := CanonicalExpr(k); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// SplitKey takes apart a key as the server prints it: "a, toDate(b)".
func SplitKey(s string) []string {
	tokens, err := Tokenize(s)
	if err != nil {
		return []string{s}
	}
	tokens = bare(tokens)
	if len(tokens) > 0 && tokens[0].Is("(") && Closing(tokens) == len(tokens)-1 {
		tokens = tokens[1 : len(tokens)-1]
	}
	var out []string
	for _, part := range SplitTop(tokens) {
		out = append(out, CanonicalTokens(part))
	}
	return out
}

func joinList(tokens []Token) string {
	var out []string
	for _, part := range SplitTop(tokens) {
		out = append(out, CanonicalTokens(part))
	}
	return strings.Join(out, ", ")
}

// CanonicalTTL returns the TTL rules of a table in canonical form. DELETE is
// what a rule does anyway, so the server leaves the word out.
func CanonicalTTL(s string) string {
	tokens, err := Tokenize(s)
	if err != nil {
		return s
	}
	tokens = slices.DeleteFunc(tokens, func(t Token) bool { return t.IsKeyword("DELETE") })
	return joinList(tokens)
}

// Brief writes a query for a message.
func Brief(sql string) string { return Shorten(strings.Join(strings.Fields(sql), " ")) }

// CanonicalQuery is the form in which queries are compared.
func CanonicalQuery(sql string) string {
	tokens, err := Tokenize(sql)
	if err != nil {
		return sql
	}
	return JoinTokens(tokens)
}
