package diff

import (
	"fmt"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// tablePart is an index or a projection: something with a name of its own that
// statements add, drop and build.
type tablePart struct {
	kind, name string
	sql        string // its definition
	text       string // it in a few words
}

func indexPart(x ddl.Index) tablePart {
	return tablePart{kind: "index", name: x.Name, sql: ddl.IndexSQL(x), text: fmt.Sprintf("%q on %s of type %s", x.Name, x.Expr, x.Type)}
}

func projectionPart(p ddl.Projection) tablePart {
	return tablePart{kind: "projection", name: p.Name, sql: ddl.ProjectionSQL(p), text: fmt.Sprintf("%q (%s)", p.Name, sqltext.Brief(p.Select))}
}

// partsOf returns the indexes of the table, then its projections.
func partsOf(t ddl.Table) []tablePart {
	out := make([]tablePart, 0, len(t.Indexes)+len(t.Projections))
	for _, x := range t.Indexes {
		out = append(out, indexPart(x))
	}
	for _, p := range t.Projections {
		out = append(out, projectionPart(p))
	}
	return out
}

// same returns where the part of the same kind and name is, or -1.
func (p tablePart) same(list []tablePart) int {
	return slices.IndexFunc(list, func(q tablePart) bool { return p.kind == q.kind && p.name == q.name })
}

// oldParts compares the indexes and projections that the table has.
func (d *differ) oldParts() {
	want, given := partsOf(d.want), partsOf(d.original)
	for _, have := range partsOf(d.have) {
		i := have.same(want)
		switch {
		case i < 0 && d.prune:
			d.add(dropPart{part: have})
		case i < 0:
			d.note(keepPart(have))
		case want[i].sql != have.sql:
			d.add(modifyPart{have: have, want: given[i]})
		}
	}
}

func (d *differ) newParts() {
	have := partsOf(d.have)
	for _, want := range partsOf(d.original) {
		if want.same(have) < 0 {
			d.add(addPart{want})
		}
	}
}

// makeWay drops the projections that aggregate a column whose type changes: the
// server refuses the change as long as they are there. Those that are wanted
// are added again, behind the change.
func (d *differ) makeWay() {
	d.have.Projections = slices.DeleteFunc(d.have.Projections, func(p ddl.Projection) bool {
		column, blocked := d.retyped(p)
		if blocked && (d.prune || slices.ContainsFunc(d.want.Projections, func(q ddl.Projection) bool { return p.Name == q.Name })) {
			d.add(dropPart{part: projectionPart(p), column: column})
			return true
		}
		return false
	})
}

// retyped returns the column that a projection aggregates and whose type changes.
func (d *differ) retyped(p ddl.Projection) (column string, ok bool) {
	if !aggregates(p) {
		return "", false
	}
	for _, want := range d.want.Columns {
		have, ok := d.have.Column(want.Name)
		if ok && have.Type != want.Type && mentions(p.Select, want.Name) {
			return want.Name, true
		}
	}
	return "", false
}

// blocking returns the name of a projection that is kept and aggregates the
// column.
func (d *differ) blocking(column string) string {
	for _, p := range d.have.Projections {
		if aggregates(p) && mentions(p.Select, column) {
			return p.Name
		}
	}
	return ""
}

// part renders a change of an index or a projection.
func (p *planner) part(c change) {
	switch c := c.(type) {
	case addPart:
		p.add(ddl.AlterSQL(p.on, []string{"ADD " + c.part.sql}), ddl.MetadataOnly, c.String()+"; it holds for rows to come")
		p.buildPart(c.part)
	case modifyPart: // in one step
		p.add(ddl.AlterSQL(p.on, []string{c.have.dropSQL(), "ADD " + c.want.sql}), ddl.RewritesData, c.String()+"; the old one is removed from all parts")
		p.buildPart(c.want)
	case dropPart:
		p.add(ddl.AlterSQL(p.on, []string{c.part.dropSQL()}), ddl.RewritesData, c.String()+"; it is removed from all parts")
	}
}

// buildPart builds a part, which holds for new rows as it is, for those that
// are there.
func (p *planner) buildPart(x tablePart) {
	p.Statements = append(p.Statements, Statement{
		SQL: ddl.AlterSQL(p.on, []string{"MATERIALIZE " + x.keyword() + " " + sqltext.QuoteIdent(x.name)}), Hazard: ddl.RewritesData, Optional: true,
		Why: fmt.Sprintf("build %s %q for the rows that are there; it can be left out", x.kind, x.name),
	})
}

func (p tablePart) dropSQL() string {
	return "DROP " + p.keyword() + " IF EXISTS " + sqltext.QuoteIdent(p.name)
}

func (p tablePart) keyword() string {
	if p.kind == "index" {
		return "INDEX"
	}
	return "PROJECTION"
}

// aggregates reports whether the projection holds groups and not rows. The
// server takes no projection of rows without an order, and no groups with one.
func aggregates(p ddl.Projection) bool {
	tokens, err := sqltext.Tokenize(p.Select)
	return err != nil || !slices.ContainsFunc(tokens, func(t sqltext.Token) bool { return t.IsKeyword("ORDER") })
}
