package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/fact"
)

// checkColumnNames refuses names that the server keeps for itself, or that it
// cannot hold together.
func checkColumnNames(s fact.Schema) error {
	var problems []error
	report := func(name, problem string) {
		problems = append(problems, &NameError{Kind: "column", Name: name, Problem: problem})
	}
	for i, f := range s.Fields {
		if slices.Contains(reservedColumns, f.Name) {
			report(f.Name, "is reserved by ClickHouse: choose another")
		}
		if isConstantWord(f.Name) {
			report(f.Name, "is read as a constant by ClickHouse when it loads the table again: choose another")
		}
		if f.Array && strings.HasSuffix(f.Name, ".null") {
			report(f.Name, "cannot name an array, since ClickHouse keeps .null for itself: choose another")
		}
		for j, other := range s.Fields {
			switch {
			case isPartOf(f.Name, other.Name):
				report(f.Name, fmt.Sprintf("is taken by ClickHouse for a part of the field %q, beside which it cannot stand: use a name without a dot, and say where the value is by from", other.Name))
			case j < i && f.Array && other.Array && nestedName(f.Name) != "" && nestedName(f.Name) == nestedName(other.Name):
				report(f.Name, fmt.Sprintf("makes one nested structure with the array %q, so that their lengths must agree: use a name without a dot", other.Name))
			}
		}
	}
	return errors.Join(problems...)
}

// isPartOf reports whether ClickHouse takes one name for a part of the other, as
// in message.level and message.
func isPartOf(name, whole string) bool {
	rest, ok := strings.CutPrefix(name, whole)
	return ok && strings.HasPrefix(rest, ".")
}

// nestedName is what stands before the first dot of a name, if there is one.
func nestedName(name string) string {
	parent, _, dotted := strings.Cut(name, ".")
	if !dotted {
		return ""
	}
	return parent
}

// Clash returns a column of the table beside which a new one cannot be added: the
// server would say that it is there already, or would not read the table any
// more.
func (t Table) Clash(c Column) (name string, ok bool) {
	array := strings.HasPrefix(c.Type, "Array(")
	for _, have := range t.Columns {
		nested := array && strings.HasPrefix(have.Type, "Array(") && nestedName(c.Name) != "" && nestedName(c.Name) == nestedName(have.Name)
		if have.Name != c.Name && (isPartOf(have.Name, c.Name) || isPartOf(c.Name, have.Name) && array || nested) {
			return have.Name, true
		}
	}
	return "", false
}
