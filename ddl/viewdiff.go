package ddl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// views compares the materialized views that read the table.
func (d *differ) views() {
	for _, have := range d.have.Views {
		i := d.want.view(have.Name)
		switch {
		case i >= 0:
			d.view(have, d.want.Views[i], d.original.Views[d.original.view(have.Name)])
		case have.Other != "": // asked for by name in vain
		case d.prune:
			d.add(DropView{On: d.named, View: have})
		default:
			d.note(KeepView{On: d.named, View: have})
		}
	}
	for _, want := range d.original.Views {
		if d.have.view(want.Name) < 0 {
			d.add(CreateView{On: d.named, View: want})
		}
	}
}

// view compares a view that is on both sides.
func (d *differ) view(have, want, given View) {
	if have.Other != "" || have.To.Name == "" || have.To.Name != want.To.Name || have.To.Database != d.on.Database {
		d.add(ReplaceView{On: d.named, Have: have, Want: given})
		return
	}
	switch {
	case have.Select == want.Select:
	case given.Printed != "":
		d.add(ModifyView{On: d.named, Property: QueryProperty, Have: have, Want: given})
	default:
		d.note(Unverified{On: d.on, What: "query of materialized view " + have.Name, Have: have.Select, Want: want.Select})
	}
	if have.Comment != want.Comment {
		d.add(ModifyView{On: d.named, Property: CommentProperty, Have: have, Want: given})
	}
}

// view returns where the view of the given name is, or -1.
func (t Table) view(name string) int {
	return slices.IndexFunc(t.Views, func(v View) bool { return v.Name == name })
}

// canonicalViews returns views in the form in which they are compared.
func canonicalViews(list []View, database string) []View {
	out := slices.Clone(list)
	for i := range out {
		v := &out[i]
		v.Select, v.Printed = unqualified(canonicalQuery(v.Select, v.Printed), database), ""
		v.To = TableName{Database: v.To.Database, Name: v.To.Name}
		if v.To.Database == "" {
			v.To.Database = database
		}
		v.Target = nil
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// unqualified takes the name of a database away from the tables of a query. The
// server puts it before those that have none.
func unqualified(query, database string) string {
	tokens, err := tokenize(query)
	if err != nil || database == "" {
		return query
	}
	var out []token
	for i := 0; i < len(tokens); i++ {
		named := tokens[i].kind == wordToken || tokens[i].kind == nameToken
		if named && tokens[i].text == database && i > 0 && i+2 < len(tokens) && tokens[i+1].is(".") && tableFollows(tokens[i-1]) {
			i++
			continue
		}
		out = append(out, tokens[i])
	}
	return joinTokens(out)
}

// tableFollows reports whether the name of a table may stand behind the token.
func tableFollows(t token) bool {
	return t.is(",") || t.is("(") || slices.ContainsFunc([]string{"FROM", "JOIN", "IN"}, t.isKeyword)
}

// oneView renders a change of a materialized view.
func (p *Plan) oneView(change Change) {
	switch c := change.(type) {
	case CreateView:
		p.createView(c.On, c.View, c.String()+"; it sees rows to come")
	case ModifyView:
		if c.Property == CommentProperty {
			p.add(commentViewSQL(c.On, c.Want), MetadataOnly, c.String())
			return
		}
		p.add(modifyViewSQL(c.On, c.Want), MetadataOnly, c.String()+"; it holds for rows to come, and what it has inserted stays")
		p.makes(c.On, c.Want)
	case ReplaceView:
		if c.Have.Other != "" || c.Have.To.Name == "" {
			p.add("", NeedsRebuild, c.String()+"; its rows would be dropped with it: rename or drop it by hand, or choose another name for the view")
			return
		}
		p.add(dropViewSQL(c.On, c.Have.Name), DeletesData, c.String()+"; rows that are inserted until it is created again get into neither")
		p.createView(c.On, c.Want, fmt.Sprintf("create materialized view %q again", c.Want.Name))
	case DropView:
		why := c.String() + "; its target stays, and gets no more rows from it"
		if c.View.To.Name == "" {
			why = c.String() + "; the rows that it keeps are dropped with it"
		}
		p.add(dropViewSQL(c.On, c.View.Name), DeletesData, why)
	}
}

func (p *Plan) createView(on TableName, v View, why string) {
	p.add(createViewSQL(on, v), MetadataOnly, why)
	p.makes(on, v)
}

// unseen notes which rows the views that are created do not see.
func (p *Plan) unseen() {
	if p.Storage == nil || p.Storage.Rows == 0 {
		return
	}
	for _, s := range p.Statements {
		if s.View == nil || !strings.HasPrefix(s.SQL, createView) {
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("materialized view %q does not see the rows that are in the table. To have them in %q too, run this once while nothing is inserted: INSERT INTO %s (columns of the query in its order) %s",
			s.View.Name, s.View.To.Name, tableSQL(s.View.To), canonicalQuery(s.View.Select, "")))
	}
}

// makes says which view the last statement makes.
func (p *Plan) makes(on TableName, v View) {
	v.To.Database = on.Database
	p.Statements[len(p.Statements)-1].View = &v
}

// viewName says where a view of a table is.
func viewName(on TableName, name string) TableName {
	return TableName{Database: on.Database, Name: name, Cluster: on.Cluster}
}

const createView = "CREATE MATERIALIZED VIEW IF NOT EXISTS "

// createViewSQL may run again, and beside itself.
func createViewSQL(on TableName, v View) string {
	sql := fmt.Sprintf("%s%s%s TO %s", createView, tableSQL(viewName(on, v.Name)), onCluster(on.Cluster), tableSQL(viewName(on, v.To.Name)))
	if v.Comment != "" {
		sql += "\nCOMMENT " + QuoteString(v.Comment)
	}
	return sql + "\nAS " + v.Select
}

func modifyViewSQL(on TableName, v View) string {
	return alterSQL(viewName(on, v.Name), []string{"MODIFY QUERY " + v.Select})
}

func commentViewSQL(on TableName, v View) string {
	return alterSQL(viewName(on, v.Name), []string{"MODIFY COMMENT " + QuoteString(v.Comment)})
}

func dropViewSQL(on TableName, name string) string {
	return "DROP VIEW IF EXISTS " + tableSQL(viewName(on, name)) + onCluster(on.Cluster)
}
