package ddl

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What stands around a query while the server is asked how it prints it.
const (
	projectionHead, projectionTail = "CREATE TABLE t (PROJECTION p (", "))"
	viewHead                       = "CREATE MATERIALIZED VIEW v TO t AS "
)

// SpellingRounds is how often a server has to be asked [Table.Spellings]. The
// first answers bring the functions' own names, and under those the server may
// print an operator.
const SpellingRounds = 2

// Spelling asks a server how it prints a query that is part of a table.
type Spelling struct {
	// What names the query, for messages: projection "by_role".
	What string
	// SQL is a query that returns one text, the answer for [Table.Spelled].
	SQL string
}

// Spellings returns what to ask a server before the table is compared with
// what is there: the queries of projections and materialized views, and the
// types of columns that a person wrote. Most tables have nothing to ask.
func (t Table) Spellings() []Spelling {
	var out []Spelling
	for _, q := range t.queries() {
		out = append(out, spelling(q.what, q.head+cmp.Or(*q.printed, q.sql)+q.tail))
	}
	for _, c := range t.Columns {
		if c.written {
			out = append(out, Spelling{What: fmt.Sprintf("column %q", c.Name), SQL: "SELECT toTypeName(defaultValueOfTypeName(" + QuoteString(c.Type) + "))"})
		}
	}
	return out
}

// spelledQuery is a query of a table.
type spelledQuery struct {
	what, head, sql, tail string
	printed               *string
}

// queries returns the queries of the table. Each printed points into it.
func (t Table) queries() []spelledQuery {
	var out []spelledQuery
	for i := range t.Projections {
		p := &t.Projections[i]
		out = append(out, spelledQuery{fmt.Sprintf("projection %q", p.Name), projectionHead, p.Select, projectionTail, &p.Printed})
	}
	for i := range t.Views {
		v := &t.Views[i]
		out = append(out, spelledQuery{fmt.Sprintf("materialized view %q", v.Name), viewHead, v.Select, "", &v.Printed})
	}
	return out
}

// spelling asks how a statement is printed. The server prints functions by the
// names that it was given. But in a table it stores those whose case does not
// matter by their own names, so a line follows for each of them.
func spelling(what, statement string) Spelling {
	return Spelling{What: what, SQL: `WITH formatQuerySingleLine(` + QuoteString(statement) + `) AS printed, extractAll(lower(printed), '[a-z0-9_]+') AS words
SELECT concat(printed, (SELECT arrayStringConcat(arraySort(groupArray(concat('\n', lower(name), '\t', if(alias_to = '', name, alias_to)))))
FROM system.functions WHERE case_insensitive AND has(words, lower(name))))`}
}

// Spelled returns a copy of the table that knows how the server prints its
// queries. It takes the answers to [Table.Spellings] in their order. Without it
// [Diff] cannot tell a query that the server has rewritten from another one, and
// returns [Unverified] instead of a change. The error says which query is not
// what it should be.
func (t Table) Spelled(answers []string) (Table, error) {
	if want := len(t.Spellings()); len(answers) != want {
		return Table{}, fmt.Errorf("table %q: %d answers to %d questions", t.Name, len(answers), want)
	}
	t.Projections, t.Views, t.Columns = slices.Clone(t.Projections), slices.Clone(t.Views), slices.Clone(t.Columns)
	for _, q := range t.queries() {
		printed, err := readSpelling(answers[0], q.head, q.tail)
		if err != nil {
			return Table{}, fmt.Errorf("table %q: %s: %q %w", t.Name, q.what, brief(q.sql), err)
		}
		*q.printed, answers = printed, answers[1:]
	}
	for i := range t.Columns {
		if t.Columns[i].written {
			t.Columns[i].Type, t.Columns[i].written, answers = answers[0], false, answers[1:]
		}
	}
	return t, nil
}

// readSpelling returns what the server printed between head and tail, with the
// names of functions that it stores.
func readSpelling(answer, head, tail string) (string, error) {
	printed, names, _ := strings.Cut(answer, "\n")
	text, okHead := strings.CutPrefix(printed, head)
	text, okTail := strings.CutSuffix(text, tail)
	if !okHead || !okTail || checkSelect(text) != nil {
		return "", errors.New("is read as something else than one SELECT")
	}
	own := make(map[string]string)
	for line := range strings.Lines(names) {
		name, to, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		own[name] = to
	}
	return renameFunctions(text, own)
}

// renameFunctions gives the functions that a query calls their own names, which
// are found by the names in lower case.
func renameFunctions(query string, own map[string]string) (string, error) {
	tokens, err := tokenize(query)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	done := 0
	for i, t := range tokens {
		name, known := own[strings.ToLower(t.text)]
		if known && t.kind == wordToken && i+1 < len(tokens) && tokens[i+1].is("(") && !t.isWord("NOT") && !transforms(tokens[:i]) {
			b.WriteString(query[done:t.start])
			b.WriteString(name)
			done = t.end
		}
	}
	b.WriteString(query[done:])
	return b.String(), nil
}

// transforms reports whether the word behind the tokens belongs to a list of
// columns, as in * REPLACE (a + 1 AS a), and names no function.
func transforms(before []token) bool {
	n := len(before)
	switch {
	case n == 0:
		return false
	case before[n-1].is(")"):
		return true
	case !before[n-1].is("*") || n == 1:
		return false
	}
	operand := before[n-2]
	return operand.isKeyword("SELECT") || operand.isKeyword("DISTINCT") || operand.is(",") || operand.is("(") || operand.is(".")
}
