package ddl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// tokenKind tells the tokens of a SQL text apart.
type tokenKind int

const (
	wordToken   tokenKind = iota // a bare name, function or keyword
	nameToken                    // a name in backticks or double quotes
	stringToken                  // a literal in single quotes
	numberToken
	symbolToken // one character, or an operator of two
)

// token is one token. text is what it means: a name or string without its
// quotes and escapes, anything else as it was written. start and end are its
// place in the source.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

func (t token) is(symbol string) bool   { return t.kind == symbolToken && t.text == symbol }
func (t token) isWord(w string) bool    { return t.kind == wordToken && t.text == w }
func (t token) isKeyword(w string) bool { return t.kind == wordToken && strings.EqualFold(t.text, w) }

// String returns the token as SQL. Names that need no quotes get none, as the
// server prints them.
func (t token) String() string {
	switch t.kind {
	case nameToken:
		if isWord(t.text) {
			return t.text
		}
		return QuoteIdent(t.text)
	case stringToken:
		return QuoteString(t.text)
	}
	return t.text
}

var (
	errOpenQuote = errors.New("a quote is not closed")
	errComment   = errors.New("comments are not allowed")
)

// tokenize splits an expression, or a statement that the server printed, into
// tokens. It knows the part of the language that those need and refuses the
// rest: comments, heredocs and characters beyond ASCII outside of quotes.
func tokenize(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isWordByte(c) && !isDigit(c):
			n := wordLen(s[i:])
			out = append(out, token{wordToken, s[i : i+n], i, i + n})
			i += n
		case isDigit(c):
			n := numberLen(s[i:])
			out = append(out, token{numberToken, s[i : i+n], i, i + n})
			i += n
		case c == '\'' || c == '`' || c == '"':
			n := quotedLen(s[i:])
			if n < 0 {
				return nil, fmt.Errorf("at byte %d: %w", i, errOpenQuote)
			}
			kind := nameToken
			if c == '\'' {
				kind = stringToken
			}
			out = append(out, token{kind, unquote(s[i+1:i+n-1], c), i, i + n})
			i += n
		default:
			n, err := symbolLen(s[i:])
			if err != nil {
				return nil, fmt.Errorf("at byte %d: %w", i, err)
			}
			out = append(out, token{symbolToken, s[i : i+n], i, i + n})
			i += n
		}
	}
	return out, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordByte(c byte) bool {
	return c == '_' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isWord reports whether s can stand as a name without quotes, keywords aside.
func isWord(s string) bool {
	return s != "" && !isDigit(s[0]) && wordLen(s) == len(s)
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && isWordByte(s[n]) {
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
		if !isWordByte(c) && c != '.' && !signed {
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

// joinTokens writes tokens back as SQL with the fewest spaces.
func joinTokens(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && t.kind != symbolToken && (tokens[i-1].kind != symbolToken || tokens[i-1].is(")")) {
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
		if t.is(",") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// source returns the part of s that the tokens were read from.
func source(s string, tokens []token) string {
	if len(tokens) == 0 {
		return ""
	}
	return s[tokens[0].start:tokens[len(tokens)-1].end]
}

// closing returns the index of the bracket that closes the one at tokens[0], or
// -1 when there is none.
func closing(tokens []token) int {
	depth := 0
	for i, t := range tokens {
		depth += nesting(t)
		if depth == 0 {
			return i
		}
	}
	return -1
}

// nesting is 1 for an opening bracket, -1 for a closing one, 0 otherwise.
func nesting(t token) int {
	if t.kind != symbolToken {
		return 0
	}
	switch t.text {
	case "(", "[", "{":
		return 1
	case ")", "]", "}":
		return -1
	}
	return 0
}

// splitTop splits tokens at the commas that stand in no bracket.
func splitTop(tokens []token) [][]token {
	if len(tokens) == 0 {
		return nil
	}
	var out [][]token
	depth, start := 0, 0
	for i, t := range tokens {
		depth += nesting(t)
		if depth == 0 && t.is(",") {
			out = append(out, tokens[start:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}
