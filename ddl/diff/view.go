package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// views compares the materialized views that read the table.
func (d *differ) views() {
	for _, have := range d.have.Views {
		i := viewIndex(d.want, have.Name)
		switch {
		case i >= 0:
			d.view(have, d.want.Views[i], d.original.Views[viewIndex(d.original, have.Name)])
		case have.Other != "": // asked for by name in vain
		case d.prune:
			d.add(dropView{have})
		default:
			d.note(keepView(have))
		}
	}
	for _, want := range d.original.Views {
		if viewIndex(d.have, want.Name) < 0 {
			d.add(createView{want})
		}
	}
}

// view compares a view that is on both sides.
func (d *differ) view(have, want, given ddl.View) {
	if have.Other != "" || have.To.Name == "" || have.To.Name != want.To.Name || have.To.Database != d.database {
		d.add(replaceView{have: have, want: given})
		return
	}
	if have.Select != want.Select {
		d.add(modifyView{property: queryProperty, have: have, want: given})
	}
	switch {
	case have.Comment == want.Comment:
	case want.Comment == "" && !d.prune:
		d.note(keepProperty{view: have.Name, property: commentProperty, have: have.Comment})
	default:
		d.add(modifyView{property: commentProperty, have: have, want: given})
	}
}

// viewIndex returns where the view of the given name is, or -1.
func viewIndex(t ddl.Table, name string) int {
	return slices.IndexFunc(t.Views, func(v ddl.View) bool { return v.Name == name })
}

// view renders a change of a materialized view. Its name is written as it was
// given, with a database or without, whether there is a table or not.
func (p *planner) view(c change) {
	switch c := c.(type) {
	case createView:
		p.createView(c.view, c.String()+"; it sees rows to come")
	case modifyView:
		if c.property == commentProperty {
			p.add(commentViewSQL(p.named, c.want), metadata(c.want.Comment == ""), c.String())
			return
		}
		p.add(modifyViewSQL(p.named, c.want), ddl.MetadataOnly, c.String()+"; it holds for rows to come, and what it has inserted stays")
		p.makes(c.want)
	case replaceView:
		if c.have.Other != "" || c.have.To.Name == "" {
			p.add("", ddl.NeedsRebuild, c.String()+"; its rows would be dropped with it: rename or drop it by hand, or choose another name for the view")
			return
		}
		p.add(dropViewSQL(p.named, c.have.Name), ddl.DeletesData, c.String()+"; rows that are inserted until it is created again get into neither")
		p.createView(c.want, fmt.Sprintf("create materialized view %q again", c.want.Name))
	case dropView:
		why := c.String() + "; its target stays, and gets no more rows from it"
		if c.view.To.Name == "" {
			why = c.String() + "; the rows that it keeps are dropped with it"
		}
		p.add(dropViewSQL(p.named, c.view.Name), ddl.DeletesData, why)
	}
}

func (p *planner) createView(v ddl.View, why string) {
	p.add(createViewSQL(p.named, v), ddl.MetadataOnly, why)
	p.makes(v)
}

// makes says which view the last statement makes.
func (p *planner) makes(v ddl.View) {
	v.To.Database = p.named.Database
	p.Statements[len(p.Statements)-1].View = &v
}

// unseen notes which rows the views that are created do not see.
func (p *Plan) unseen() {
	if p.Storage == nil || p.Storage.Rows == 0 {
		return
	}
	for _, s := range p.Statements {
		if s.View == nil || !strings.HasPrefix(s.SQL, createViewHead) {
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("materialized view %q does not see the rows that are in the table. To have them in %q too, run this once while nothing is inserted: INSERT INTO %s (columns of the query in its order) %s",
			s.View.Name, s.View.To.Name, ddl.TableSQL(s.View.To), sqltext.CanonicalQuery(s.View.Select)))
	}
}

// viewName says where a view of a table is.
func viewName(on ddl.TableName, name string) ddl.TableName {
	return ddl.TableName{Database: on.Database, Name: name, Cluster: on.Cluster}
}

const createViewHead = "CREATE MATERIALIZED VIEW IF NOT EXISTS "

// createViewSQL may run again, and beside itself.
func createViewSQL(on ddl.TableName, v ddl.View) string {
	sql := fmt.Sprintf("%s%s%s TO %s", createViewHead, ddl.TableSQL(viewName(on, v.Name)), ddl.OnCluster(on.Cluster), ddl.TableSQL(viewName(on, v.To.Name)))
	if v.Comment != "" {
		sql += "\nCOMMENT " + sqltext.QuoteString(v.Comment)
	}
	return sql + "\nAS " + v.Select
}

func modifyViewSQL(on ddl.TableName, v ddl.View) string {
	return ddl.AlterSQL(viewName(on, v.Name), []string{"MODIFY QUERY " + v.Select})
}

func commentViewSQL(on ddl.TableName, v ddl.View) string {
	return ddl.AlterSQL(viewName(on, v.Name), []string{"MODIFY COMMENT " + sqltext.QuoteString(v.Comment)})
}

func dropViewSQL(on ddl.TableName, name string) string {
	return "DROP VIEW IF EXISTS " + ddl.TableSQL(viewName(on, name)) + ddl.OnCluster(on.Cluster)
}
