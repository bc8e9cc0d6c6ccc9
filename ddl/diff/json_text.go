package diff

import (
	"fmt"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/ddl/rebuild"
)

// markJSON marks a column of text as one of JSON, which every stored value has to be.
type markJSON struct{ column ddl.Column }

func (c markJSON) String() string {
	return fmt.Sprintf("take the text in column %q for JSON", c.column.Name)
}

// jsonTypes gives columns of JSON a type of their own, so that they are compared like
// any other.
func jsonTypes(t ddl.Table) ddl.Table {
	for i, c := range t.Columns {
		t.Columns[i].Type = rebuild.CopiedType(c)
	}
	return t
}

// unmarked returns where a column of the table that exists is that is wanted as one of
// JSON, and that is but for the mark, or -1.
func (d *differ) unmarked(want ddl.Column) int {
	return slices.IndexFunc(d.have.Columns, func(c ddl.Column) bool {
		return c.Name == want.Name && c.Kind == want.Kind && want.JSON && !c.JSON && coltype.OfJSON(c.Type) == want.Type
	})
}

// markColumns sees to text that is wanted as JSON. It stays as it is, so that looking at it
// is all that is to be done. A column that was made before there was a mark, with the
// default of a missing value, is known to hold JSON.
func (d *differ) markColumns() {
	for _, want := range d.want.Columns {
		i := d.unmarked(want)
		if i < 0 {
			continue
		}
		have := &d.have.Columns[i]
		have.Type = want.Type
		if have.Default != sqltext.QuoteString("{}") {
			d.add(markJSON{column: *have})
		}
	}
}

// markJSON renders the change.
func (p *planner) markJSON(c markJSON) {
	marked := ddl.Column{Name: c.column.Name, Comment: c.column.Comment, JSON: true}
	p.add(commentColumnSQL(p.on, marked), ddl.MetadataOnly, c.String()+"; it is looked at before, and stays as it is")
	if p.have == nil {
		return
	}
	from := *p.have
	from.Columns = []ddl.Column{c.column}
	from.Columns[0].Type = coltype.Stored(c.column.Type)
	to := from
	to.Columns = []ddl.Column{from.Columns[0]}
	to.Columns[0].JSON = true
	p.Statements[len(p.Statements)-1].Check = rebuild.CopyOf(ddl.TableName{Database: p.on.Database, Name: p.on.Name}, from, to)
}
