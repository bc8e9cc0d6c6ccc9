package ddl

import (
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// readEngine takes apart what system.tables calls engine_full: the engine, then
// the clauses. Keys are read from columns of their own.
func (t *Table) readEngine(full string) error {
	tokens, err := sqltext.Balanced(full)
	if err != nil {
		return err
	}
	end := len(tokens)
	if at := settingsStart(tokens); at >= 0 {
		t.Settings = readSettings(tokens[at+1:])
		end = at
	}
	if at := ttlStart(tokens[:end]); at >= 0 {
		t.TTL = sqltext.Source(full, tokens[at+1:end])
	}
	name := 1
	if len(tokens) > 1 && tokens[1].Is("(") {
		name = 2 + sqltext.Closing(tokens[1:])
	}
	t.Engine = sqltext.Source(full, tokens[:name])
	return nil
}

// viewTarget returns the target in CREATE MATERIALIZED VIEW a.b TO c.d, or
// nothing when the view has no target or is filled in another way.
func viewTarget(create []sqltext.Token, database string) TableName {
	const name = 3 // words before the name
	_, rest := readName(create[min(name, len(create)):])
	if len(rest) == 0 || !rest[0].IsWord("TO") {
		return TableName{}
	}
	to, _ := readName(rest[1:])
	if to.Database == "" {
		to.Database = database
	}
	return to
}

// readName reads the name of a table, and returns what stands behind it.
func readName(tokens []sqltext.Token) (TableName, []sqltext.Token) {
	switch {
	case len(tokens) == 0:
		return TableName{}, nil
	case len(tokens) > 2 && tokens[1].Is("."):
		return TableName{Database: tokens[0].Text, Name: tokens[2].Text}, tokens[3:]
	}
	return TableName{Name: tokens[0].Text}, tokens[1:]
}

// settingsStart returns where the SETTINGS clause starts, which is the last one,
// or -1. A column may have the same name.
func settingsStart(tokens []sqltext.Token) int {
	for i := len(tokens) - 3; i > 0; i-- {
		if tokens[i].IsWord("SETTINGS") && tokens[i+1].Kind == sqltext.WordToken && tokens[i+2].Is("=") {
			return i
		}
	}
	return -1
}

// ttlStart returns where a TTL clause starts, or -1. A column may have the same
// name: the clause stands between the end of one expression and the start of
// another.
func ttlStart(tokens []sqltext.Token) int {
	depth := 0
	for i, t := range tokens {
		depth += sqltext.Nesting(t)
		if depth != 0 || i == 0 || i+1 == len(tokens) || !t.IsWord("TTL") {
			continue
		}
		if endsExpression(tokens[:i]) && startsExpression(tokens[i+1]) {
			return i
		}
	}
	return -1
}

// endsExpression reports whether the last of the tokens can end an expression.
func endsExpression(tokens []sqltext.Token) bool {
	last := tokens[len(tokens)-1]
	switch last.Kind {
	case sqltext.SymbolToken:
		return last.Text == ")" || last.Text == "]"
	case sqltext.WordToken:
		named := len(tokens) > 1 && takesExpression(tokens[len(tokens)-2]) // ORDER BY AND: a column of that name
		return named || !takesExpression(last)
	default:
		return true
	}
}

// takesExpression reports whether an expression has to follow the word.
func takesExpression(t sqltext.Token) bool {
	return t.Kind == sqltext.WordToken && slices.Contains([]string{"BY", "KEY", "AND", "OR", "NOT"}, t.Text)
}

func startsExpression(t sqltext.Token) bool {
	return t.Kind != sqltext.SymbolToken || t.Text == "(" || t.Text == "[" || t.Text == "-"
}

func readSettings(tokens []sqltext.Token) map[string]string {
	out := make(map[string]string)
	for _, part := range sqltext.SplitTop(tokens) {
		if len(part) >= 3 && part[1].Is("=") {
			value := part[2:]
			if len(value) == 1 {
				out[part[0].Text] = value[0].Text
				continue
			}
			out[part[0].Text] = sqltext.JoinTokens(value)
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
		if len(part) == 0 || part[0].Kind != sqltext.NameToken {
			continue // an index, a constraint or a projection
		}
		if at := ttlStart(part); at > 0 {
			out[part[0].Text] = sqltext.Source(create, part[at+1:])
		}
	}
	return out, nil
}

// definitions returns what stands between the brackets of a create statement:
// columns, indexes, projections and the like.
func definitions(create string) ([][]sqltext.Token, error) {
	tokens, err := sqltext.Tokenize(create)
	if err != nil {
		return nil, err
	}
	for len(tokens) > 0 && !tokens[0].Is("(") {
		tokens = tokens[1:]
	}
	end := sqltext.Closing(tokens)
	if end < 1 {
		return nil, nil
	}
	return sqltext.SplitTop(tokens[1:end]), nil
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
		if len(part) > 1 && part[0].IsWord("CONSTRAINT") {
			out = append(out, "constraint "+part[1].Text)
		}
		for i := 1; i+1 < len(part); i++ {
			if part[i].IsWord("STATISTICS") && part[i+1].Is("(") {
				out = append(out, "statistics of column "+part[0].Text)
			}
		}
	}
	return out, nil
}
