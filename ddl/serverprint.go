package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// What stands around a piece of SQL while the server is asked how it prints it.
const (
	projectionHead, projectionTail = "CREATE TABLE t (PROJECTION p (", "))"
	viewHead                       = "CREATE MATERIALIZED VIEW v TO t AS "
	ttlHead                        = "CREATE TABLE t (`c` UInt8) ENGINE = MergeTree ORDER BY tuple() TTL "
	exprHead                       = "SELECT "
)

// PrintRounds is how often a server has to be asked at most.
const PrintRounds = 3

// printed is a piece of SQL of a table that a server prints in its own way.
type printed struct {
	what       string // for messages
	head, tail string // what stands around it
	sql        *string
	check      func(string) error // of what the server prints
}

// pieces returns the pieces of SQL in a table. Each sql points into it.
func (t *Table) pieces() []printed {
	var out []printed
	expr := func(what, head string, sql *string) {
		if *sql != "" {
			out = append(out, printed{what, head, "", sql, func(s string) error { return sqltext.CheckExpr(s, true) }})
		}
	}
	expr("partition key", exprHead, &t.PartitionBy)
	expr("TTL", ttlHead, &t.TTL)
	if t.Distributed != nil {
		expr("sharding key", exprHead, &t.Distributed.Key)
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		expr(fmt.Sprintf("default of column %q", c.Name), exprHead, &c.Default)
		expr(fmt.Sprintf("TTL of column %q", c.Name), exprHead, &c.TTL)
	}
	for i := range t.Indexes {
		expr(fmt.Sprintf("index %q", t.Indexes[i].Name), exprHead, &t.Indexes[i].Expr)
	}
	for i := range t.Projections {
		p := &t.Projections[i]
		out = append(out, printed{fmt.Sprintf("projection %q", p.Name), projectionHead, projectionTail, &p.Select, sqltext.CheckSelect})
	}
	for i := range t.Views {
		v := &t.Views[i]
		out = append(out, printed{fmt.Sprintf("materialized view %q", v.Name), viewHead, "", &v.Select, sqltext.CheckSelect})
	}
	return slices.DeleteFunc(out, func(p printed) bool { return strings.TrimSpace(*p.sql) == "" })
}

// PrintSQL returns the query that asks a server how it prints the SQL in a table:
// its partition key, defaults, TTL rules, indexes, projections and views, and the
// types of columns that a person wrote. Its answer, one text, is for
// [Table.Printed]. It is empty when there is nothing to ask.
//
// The server prints functions by the names that it was given. But in a table it
// stores those whose case does not matter by their own names: [FunctionsSQL] asks
// for them.
func (t Table) PrintSQL() string {
	var parts []string
	for _, p := range t.pieces() {
		parts = append(parts, "ifNull(formatQuerySingleLineOrNull("+sqltext.QuoteString(p.head+*p.sql+p.tail)+"), '')")
	}
	for _, c := range t.Columns {
		if c.written {
			parts = append(parts, "toTypeName(defaultValueOfTypeName("+sqltext.QuoteString(c.Type)+"))")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "SELECT arrayStringConcat([" + strings.Join(parts, ",\n    ") + `], '\n')`
}

// FunctionsSQL asks a server for its functions whose case does not matter. Its
// answer, one text, is for [ParseFunctions]. It takes the server some time, and stays
// the same as long as the server's version does.
const FunctionsSQL = `SELECT arrayStringConcat(arraySort(groupArray(concat(lower(name), '\t', if(alias_to = '', name, alias_to)))), '\n')
FROM system.functions WHERE case_insensitive`

// Functions has the names by which a server stores functions whose case does not
// matter, by their names in lower case.
type Functions map[string]string

// ParseFunctions reads the answer to [FunctionsSQL].
func ParseFunctions(answer string) Functions {
	functions := make(Functions)
	for line := range strings.SplitSeq(answer, "\n") {
		name, own, _ := strings.Cut(line, "\t")
		functions[name] = own
	}
	return functions
}

// CallsFunctions reports whether SQL in the table may call functions: without any,
// [Table.Printed] needs none of the server's.
func (t Table) CallsFunctions() bool {
	return slices.ContainsFunc(t.pieces(), func(p printed) bool { return strings.Contains(*p.sql, "(") })
}

// Printed returns a copy of the table in which all SQL is as the server prints
// it. It takes the answer to [Table.PrintSQL], and the server's functions. Only tables of which that is true
// can be compared: the server rewrites what it is sent.
//
// It reports whether that is the last word. If not, the server has to be asked
// once more: functions have got other names, and under those the server may
// print an operator. The error says which piece of SQL is not what it should be.
func (t Table) Printed(answer string, functions Functions) (table Table, settled bool, err error) {
	t.Columns, t.Indexes, t.Projections, t.Views = slices.Clone(t.Columns), slices.Clone(t.Indexes), slices.Clone(t.Projections), slices.Clone(t.Views)
	if t.Distributed != nil {
		d := *t.Distributed
		t.Distributed = &d
	}
	lines := strings.Split(answer, "\n")
	pieces := t.pieces()
	if len(lines) < len(pieces) {
		return Table{}, false, fmt.Errorf("table %q: %d answers to %d questions", t.Name, len(lines), len(pieces))
	}
	text, lines := lines[:len(pieces)], lines[len(pieces):]
	for i := range t.Columns {
		if c := &t.Columns[i]; c.written && len(lines) > 0 {
			c.Type, c.written, lines = lines[0], false, lines[1:]
		}
	}
	settled = true
	for i, p := range pieces {
		got, renamed, err := p.read(text[i], functions)
		if err != nil {
			return Table{}, false, fmt.Errorf("table %q: %s: %q %w", t.Name, p.what, sqltext.Brief(*p.sql), err)
		}
		*p.sql, settled = got, settled && !renamed
	}
	return t, settled, nil
}

// read returns what the server printed for the piece, with the names of functions
// that it stores, and whether those are others than it printed.
func (p printed) read(line string, own Functions) (sql string, renamed bool, err error) {
	if p.check(*p.sql) != nil {
		return *p.sql, false, nil // somebody else's, of a kind that no schema has
	}
	if line == "" {
		return "", false, errors.New("is not SQL that the server can read")
	}
	text, okHead := strings.CutPrefix(line, p.head)
	text, okTail := strings.CutSuffix(text, p.tail)
	if !okHead || !okTail || p.check(text) != nil {
		return "", false, errors.New("is read as something else than it should be")
	}
	sql, err = renameFunctions(text, own)
	return sql, sql != text, err
}

// renameFunctions gives the functions that a query calls their own names, which
// are found by the names in lower case.
func renameFunctions(query string, own Functions) (string, error) {
	tokens, err := sqltext.Tokenize(query)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	done := 0
	for i, t := range tokens {
		name, known := own[strings.ToLower(t.Text)]
		if known && t.Kind == sqltext.WordToken && i+1 < len(tokens) && tokens[i+1].Is("(") && !t.IsWord("NOT") && !transforms(tokens[:i]) {
			b.WriteString(query[done:t.Start])
			b.WriteString(name)
			done = t.End
		}
	}
	b.WriteString(query[done:])
	return b.String(), nil
}

// transforms reports whether the word behind the tokens belongs to a list of
// columns, as in * REPLACE (a + 1 AS a), and names no function.
func transforms(before []sqltext.Token) bool {
	n := len(before)
	switch {
	case n == 0:
		return false
	case before[n-1].Is(")"):
		return true
	case !before[n-1].Is("*") || n == 1:
		return false
	}
	operand := before[n-2]
	return operand.IsKeyword("SELECT") || operand.IsKeyword("DISTINCT") || operand.Is(",") || operand.Is("(") || operand.Is(".")
}
