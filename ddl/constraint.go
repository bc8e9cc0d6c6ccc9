package ddl

import "slices"

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
		if len(part) < 4 || !part[0].isWord("CONSTRAINT") || !part[2].isWord("CHECK") {
			continue
		}
		c := Constraint{Name: part[1].text, Expr: source(create, part[3:])}
		for _, t := range part[3:] {
			if (t.kind == wordToken || t.kind == nameToken) && !slices.Contains(c.Names, t.text) {
				c.Names = append(c.Names, t.text)
			}
		}
		out = append(out, c)
	}
	return out, nil
}
