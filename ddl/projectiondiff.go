package ddl

import (
	"fmt"
	"slices"
)

// makeWay drops the projections that aggregate a column whose type changes: the
// server refuses the change as long as they are there. Those that are wanted
// are added again, behind the change.
func (d *differ) makeWay() {
	d.have.Projections = slices.DeleteFunc(d.have.Projections, func(p Projection) bool {
		column, blocked := d.retyped(p)
		if blocked && (d.prune || d.want.projection(p.Name) >= 0) {
			d.add(DropProjection{On: d.on, Projection: p, Column: column})
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

// oldProjections compares the projections that the table has.
func (d *differ) oldProjections() {
	for _, have := range d.have.Projections {
		i := d.want.projection(have.Name)
		switch {
		case i < 0 && d.prune:
			d.add(DropProjection{On: d.on, Projection: have})
		case i < 0:
			d.note(KeepProjection{On: d.on, Projection: have})
		case d.want.Projections[i].Select == have.Select:
		case d.original.Projections[i].Printed != "":
			d.add(ModifyProjection{On: d.on, Have: have, Want: d.original.Projections[i]})
		default:
			d.note(Unverified{On: d.on, What: unverifiedProjection(have.Name), Have: have.Select, Want: d.want.Projections[i].Select})
		}
	}
}

func (d *differ) newProjections() {
	for i, want := range d.want.Projections {
		if d.have.projection(want.Name) < 0 {
			d.add(AddProjection{On: d.on, Projection: d.original.Projections[i]})
		}
	}
}

// projection returns where the projection of the given name is, or -1.
func (t Table) projection(name string) int {
	return slices.IndexFunc(t.Projections, func(p Projection) bool { return p.Name == name })
}

// oneProjection renders a change of a projection.
func (p *Plan) oneProjection(change Change) {
	switch c := change.(type) {
	case AddProjection:
		p.add(addProjectionSQL(c.On, c.Projection), MetadataOnly, c.String()+"; it holds for rows to come")
		p.buildProjection(c.On, c.Projection)
	case ModifyProjection:
		p.add(modifyProjectionSQL(c), RewritesData, c.String()+"; the old one is removed from all parts")
		p.buildProjection(c.On, c.Want)
	case DropProjection:
		p.add(dropProjectionSQL(c.On, c.Projection.Name), RewritesData, c.String()+"; it is removed from all parts")
	}
}

// buildProjection builds a projection, which holds for new parts as it is, for
// those that are there.
func (p *Plan) buildProjection(on TableName, x Projection) {
	p.Statements = append(p.Statements, Statement{
		SQL: materializeProjectionSQL(on, x.Name), Hazard: RewritesData, Optional: true,
		Why: fmt.Sprintf("build projection %q for the rows that are there; it can be left out", x.Name),
	})
}
