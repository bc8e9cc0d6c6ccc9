package diff

import (
	"fmt"

	"github.com/factload/factload/ddl"
)

// The differences of tables of the engine Distributed. These keep no rows, so that every
// statement is about metadata.
type (
	// modifyDistributed says again all that is given of a column.
	modifyDistributed struct {
		column ddl.Column // as it was given
		have   ddl.Column
	}

	// spreadAnew puts another Distributed table in the place of one.
	spreadAnew struct {
		want ddl.Table
		have ddl.Distributed
	}
)

func (c modifyDistributed) String() string {
	return fmt.Sprintf("change column %q from %s to %s", c.column.Name, ddl.ColumnSQL(c.have), ddl.ColumnSQL(c.column))
}

func (c spreadAnew) String() string {
	to := *c.want.Distributed
	return fmt.Sprintf("read %q of the cluster %q, spread by %s, instead of %q of %q, spread by %s; rows that are there stay on their shards, and an insert in doubt may be stored again on another one",
		to.Local, to.Cluster, to.Key, c.have.Local, c.have.Cluster, orNone(c.have.Key))
}

// distributed compares tables of which the wanted one is Distributed.
func (d *differ) distributed() {
	if d.have.Distributed == nil {
		d.add(modifyFixed{what: "engine", have: d.have.Engine, want: d.want.Engine})
		return
	}
	if *d.have.Distributed != *d.want.Distributed {
		d.add(spreadAnew{want: d.original, have: *d.have.Distributed})
		return
	}
	after := ""
	for i, c := range d.want.Columns {
		have, ok := d.have.Column(c.Name)
		switch {
		case !ok:
			d.add(addColumn{column: d.original.Columns[i], after: after})
		case have.Type != c.Type, c.Default != "" && have.Default != c.Default, c.StoredComment() != "" && have.StoredComment() != c.StoredComment():
			d.add(modifyDistributed{column: d.original.Columns[i], have: have})
		}
		after = c.Name
	}
	d.tableProperty(commentProperty, d.have.Comment, d.want.Comment, d.want.Comment)
	for _, c := range d.have.Columns {
		if _, ok := d.want.Column(c.Name); !ok {
			d.note(keepColumn(c))
		}
	}
}

// distributed renders a change of a Distributed table.
func (p *planner) distributed(c change) {
	switch c := c.(type) {
	case modifyDistributed:
		p.add(ddl.AlterSQL(p.on, []string{"MODIFY COLUMN " + ddl.ColumnSQL(c.column)}), ddl.MetadataOnly, c.String())
	case spreadAnew:
		p.add(ddl.ReplaceSQL(c.want), ddl.DropsMetadata, c.String())
	}
}
