package ddl

import (
	"slices"
	"strings"
)

// readEngine takes apart what system.tables calls engine_full: the engine, then
// the clauses. Keys are read from columns of their own.
func (t *Table) readEngine(full string) error {
	tokens, err := balanced(full)
	if err != nil {
		return err
	}
	end := len(tokens)
	if at := settingsStart(tokens); at >= 0 {
		t.Settings = readSettings(tokens[at+1:])
		end = at
	}
	if at := ttlStart(tokens[:end]); at >= 0 {
		t.TTL = source(full, tokens[at+1:end])
	}
	name := 1
	if len(tokens) > 1 && tokens[1].is("(") {
		name = 2 + closing(tokens[1:])
	}
	t.Engine = source(full, tokens[:name])
	return nil
}

// viewTarget returns the target in CREATE MATERIALIZED VIEW a.b TO c.d, or
// nothing when the view has no target or is filled in another way.
func viewTarget(create []token, database string) TableName {
	const name = 3 // words before the name
	_, rest := readName(create[min(name, len(create)):])
	if len(rest) == 0 || !rest[0].isWord("TO") {
		return TableName{}
	}
	to, _ := readName(rest[1:])
	if to.Database == "" {
		to.Database = database
	}
	return to
}

// readName reads the name of a table, and returns what stands behind it.
func readName(tokens []token) (TableName, []token) {
	switch {
	case len(tokens) == 0:
		return TableName{}, nil
	case len(tokens) > 2 && tokens[1].is("."):
		return TableName{Database: tokens[0].text, Name: tokens[2].text}, tokens[3:]
	}
	return TableName{Name: tokens[0].text}, tokens[1:]
}

// settingsStart returns where the SETTINGS clause starts, which is the last one,
// or -1. A column may have the same name.
func settingsStart(tokens []token) int {
	for i := len(tokens) - 3; i > 0; i-- {
		if tokens[i].isWord("SETTINGS") && tokens[i+1].kind == wordToken && tokens[i+2].is("=") {
			return i
		}
	}
	return -1
}

// ttlStart returns where a TTL clause starts, or -1. A column may have the same
// name: the clause stands between the end of one expression and the start of
// another.
func ttlStart(tokens []token) int {
	depth := 0
	for i, t := range tokens {
		depth += nesting(t)
		if depth != 0 || i == 0 || i+1 == len(tokens) || !t.isWord("TTL") {
			continue
		}
		if endsExpression(tokens[:i]) && startsExpression(tokens[i+1]) {
			return i
		}
	}
	return -1
}

// endsExpression reports whether the last of the tokens can end an expression.
func endsExpression(tokens []token) bool {
	last := tokens[len(tokens)-1]
	switch last.kind {
	case symbolToken:
		return last.text == ")" || last.text == "]"
	case wordToken:
		named := len(tokens) > 1 && takesExpression(tokens[len(tokens)-2]) // ORDER BY AND: a column of that name
		return named || !takesExpression(last)
	default:
		return true
	}
}

// takesExpression reports whether an expression has to follow the word.
func takesExpression(t token) bool {
	return t.kind == wordToken && slices.Contains([]string{"BY", "KEY", "AND", "OR", "NOT"}, t.text)
}

func startsExpression(t token) bool {
	return t.kind != symbolToken || t.text == "(" || t.text == "[" || t.text == "-"
}

func readSettings(tokens []token) map[string]string {
	out := make(map[string]string)
	for _, part := range splitTop(tokens) {
		if len(part) >= 3 && part[1].is("=") {
			value := part[2:]
			if len(value) == 1 {
				out[part[0].text] = value[0].text
				continue
			}
			out[part[0].text] = joinTokens(value)
		}
	}
	return out
}

// columnTTLs returns the TTL expressions of columns by name. The server prints
// them nowhere but in the create statement.
func columnTTLs(create string) (map[string]string, error) {
	if !strings.Contains(create, " TTL ") {
		return nil, nil
	}
	parts, err := definitions(create)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string)
	for _, part := range parts {
		if len(part) == 0 || part[0].kind != nameToken {
			continue // an index, a constraint or a projection
		}
		if at := ttlStart(part); at > 0 {
			out[part[0].text] = source(create, part[at+1:])
		}
	}
	return out, nil
}

// definitions returns what stands between the brackets of a create statement:
// columns, indexes, projections and the like.
func definitions(create string) ([][]token, error) {
	tokens, err := tokenize(create)
	if err != nil {
		return nil, err
	}
	for len(tokens) > 0 && !tokens[0].is("(") {
		tokens = tokens[1:]
	}
	end := closing(tokens)
	if end < 1 {
		return nil, nil
	}
	return splitTop(tokens[1:end]), nil
}

// Unmodelled returns what a create statement holds that a [Table] has no room
// for, so that a table made from one would lack it: constraints and statistics
// of columns.
func Unmodelled(create string) ([]string, error) {
	parts, err := definitions(create)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, part := range parts {
		if len(part) > 1 && part[0].isWord("CONSTRAINT") {
			out = append(out, "constraint "+part[1].text)
		}
		for i := 1; i+1 < len(part); i++ {
			if part[i].isWord("STATISTICS") && part[i+1].is("(") {
				out = append(out, "statistics of column "+part[0].text)
			}
		}
	}
	return out, nil
}
