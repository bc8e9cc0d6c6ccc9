package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxTableNameBytes is the longest table name, counted as the server stores it
// in a file name: a letter, digit or underscore is one byte, every other byte
// three. The server keeps a dropped table in a file called
// database.table.uuid.sql of at most 255 bytes, which leaves this for the names
// of database and table together.
const maxTableNameBytes = 213

// reservedColumns are names that the server keeps for itself in every table of
// the MergeTree family.
var reservedColumns = []string{"_row_exists", "_block_number", "_block_offset"}

// constantWords are names that the server prints without quotes, in any case of
// letters, and then reads as a constant or an operator. A table that sorts by
// such a column, or uses it in any other expression, is lost when the server
// restarts.
var constantWords = []string{"true", "false", "inf", "infinity", "nan", "not"}

func isConstantWord(name string) bool {
	return slices.ContainsFunc(constantWords, func(w string) bool { return strings.EqualFold(w, name) })
}

// OptionError says what is wrong with one of the [Options].
type OptionError struct {
	// Option is the path of the option as it is written in YAML, such as
	// columns.payload.codec or indexes[0].expr.
	Option string
	// Problem says what is wrong and how to fix it.
	Problem string
}

// Error names the option and the problem.
func (e *OptionError) Error() string {
	return fmt.Sprintf("table option %s: %s", e.Option, e.Problem)
}

// NameError says why a name cannot be given to a table or to a part of one.
type NameError struct {
	// Kind is what is named: table, column, index or cluster.
	Kind string
	// Name is the name.
	Name string
	// Problem says what is wrong and how to fix it.
	Problem string
}

// Error names the thing, its name cut to a sane length, and the problem.
func (e *NameError) Error() string {
	return fmt.Sprintf("%s name %q: %s", e.Kind, shorten(e.Name), e.Problem)
}

// shorten cuts s for a message.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

var (
	errNotUTF8 = errors.New("is not valid UTF-8")
	errNUL     = errors.New("holds a NUL character")
)

// checkText says why s cannot be stored as a name or a comment, or nil.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return errNotUTF8
	}
	if strings.IndexByte(s, 0) >= 0 {
		return errNUL
	}
	return nil
}

func checkName(kind, name string) error {
	if name == "" {
		return &NameError{Kind: kind, Name: name, Problem: "is empty"}
	}
	if err := checkText(name); err != nil {
		return &NameError{Kind: kind, Name: name, Problem: err.Error()}
	}
	return nil
}

// checkTableName checks that the server can keep the table in a file.
func checkTableName(database, table string) error {
	if err := checkName("table", table); err != nil {
		return err
	}
	if strings.HasPrefix(table, ReservedPrefix) {
		return &NameError{Kind: "table", Name: table, Problem: "begins with " + ReservedPrefix + ", as factload's own tables do: choose another name"}
	}
	room := maxTableNameBytes - max(1, fileNameBytes(database))
	if n := fileNameBytes(table); n > room {
		return &NameError{Kind: "table", Name: table, Problem: fmt.Sprintf(
			"is too long: it takes %d bytes of a file name, of which the server has %d; letters of a-z, digits and _ take one byte, other bytes three", n, room)}
	}
	return nil
}

// fileNameBytes is the length of name as the server escapes it in file names.
func fileNameBytes(name string) int {
	n := 0
	for i := range len(name) {
		if isWordByte(name[i]) {
			n++
		} else {
			n += 3
		}
	}
	return n
}

// checkExpr checks that s is one balanced expression that ends where it should:
// no semicolon, comment or open quote. Unless list is set, a comma must stand
// inside brackets.
func checkExpr(s string, list bool) error {
	tokens, err := balanced(s)
	if err != nil {
		return err
	}
	parts := splitTop(tokens)
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

// balanced returns the tokens of a text that is not empty, has a partner for
// every bracket, and no semicolon.
func balanced(s string) ([]token, error) {
	tokens, err := tokenize(s)
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
func checkBrackets(tokens []token) error {
	var open []byte
	for _, t := range tokens {
		if t.kind != symbolToken {
			continue
		}
		switch t.text {
		case ";":
			return errors.New("has a semicolon")
		case "(":
			open = append(open, ')')
		case "[":
			open = append(open, ']')
		case "{":
			open = append(open, '}')
		case ")", "]", "}":
			if len(open) == 0 || open[len(open)-1] != t.text[0] {
				return fmt.Errorf("has a %s that closes nothing", t.text)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("lacks a %c", open[len(open)-1])
	}
	return nil
}
