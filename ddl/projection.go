package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Projection is a second copy of some columns of a table in another order, or
// already aggregated. The server keeps it up to date and reads it instead of
// the table where it answers a query sooner.
type Projection struct {
	// Name is the name of the projection, unique in its table.
	Name string `yaml:"name"`
	// Select is a query of the table's columns without FROM, such as
	// SELECT role, count() GROUP BY role. In Options and Table alike it is SQL
	// and trusted; see the package documentation.
	Select string `yaml:"select"`
}

// brief writes a query for a message.
func brief(sql string) string { return shorten(strings.Join(strings.Fields(sql), " ")) }

// canonicalQuery is the form in which queries are compared.
func canonicalQuery(sql string) string {
	tokens, err := tokenize(sql)
	if err != nil {
		return sql
	}
	return joinTokens(tokens)
}

// aggregates reports whether the projection holds groups and not rows. The
// server takes no projection of rows without an order, and no groups with one.
func (p Projection) aggregates() bool {
	tokens, err := tokenize(p.Select)
	return err != nil || !slices.ContainsFunc(tokens, func(t token) bool { return t.isKeyword("ORDER") })
}

func (c *optionChecker) projections(list []Projection) {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
		c.expression(fmt.Sprintf("projections[%d].select", i), brief(p.Select), checkSelect(p.Select))
	}
	c.names("projection", names)
}

// mergeSetting is what the server wants to know before it takes a projection
// for an engine that merges rows.
const mergeSetting = "deduplicate_merge_projection_mode"

// projectionEngine checks that the engine takes projections.
func (c *optionChecker) projectionEngine(o Options) {
	e, err := parseEngine(o.Engine)
	if err != nil || e.family == "" || len(o.Projections) == 0 || o.Settings[mergeSetting] != "" {
		return
	}
	c.report("projections", fmt.Errorf("need settings.%s with the engine %s: rebuild keeps them right, drop drops them when parts are merged", mergeSetting, e))
}

// checkSelect checks that s is one SELECT that ends where it should.
func checkSelect(s string) error {
	tokens, err := balanced(s)
	if err != nil {
		return err
	}
	if !tokens[0].isKeyword("SELECT") && !tokens[0].isKeyword("WITH") {
		return errors.New("is not a SELECT")
	}
	depth, selects := 0, 0
	for i, t := range tokens {
		depth += nesting(t)
		switch {
		case depth != 0:
		case endsSelect(t, tokens[i+1:]):
			return fmt.Errorf("has %s, which is no part of a single SELECT", strings.ToUpper(t.text))
		case t.isKeyword("SELECT"):
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
func endsSelect(t token, rest []token) bool {
	switch {
	case len(rest) == 0:
		return false
	case t.isKeyword("UNION"), t.isKeyword("INTERSECT"), t.isKeyword("EXCEPT"):
		next := rest[0]
		if next.is("(") && len(rest) > 1 {
			next = rest[1]
		}
		return slices.ContainsFunc([]string{"ALL", "DISTINCT", "SELECT", "WITH", "FROM"}, next.isKeyword)
	case t.isKeyword("INTO"):
		return rest[0].isKeyword("OUTFILE")
	case t.isKeyword("FORMAT"):
		return len(rest) == 1 && rest[0].kind == wordToken
	case t.isKeyword("COMMENT"):
		return len(rest) == 1 && rest[0].kind == stringToken
	}
	return false
}
