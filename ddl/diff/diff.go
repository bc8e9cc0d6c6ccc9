// Package diff compares the table that is wanted with the one that exists, and plans the
// way from one to the other.
//
// [Compare] finds what differs; [Comparison.Plan] renders it into a [Plan]: ordered
// statements, each with its [ddl.Hazard] and its reason. [Plan.Check] refuses what has
// not been permitted. What no statement can change in place becomes a
// [rebuild.Rebuild]. The package is pure: clickhouse/migrate runs what it plans.
package diff

import (
	"fmt"
	"maps"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// Option changes what [Compare] finds.
type Option int

// Prune drops the columns, indexes, projections and materialized views that the
// table has and the schema lacks, and takes away the TTL rules, comments, codecs,
// defaults and settings that the schema does not give. Without it they are kept
// and noted.
const Prune Option = 1

// diff returns what separates the table that exists, have, from the table that
// is wanted. A nil have means that there is none. The changes come in the order
// in which they are to be made; notes come last.
//
// Tables are compared in canonical form, in all that a [ddl.Table] has but the
// order of columns that exist.
func diff(want ddl.Table, have *ddl.Table, options ...Option) []change {
	if have == nil {
		return create(want)
	}
	d := differ{original: want, have: jsonTypes(have.Canonical()), prune: slices.Contains(options, Prune)}
	if want.Database == "" {
		want.Database = have.Database
	}
	d.database = want.Database
	d.want = jsonTypes(want.Canonical())
	if want.IsDistributed() {
		d.distributed()
		return append(d.changes, d.notes...)
	}
	d.engine()
	if len(d.changes) == 0 || isMergeTree(d.have.Engine) {
		d.all()
	}
	return append(d.changes, d.notes...)
}

// create returns what makes a table that does not exist.
func create(want ddl.Table) []change {
	changes := []change{createTable{want}}
	for _, v := range want.Views {
		changes = append(changes, createView{v})
	}
	return changes
}

func isMergeTree(s string) bool {
	_, err := sqltext.ParseEngine(s)
	return err == nil
}

// all compares everything but the engine. Columns come before the TTL rules,
// indexes and projections that are made of them, and are dropped after them.
func (d *differ) all() {
	d.keys()
	d.markColumns()
	d.makeWay()
	d.columns()
	d.columnProperties()
	d.settings()
	d.table()
	d.oldParts()
	d.newParts()
	d.views()
	d.extraColumns()
}

type differ struct {
	database   string
	original   ddl.Table // what is wanted, as it was given
	want, have ddl.Table // canonical
	prune      bool
	changes    []change
	notes      []change
}

func (d *differ) add(c change)  { d.changes = append(d.changes, c) }
func (d *differ) note(c change) { d.notes = append(d.notes, c) }

func (d *differ) engine() {
	want, errWant := sqltext.ParseEngine(d.want.Engine)
	have, errHave := sqltext.ParseEngine(d.have.Engine)
	if errWant == nil && errHave == nil && sqltext.SameEngine(want, have) {
		return
	}
	d.add(modifyFixed{what: "engine", have: d.have.Engine, want: d.want.Engine})
}

func (d *differ) keys() {
	if !slices.Equal(d.want.OrderBy, d.have.OrderBy) {
		d.add(modifyFixed{what: "sorting key", have: showKey(d.have.OrderBy), want: showKey(d.want.OrderBy)})
	} else if !slices.Equal(d.want.PrimaryKey, d.have.PrimaryKey) {
		d.add(modifyFixed{what: "primary key", have: showKey(primaryKey(d.have)), want: showKey(primaryKey(d.want))})
	}
	if d.want.PartitionBy != d.have.PartitionBy {
		d.add(modifyFixed{what: "partition key", have: orNone(d.have.PartitionBy), want: orNone(d.want.PartitionBy)})
	}
}

func primaryKey(t ddl.Table) []string {
	if len(t.PrimaryKey) > 0 {
		return t.PrimaryKey
	}
	return t.OrderBy
}

// columns compares which columns there are, and their types. Columns to add
// are not canonical: they go to the server as given.
func (d *differ) columns() {
	after := ""
	for i, c := range d.want.Columns {
		have, ok := d.have.Column(c.Name)
		other, clashes := d.have.Clash(c)
		switch {
		case !ok && clashes:
			d.add(clashingColumn{column: c.Name, other: other})
		case !ok:
			d.add(addColumn{column: d.original.Columns[i], after: after})
		case have.Kind != c.Kind:
			d.add(modifyFixed{what: fmt.Sprintf("column %q", c.Name), have: have.Kind.String(), want: c.Kind.String()})
		case have.Type != c.Type:
			d.columnType(c, have, d.original.Columns[i])
		}
		after = c.Name
	}
}

// columnType changes a type together with the codec: the old codec may not do
// for the new type, nor the new codec for the old type. A codec that nobody gave
// stays, if it does for all types.
func (d *differ) columnType(want, have ddl.Column, given ddl.Column) {
	c := modifyColumnType{column: want.Name, have: have.Type, want: want.Type, inKey: d.inKey(want.Name), projection: d.blocking(want.Name)}
	switch {
	case want.Codec == coltype.CanonicalCodec(have.Codec, want.Type):
	case !d.prune && !given.GivesCodec() && coltype.AnyType(have.Codec):
	case want.Codec == "":
		d.add(modifyColumn{column: want.Name, property: codecProperty, have: have.Codec})
	default:
		c.codec = given.Codec
	}
	d.add(c)
}

// columnProperties compares the rest of the columns that are on both sides.
func (d *differ) columnProperties() {
	for i, want := range d.want.Columns {
		have, ok := d.have.Column(want.Name)
		if !ok || have.Kind != want.Kind {
			continue
		}
		given := d.original.Columns[i]
		if have.Type == want.Type || coltype.MetadataConversion(have.Type, want.Type) || coltype.LosslessConversion(have.Type, want.Type) {
			d.columnProperty(given, defaultProperty, have.Default, want.Default, given.Default, given.GivesDefault())
		} else if have.Default != want.Default { // a default of the old type may not do for the new one
			d.add(modifyColumn{column: want.Name, property: defaultProperty, have: have.Default, want: given.Default})
		}
		if have.Type == want.Type { // else it has been seen to
			d.columnProperty(given, codecProperty, have.Codec, want.Codec, given.Codec, given.GivesCodec())
		}
		d.columnProperty(given, ttlProperty, have.TTL, want.TTL, given.TTL, given.TTL != "")
		d.columnProperty(given, commentProperty, have.Comment, want.Comment, given.Comment, given.Comment != "")
	}
}

// columnProperty compares a property of a column. What the schema does not give
// takes the place of nothing, unless it shall.
func (d *differ) columnProperty(c ddl.Column, p property, have, want, given string, gives bool) {
	switch {
	case have == want:
	case !gives && have != "" && !d.prune:
		d.note(keepProperty{column: c.Name, property: p, have: have})
	case !gives && have == "" && p == codecProperty && !d.prune: // the server's default does
	default:
		d.add(modifyColumn{column: c.Name, property: p, have: have, want: given, foreign: !gives && have != "", json: c.JSON})
	}
}

func (d *differ) settings() {
	names := slices.Collect(maps.Keys(d.want.Settings))
	names = slices.AppendSeq(names, maps.Keys(d.have.Settings))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		have, want := d.have.Settings[name], d.want.Settings[name]
		foreign := have != "" && !d.original.GivesSetting(name)
		switch {
		case have == want:
		case foreign && !d.prune:
			d.note(keepSetting{name: name, have: have})
		default:
			d.add(modifySetting{name: name, have: have, want: want, foreign: foreign})
		}
	}
}

func (d *differ) table() {
	d.tableProperty(ttlProperty, d.have.TTL, d.want.TTL, d.original.TTL)
	d.tableProperty(commentProperty, d.have.Comment, d.want.Comment, d.want.Comment)
}

func (d *differ) tableProperty(p property, have, want, given string) {
	switch {
	case have == want:
	case want == "" && !d.prune:
		d.note(keepProperty{property: p, have: have})
	default:
		d.add(modifyTable{property: p, have: have, want: given, foreign: want == ""})
	}
}

func (d *differ) extraColumns() {
	for _, c := range d.have.Columns {
		if _, ok := d.want.Column(c.Name); ok {
			continue
		}
		if d.prune && !d.inKey(c.Name) {
			d.add(dropColumn{c})
		} else {
			d.note(keepColumn(c))
		}
	}
}

// inKey reports whether a key of the existing table uses the column.
func (d *differ) inKey(column string) bool {
	for _, expr := range slices.Concat(d.have.OrderBy, d.have.PrimaryKey, []string{d.have.PartitionBy}) {
		if mentions(expr, column) {
			return true
		}
	}
	return false
}

// mentions reports whether an expression uses the column, or may do so.
func mentions(expr, column string) bool {
	tokens, err := sqltext.Tokenize(expr)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(tokens, func(t sqltext.Token) bool {
		return (t.Kind == sqltext.WordToken || t.Kind == sqltext.NameToken) && t.Text == column
	})
}
