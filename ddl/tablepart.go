package ddl

import (
	"fmt"
	"slices"
)

// tablePart is an index or a projection: something with a name of its own that
// statements add, drop and build.
type tablePart struct {
	kind, name string
	sql        string // its definition
	text       string // it in a few words
}

func indexPart(x Index) tablePart {
	return tablePart{kind: "index", name: x.Name, sql: indexSQL(x), text: fmt.Sprintf("%q on %s of type %s", x.Name, x.Expr, x.Type)}
}

func projectionPart(p Projection) tablePart {
	return tablePart{kind: "projection", name: p.Name, sql: projectionSQL(p), text: fmt.Sprintf("%q (%s)", p.Name, brief(p.Select))}
}

// parts returns the indexes of the table, then its projections.
func (t Table) parts() []tablePart {
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
	want, given := d.want.parts(), d.original.parts()
	for _, have := range d.have.parts() {
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
	have := d.have.parts()
	for _, want := range d.original.parts() {
		if want.same(have) < 0 {
			d.add(addPart{want})
		}
	}
}

// makeWay drops the projections that aggregate a column whose type changes: the
// server refuses the change as long as they are there. Those that are wanted
// are added again, behind the change.
func (d *differ) makeWay() {
	d.have.Projections = slices.DeleteFunc(d.have.Projections, func(p Projection) bool {
		column, blocked := d.retyped(p)
		if blocked && (d.prune || slices.ContainsFunc(d.want.Projections, func(q Projection) bool { return p.Name == q.Name })) {
			d.add(dropPart{part: projectionPart(p), column: column})
			return true
		}
		return false
	})
}

// retyped returns the column that a projection aggregates and whose type changes.
func (d *differ) retyped(p Projection) (column string, ok bool) {
	if !p.aggregates() {
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
		if p.aggregates() && mentions(p.Select, column) {
			return p.Name
		}
	}
	return ""
}

// part renders a change of an index or a projection.
func (p *planner) part(c change) {
	switch c := c.(type) {
	case addPart:
		p.add(alterSQL(p.on, []string{"ADD " + c.part.sql}), MetadataOnly, c.String()+"; it holds for rows to come")
		p.buildPart(c.part)
	case modifyPart: // in one step
		p.add(alterSQL(p.on, []string{c.have.dropSQL(), "ADD " + c.want.sql}), RewritesData, c.String()+"; the old one is removed from all parts")
		p.buildPart(c.want)
	case dropPart:
		p.add(alterSQL(p.on, []string{c.part.dropSQL()}), RewritesData, c.String()+"; it is removed from all parts")
	}
}

// buildPart builds a part, which holds for new rows as it is, for those that
// are there.
func (p *planner) buildPart(x tablePart) {
	p.Statements = append(p.Statements, Statement{
		SQL: alterSQL(p.on, []string{"MATERIALIZE " + x.keyword() + " " + QuoteIdent(x.name)}), Hazard: RewritesData, Optional: true,
		Why: fmt.Sprintf("build %s %q for the rows that are there; it can be left out", x.kind, x.name),
	})
}

func (p tablePart) dropSQL() string {
	return "DROP " + p.keyword() + " IF EXISTS " + QuoteIdent(p.name)
}

func (p tablePart) keyword() string {
	if p.kind == "index" {
		return "INDEX"
	}
	return "PROJECTION"
}
