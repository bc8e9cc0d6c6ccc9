package diff

import (
	"fmt"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// change is one difference between the table that is wanted and the one that
// exists. Its String describes it in a few words, for people.
type change interface{ String() string }

// property is what else a column, a table or a view has beside its type and its
// keys. Its value is a comment as text, all else as SQL; empty means none.
type property string

const (
	defaultProperty property = "default"
	codecProperty   property = "codec"
	ttlProperty     property = "TTL"
	commentProperty property = "comment"
	queryProperty   property = "query" // of a materialized view
)

// The differences of columns and of the table itself.
type (
	createTable struct{ want ddl.Table }

	// addColumn puts a column behind another one, or first.
	addColumn struct {
		column ddl.Column
		after  string
	}

	// clashingColumn is a column that cannot be added beside another one.
	clashingColumn struct{ column, other string }

	dropColumn struct{ column ddl.Column }

	// modifyColumnType gives a column another type.
	modifyColumnType struct {
		column, have, want string
		codec              string // that the column gets with its new type; empty means that it keeps its own
		inKey              bool   // a key uses the column, which takes a new type only if its stored values stay as they are
		projection         string // a projection that the schema lacks and that aggregates the column, which takes no new type as long as it is there
	}

	// modifyColumn changes a property of a column. The schema does not give it
	// when foreign is set, so that what goes may be somebody else's; so it is below.
	modifyColumn struct {
		column     string
		property   property
		have, want string
		foreign    bool
		json       bool // the column holds JSON, which its comment says
	}

	modifyTable struct {
		property   property
		have, want string
		foreign    bool
	}

	// modifySetting changes a setting, or gives it the server's default back.
	modifySetting struct {
		name, have, want string
		foreign          bool
	}

	// keepProperty is a note about a property of a column, of a view or, without
	// either, of the table, that the schema does not give. Nothing is done.
	keepProperty struct {
		column   string
		view     string
		property property
		have     string
	}

	// keepSetting is the same for a setting.
	keepSetting struct{ name, have string }

	// modifyFixed is about what no statement changes in place: a key, the engine,
	// the kind of a column.
	modifyFixed struct{ what, have, want string }

	// keep is a note about something that the schema lacks. Nothing is done.
	keep struct{ kind, name, note string }
)

// The differences of indexes and projections.
type (
	addPart    struct{ part tablePart }
	modifyPart struct{ have, want tablePart } // dropped and added

	// dropPart drops a part that the schema lacks. With a column, it drops one
	// that aggregates the column, whose type changes; it is added again behind
	// that.
	dropPart struct {
		part   tablePart
		column string
	}
)

// The differences of materialized views.
type (
	createView struct{ view ddl.View }
	modifyView struct {
		property   property
		have, want ddl.View
	}
	replaceView struct{ have, want ddl.View } // it inserts into another table
	dropView    struct{ view ddl.View }
)

func (c createTable) String() string { return "create table" }

func (c addColumn) String() string {
	return fmt.Sprintf("add column %q %s", c.column.Name, c.column.Type)
}

func (c clashingColumn) String() string {
	return fmt.Sprintf("add column %q beside %q, which the schema lacks: ClickHouse takes one for a part of the other, so rename or drop %q, or give the field another name", c.column, c.other, c.other)
}

func (c dropColumn) String() string {
	return fmt.Sprintf("drop column %q %s, which the schema lacks", c.column.Name, c.column.Type)
}

func (c modifyColumnType) String() string {
	return fmt.Sprintf("change column %q from %s to %s", c.column, c.have, c.want)
}

func (c modifyColumn) String() string {
	return fmt.Sprintf("change %s of column %q from %s to %s", c.property, c.column, c.property.show(c.have), c.property.show(c.want))
}

func (c modifyTable) String() string {
	return fmt.Sprintf("change %s of the table from %s to %s", c.property, c.property.show(c.have), c.property.show(c.want))
}

func (c modifySetting) String() string {
	return fmt.Sprintf("change setting %s from %s to %s", c.name, orDefault(c.have), orDefault(c.want))
}

func (c modifyFixed) String() string {
	return fmt.Sprintf("change %s from %s to %s", c.what, c.have, c.want)
}

func (c keep) String() string { return c.note }

func (c keepProperty) String() string {
	of := "the table"
	switch {
	case c.column != "":
		of = fmt.Sprintf("column %q", c.column)
	case c.view != "":
		of = fmt.Sprintf("materialized view %q", c.view)
	}
	return fmt.Sprintf("%s of %s is %s, which the schema does not give; it is kept", c.property, of, c.property.show(c.have))
}

func (c keepSetting) String() string {
	return fmt.Sprintf("setting %s is %s, which the schema does not give; it is kept", c.name, c.have)
}

func keepColumn(c ddl.Column) keep {
	return keep{kind: "column", name: c.Name, note: fmt.Sprintf("column %q %s is in the table but not in the schema; it is kept", c.Name, c.Type)}
}

func keepPart(p tablePart) keep {
	return keep{kind: p.kind, name: p.name, note: fmt.Sprintf("%s %s is in the table but not in the schema; it is kept", p.kind, p.text)}
}

func keepView(v ddl.View) keep {
	return keep{kind: "view", name: v.Name, note: fmt.Sprintf("materialized view %s reads the table and is not in the schema; it is kept", v)}
}

func (c addPart) String() string { return "add " + c.part.kind + " " + c.part.text }

func (c modifyPart) String() string {
	return fmt.Sprintf("change %s from %s to %s", c.have.kind, c.have.text, c.want.text)
}

func (c dropPart) String() string {
	if c.column != "" {
		return fmt.Sprintf("drop %s %s for now: it aggregates column %q, whose type changes", c.part.kind, c.part.text, c.column)
	}
	return fmt.Sprintf("drop %s %s, which the schema lacks", c.part.kind, c.part.text)
}

func (c createView) String() string { return "create materialized view " + c.view.String() }

func (c modifyView) String() string {
	if c.property == commentProperty {
		return fmt.Sprintf("change comment of materialized view %q from %s to %s", c.want.Name, c.property.show(c.have.Comment), c.property.show(c.want.Comment))
	}
	return fmt.Sprintf("change query of materialized view %q from %s to %s", c.want.Name, sqltext.Brief(c.have.Select), sqltext.Brief(c.want.Select))
}

func (c replaceView) String() string {
	switch {
	case c.have.Other != "":
		return fmt.Sprintf("replace %q, which is no materialized view but has the engine %s", c.have.Name, c.have.Other)
	case c.have.To.Name == "":
		return fmt.Sprintf("replace materialized view %q, which does not insert into a table, by one that inserts into %q", c.have.Name, c.want.To.Name)
	}
	return fmt.Sprintf("let materialized view %q insert into %q instead of %q", c.want.Name, c.want.To.Name, c.have.To)
}

func (c dropView) String() string {
	return fmt.Sprintf("drop materialized view %s, which the schema lacks", c.view)
}

// show writes a value of the property for people.
func (p property) show(value string) string {
	if p == commentProperty && value != "" {
		return fmt.Sprintf("%q", sqltext.Shorten(value))
	}
	return orNone(value)
}

func showKey(key []string) string { return "(" + strings.Join(key, ", ") + ")" }

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func orDefault(s string) string {
	if s == "" {
		return "the default"
	}
	return s
}
