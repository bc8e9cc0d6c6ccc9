package sqltext

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Shorten cuts s for a message.
func Shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

var (
	// ErrNotUTF8 is what CheckText says of bytes that are no text.
	ErrNotUTF8 = errors.New("is not valid UTF-8")
	errNUL     = errors.New("holds a NUL character")
)

// CheckText says why s cannot be stored as a name or a comment, or nil.
func CheckText(s string) error {
	if !utf8.ValidString(s) {
		return ErrNotUTF8
	}
	if strings.IndexByte(s, 0) >= 0 {
		return errNUL
	}
	return nil
}

// CheckExpr checks that s is one balanced expression that ends where it should:
// no semicolon, comment or open quote. Unless list is set, a comma must stand
// inside brackets.
func CheckExpr(s string, list bool) error {
	tokens, err := Balanced(s)
	if err != nil {
		return err
	}
	parts := SplitTop(tokens)
	if len(parts) > 1 && !list {
		return errors.New("has a comma outside of brackets")
	}
	for _, p := range parts {
		if len(p) == 0 {
			return errors.New("has an empty part beside a comma")
		}
	}
	return nil
}

// Balanced returns the tokens of a text that is not empty, has a partner for
// every bracket, and no semicolon.
func Balanced(s string) ([]Token, error) {
	tokens, err := Tokenize(s)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, errors.New("is empty")
	}
	return tokens, checkBrackets(tokens)
}

// checkBrackets checks that every bracket is closed by its own kind and that
// there is no semicolon.
func checkBrackets(tokens []Token) error {
	var open []byte
	for _, t := range tokens {
		if t.Kind != SymbolToken {
			continue
		}
		switch t.Text {
		case ";":
			return errors.New("has a semicolon")
		case "(":
			open = append(open, ')')
		case "[":
			open = append(open, ']')
		case "{":
			open = append(open, '}')
		case ")", "]", "}":
			if len(open) == 0 || open[len(open)-1] != t.Text[0] {
				return fmt.Errorf("has a %s that closes nothing", t.Text)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("lacks a %c", open[len(open)-1])
	}
	return nil
}

// CheckSelect checks that s is one SELECT that ends where it should.
func CheckSelect(s string) error {
	tokens, err := Balanced(s)
	if err != nil {
		return err
	}
	if !tokens[0].IsKeyword("SELECT") && !tokens[0].IsKeyword("WITH") {
		return errors.New("is not a SELECT")
	}
	depth, selects := 0, 0
	for i, t := range tokens {
		depth += Nesting(t)
		switch {
		case depth != 0:
		case endsSelect(t, tokens[i+1:]):
			return fmt.Errorf("has %s, which is no part of a single SELECT", strings.ToUpper(t.Text))
		case t.IsKeyword("SELECT"):
			selects++
		}
	}
	if selects != 1 {
		return errors.New("is not one SELECT")
	}
	return nil
}

// endsSelect reports whether a word outside of brackets, followed by rest, joins
// another SELECT or begins a clause of the statement around.
func endsSelect(t Token, rest []Token) bool {
	switch {
	case len(rest) == 0:
		return false
	case t.IsKeyword("UNION"), t.IsKeyword("INTERSECT"), t.IsKeyword("EXCEPT"):
		next := rest[0]
		if next.Is("(") && len(rest) > 1 {
			next = rest[1]
		}
		return slices.ContainsFunc([]string{"ALL", "DISTINCT", "SELECT", "WITH", "FROM"}, next.IsKeyword)
	case t.IsKeyword("INTO"):
		return rest[0].IsKeyword("OUTFILE")
	case t.IsKeyword("FORMAT"):
		return len(rest) == 1 && rest[0].Kind == WordToken
	case t.IsKeyword("COMMENT"):
		return len(rest) == 1 && rest[0].Kind == StringToken
	}
	return false
}
