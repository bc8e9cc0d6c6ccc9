package ddl

import (
	"fmt"
	"maps"
	"slices"
)

// DiffOption changes what [Compare] finds.
type DiffOption int

// Prune drops the columns, indexes, projections and materialized views that the
// table has and the schema lacks, and takes away the TTL rules, comments, codecs,
// defaults and settings that the schema does not give. Without it they are kept
// and noted.
const Prune DiffOption = 1

// diff returns what separates the table that exists, have, from the table that
// is wanted. A nil have means that there is none. The changes come in the order
// in which they are to be made; notes come last.
//
// Tables are compared in canonical form, in all that a [Table] has but the
// order of columns that exist.
func diff(want Table, have *Table, options ...DiffOption) []change {
	if have == nil {
		return create(want)
	}
	d := differ{original: want, have: have.Canonical(), prune: slices.Contains(options, Prune)}
	if want.Database == "" {
		want.Database = have.Database
	}
	d.database = want.Database
	d.want = want.Canonical()
	d.engine()
	if len(d.changes) == 0 || isMergeTree(d.have.Engine) {
		d.all()
	}
	return append(d.changes, d.notes...)
}

// create returns what makes a table that does not exist.
func create(want Table) []change {
	changes := []change{createTable{want}}
	for _, v := range want.Views {
		changes = append(changes, createView{v})
	}
	return changes
}

func isMergeTree(s string) bool {
	_, err := parseEngine(s)
	return err == nil
}

// all compares everything but the engine. Columns come before the TTL rules,
// indexes and projections that are made of them, and are dropped after them.
func (d *differ) all() {
	d.keys()
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
	original   Table // what is wanted, as it was given
	want, have Table // canonical
	prune      bool
	changes    []change
	notes      []change
}

func (d *differ) add(c change)  { d.changes = append(d.changes, c) }
func (d *differ) note(c change) { d.notes = append(d.notes, c) }

func (d *differ) engine() {
	want, errWant := parseEngine(d.want.Engine)
	have, errHave := parseEngine(d.have.Engine)
	if errWant == nil && errHave == nil && sameEngine(want, have) {
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

func primaryKey(t Table) []string {
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
		other, clashes := d.have.clash(c)
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
func (d *differ) columnType(want, have Column, given Column) {
	c := modifyColumnType{column: want.Name, have: have.Type, want: want.Type, inKey: d.inKey(want.Name), projection: d.blocking(want.Name)}
	switch {
	case want.Codec == canonicalCodec(have.Codec, want.Type):
	case !d.prune && (given.Codec == "" || given.chosen.codec) && anyType(have.Codec):
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
		if have.Type == want.Type || metadataConversion(have.Type, want.Type) || losslessConversion(have.Type, want.Type) {
			d.columnProperty(given, defaultProperty, have.Default, want.Default, given.Default, given.chosen.def)
		} else if have.Default != want.Default { // a default of the old type may not do for the new one
			d.add(modifyColumn{column: want.Name, property: defaultProperty, have: have.Default, want: given.Default})
		}
		if have.Type == want.Type { // else it has been seen to
			d.columnProperty(given, codecProperty, have.Codec, want.Codec, given.Codec, given.chosen.codec)
		}
		d.columnProperty(given, ttlProperty, have.TTL, want.TTL, given.TTL, false)
		d.columnProperty(given, commentProperty, have.Comment, want.Comment, given.Comment, false)
	}
}

// columnProperty compares a property of a column. What the schema does not give
// takes the place of nothing, unless it shall.
func (d *differ) columnProperty(c Column, p property, have, want, given string, chosen bool) {
	foreign := given == "" || chosen
	switch {
	case have == want:
	case foreign && have != "" && !d.prune:
		d.note(keepProperty{column: c.Name, property: p, have: have})
	case foreign && have == "" && p == codecProperty && !d.prune: // the server's default does
	default:
		d.add(modifyColumn{column: c.Name, property: p, have: have, want: given, foreign: foreign && have != ""})
	}
}

func (d *differ) settings() {
	names := slices.Collect(maps.Keys(d.want.Settings))
	names = slices.AppendSeq(names, maps.Keys(d.have.Settings))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		have, want := d.have.Settings[name], d.want.Settings[name]
		_, given := d.original.Settings[name]
		foreign := have != "" && (!given || name == d.original.chosenSetting)
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
	tokens, err := tokenize(expr)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(tokens, func(t token) bool {
		return (t.kind == wordToken || t.kind == nameToken) && t.text == column
	})
}
