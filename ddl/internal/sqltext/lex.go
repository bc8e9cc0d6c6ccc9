// Package sqltext reads and writes pieces of SQL: it splits them into tokens, quotes
// names and texts, checks that a piece ends where it should, and writes expressions in
// the form in which they are compared. It knows nothing of tables.
package sqltext

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind tells the tokens of a SQL text apart.
type Kind int

// The kinds of tokens.
const (
	WordToken   Kind = iota // a bare name, function or keyword
	NameToken               // a name in backticks or double quotes
	StringToken             // a literal in single quotes
	NumberToken
	SymbolToken // one character, or an operator of two
)

// Token is one token. text is what it means: a name or string without its
// quotes and escapes, anything else as it was written. start and end are its
// place in the source.
type Token struct {
	Kind       Kind
	Text       string
	Start, End int
}

// Is reports whether the token is the symbol.
func (t Token) Is(symbol string) bool { return t.Kind == SymbolToken && t.Text == symbol }

// IsWord reports whether the token is the bare word, in the same case of letters.
func (t Token) IsWord(w string) bool { return t.Kind == WordToken && t.Text == w }

// IsKeyword reports whether the token is the bare word in any case of letters.
func (t Token) IsKeyword(w string) bool { return t.Kind == WordToken && strings.EqualFold(t.Text, w) }

// String returns the token as SQL. Names that need no quotes get none, as the
// server prints them.
func (t Token) String() string {
	switch t.Kind {
	case NameToken:
		if IsWord(t.Text) {
			return t.Text
		}
		return QuoteIdent(t.Text)
	case StringToken:
		return QuoteString(t.Text)
	}
	return t.Text
}

var (
	errOpenQuote = errors.New("a quote is not closed")
	errComment   = errors.New("comments are not allowed")
)

// Tokenize splits an expression, or a statement that the server printed, into
// tokens. It knows the part of the language that those need and refuses the
// rest: comments, heredocs and characters beyond ASCII outside of quotes.
func Tokenize(s string) ([]Token, error) {
	var out []Token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case IsWordByte(c) && !isDigit(c):
			n := wordLen(s[i:])
			out = append(out, Token{WordToken, s[i : i+n], i, i + n})
			i += n
		case isDigit(c):
			n := numberLen(s[i:])
			out = append(out, Token{NumberToken, s[i : i+n], i, i + n})
			i += n
		case c == '\'' || c == '`' || c == '"':
			n := quotedLen(s[i:])
			if n < 0 {
				return nil, fmt.Errorf("at byte %d: %w", i, errOpenQuote)
			}
			kind := NameToken
			if c == '\'' {
				kind = StringToken
			}
			out = append(out, Token{kind, unquote(s[i+1:i+n-1], c), i, i + n})
			i += n
		default:
			n, err := symbolLen(s[i:])
			if err != nil {
				return nil, fmt.Errorf("at byte %d: %w", i, err)
			}
			out = append(out, Token{SymbolToken, s[i : i+n], i, i + n})
			i += n
		}
	}
	return out, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// IsWordByte reports whether c may stand in a name without quotes.
func IsWordByte(c byte) bool {
	return c == '_' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// IsWord reports whether s can stand as a name without quotes, keywords aside.
func IsWord(s string) bool {
	return s != "" && !isDigit(s[0]) && wordLen(s) == len(s)
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && IsWordByte(s[n]) {
		n++
	}
	return n
}

// numberLen is the length of the number that s starts with: digits, letters of
// hexadecimal and exponents, a fraction, a sign behind an exponent.
func numberLen(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		signed := (c == '+' || c == '-') && (s[n-1] == 'e' || s[n-1] == 'E') && !strings.HasPrefix(s, "0x")
		if !IsWordByte(c) && c != '.' && !signed {
			break
		}
		n++
	}
	return n
}

// quotedLen is the length of the quoted text that s starts with, quotes
// included, or -1 when it is not closed.
func quotedLen(s string) int {
	q := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
		case s[i] == q:
			return i + 1
		}
	}
	return -1
}

const symbols = "+-*/%=<>!|,.()[]{}:;?@^&~"

func symbolLen(s string) (int, error) {
	if strings.HasPrefix(s, "--") || strings.HasPrefix(s, "/*") || s[0] == '#' {
		return 0, errComment
	}
	if strings.IndexByte(symbols, s[0]) < 0 {
		r, _ := utf8.DecodeRuneInString(s)
		return 0, fmt.Errorf("unexpected character %q outside of quotes", r)
	}
	for _, op := range []string{"->", "::", "||", "<=", ">=", "<>", "!=", "=="} {
		if strings.HasPrefix(s, op) {
			return 2, nil
		}
	}
	return 1, nil
}

// JoinTokens writes tokens back as SQL with the fewest spaces.
func JoinTokens(tokens []Token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && t.Kind != SymbolToken && (tokens[i-1].Kind != SymbolToken || tokens[i-1].Is(")")) {
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
		if t.Is(",") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Source returns the part of s that the tokens were read from.
func Source(s string, tokens []Token) string {
	if len(tokens) == 0 {
		return ""
	}
	return s[tokens[0].Start:tokens[len(tokens)-1].End]
}

// Closing returns the index of the bracket that closes the one at tokens[0], or
// -1 when there is none.
func Closing(tokens []Token) int {
	depth := 0
	for i, t := range tokens {
		depth += Nesting(t)
		if depth == 0 {
			return i
		}
	}
	return -1
}

// Nesting is 1 for an opening bracket, -1 for a closing one, 0 otherwise.
func Nesting(t Token) int {
	if t.Kind != SymbolToken {
		return 0
	}
	switch t.Text {
	case "(", "[", "{":
		return 1
	case ")", "]", "}":
		return -1
	}
	return 0
}

// SplitTop splits tokens at the commas that stand in no bracket.
func SplitTop(tokens []Token) [][]Token {
	if len(tokens) == 0 {
		return nil
	}
	var out [][]Token
	depth, start := 0, 0
	for i, t := range tokens {
		depth += Nesting(t)
		if depth == 0 && t.Is(",") {
			out = append(out, tokens[start:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}
