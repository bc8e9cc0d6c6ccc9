package ddl

import (
	"github.com/factload/factload/ddl/internal/sqltext"
)

// Constraint is a CHECK constraint of a table.
type Constraint struct {
	Name string
	// Expr is the condition that rows have to meet, as the server prints it.
	Expr string
	// Names are the words and names in it, each once: functions, keywords, and
	// the columns that it needs.
	Names []string
}

// Constraints returns the CHECK constraints in a create statement that the server
// printed, in their order, which is the one in which the server checks them.
func Constraints(create string) ([]Constraint, error) {
	parts, err := definitions(create)
	if err != nil {
		return nil, err
	}
	var out []Constraint
	for _, part := range parts {
		if len(part) < 4 || !part[0].IsWord("CONSTRAINT") || !part[2].IsWord("CHECK") {
			continue
		}
		out = append(out, Constraint{Name: part[1].Text, Expr: sqltext.Source(create, part[3:]), Names: namesIn(part[3:])})
	}
	return out, nil
}
