package ddl

import (
	"maps"
	"slices"
)

// DiffOption changes what [Diff] returns.
type DiffOption int

// Prune drops the columns, indexes, projections and materialized views that the
// table has and the schema lacks. Without it they are kept and noted.
const Prune DiffOption = 1

// Diff returns what separates the table that exists, have, from the table that
// is wanted. A nil have means that there is none. The changes come in the order
// in which they are to be made; notes come last.
//
// Tables are compared in canonical form, in all that a [Table] has but the
// order of columns that exist. Where two expressions differ in a way that may
// be the server's rewriting, Diff returns [Unverified] rather than a change.
func Diff(want Table, have *Table, options ...DiffOption) []Change {
	if have == nil {
		return create(want)
	}
	d := differ{on: want.TableName(), named: want.TableName(), original: want, have: have.Canonical(), storage: have.Storage, prune: slices.Contains(options, Prune)}
	if d.on.Database == "" {
		d.on.Database = have.Database
	}
	want.Database = d.on.Database
	d.want = want.Canonical()
	d.engine()
	if len(d.changes) == 0 || isMergeTree(d.have.Engine) {
		d.all()
	}
	return append(d.changes, d.notes...)
}

// create returns what makes a table that does not exist.
func create(want Table) []Change {
	changes := []Change{CreateTable{Want: want}}
	for _, v := range want.Views {
		changes = append(changes, CreateView{On: want.TableName(), View: v})
	}
	return changes
}

// What an [Unverified] is about.
const (
	unverifiedPartitionKey = "partition key"
	unverifiedTTL          = "TTL"
)

func unverifiedOf(p Property, column string) string { return string(p) + " of column " + column }
func unverifiedIndex(name string) string            { return "index " + name }
func unverifiedProjection(name string) string       { return "projection " + name }

func isMergeTree(s string) bool {
	_, err := parseEngine(s)
	return err == nil
}

// all compares everything but the engine. Columns come before the TTL rules,
// indexes and projections that are made of them, and are dropped after them.
func (d *differ) all() {
	d.sortingKey()
	d.partitionKey()
	d.makeWay()
	d.columns()
	d.columnProperties()
	d.settings()
	d.table()
	d.oldIndexes()
	d.oldProjections()
	d.newIndexes()
	d.newProjections()
	d.views()
	d.extraColumns()
}

type differ struct {
	on         TableName
	named      TableName // the table as it was given: what creates views is spelled the same whether there is a table or not
	original   Table     // what is wanted, spelled as it was given
	want, have Table     // canonical
	storage    *Storage
	prune      bool
	changes    []Change
	notes      []Change
}

func (d *differ) add(c Change)  { d.changes = append(d.changes, c) }
func (d *differ) note(c Change) { d.notes = append(d.notes, c) }

func (d *differ) engine() {
	want, errWant := parseEngine(d.want.Engine)
	have, errHave := parseEngine(d.have.Engine)
	if errWant == nil && errHave == nil && sameEngine(want, have) {
		return
	}
	d.add(ModifyEngine{On: d.on, Have: d.have.Engine, Want: d.want.Engine})
}

func (d *differ) sortingKey() {
	if !slices.Equal(d.want.OrderBy, d.have.OrderBy) {
		d.add(ModifySortingKey{On: d.on, Have: d.have.OrderBy, Want: d.want.OrderBy})
		return
	}
	if !slices.Equal(d.want.PrimaryKey, d.have.PrimaryKey) {
		d.add(ModifyPrimaryKey{On: d.on, Have: primaryKey(d.have), Want: primaryKey(d.want)})
	}
}

func primaryKey(t Table) []string {
	if len(t.PrimaryKey) > 0 {
		return t.PrimaryKey
	}
	return t.OrderBy
}

func (d *differ) partitionKey() {
	want, have := d.want.PartitionBy, d.have.PartitionBy
	switch {
	case want == have:
	case want == "" || have == "" || canonicalExpr(want).exact:
		d.add(ModifyPartitionKey{On: d.on, Have: have, Want: want})
	default:
		d.note(Unverified{On: d.on, What: unverifiedPartitionKey, Have: have, Want: want})
	}
}

// columns compares which columns there are, and their types. Columns to add
// are not canonical: they go to the server as given.
func (d *differ) columns() {
	after := ""
	for i, c := range d.want.Columns {
		have, ok := d.have.Column(c.Name)
		switch {
		case !ok:
			d.add(AddColumn{On: d.on, Column: d.original.Columns[i], After: after})
		case have.Kind != c.Kind:
			d.add(ModifyColumnKind{On: d.on, Column: c.Name, Have: have.Kind, Want: c.Kind})
		case have.Type != c.Type && d.original.Columns[i].written:
			d.note(Unverified{On: d.on, What: "type of column " + c.Name, Have: have.Type, Want: c.Type})
		case have.Type != c.Type:
			d.columnType(c, have, d.original.Columns[i].Codec)
		}
		after = c.Name
	}
}

// columnType changes a type together with the codec: the old codec may not do
// for the new type, nor the new codec for the old type.
func (d *differ) columnType(want, have Column, codec string) {
	change := ModifyColumnType{On: d.on, Column: want.Name, Have: have.Type, Want: want.Type, InKey: d.inKey(want.Name), Unstored: d.storage.lacks(want.Name)}
	change.Projection = d.blocking(want.Name)
	switch {
	case want.Codec == canonicalCodec(have.Codec, want.Type):
	case want.Codec == "":
		d.add(ModifyColumn{On: d.on, Column: want.Name, Property: CodecProperty, Have: have.Codec})
	default:
		change.Codec = codec
	}
	d.add(change)
}

// columnProperties compares the rest of the columns that are on both sides.
func (d *differ) columnProperties() {
	for i, want := range d.want.Columns {
		have, ok := d.have.Column(want.Name)
		if !ok || have.Kind != want.Kind {
			continue
		}
		given := d.original.Columns[i]
		for _, p := range []struct {
			property          Property
			have, want, given string
			certainly         bool
		}{
			{property: DefaultProperty, have: have.Default, want: want.Default, given: given.Default, certainly: canonicalExpr(want.Default).exact},
			{property: CodecProperty, have: have.Codec, want: laterCodec(have, want), given: given.Codec, certainly: true},
			{property: TTLProperty, have: have.TTL, want: want.TTL, given: given.TTL, certainly: exactTTL(want.TTL)},
			{property: CommentProperty, have: have.Comment, want: want.Comment, given: given.Comment, certainly: true},
		} {
			switch {
			case p.have == p.want:
			case p.certainly || p.have == "" || p.want == "":
				d.add(ModifyColumn{
					On: d.on, Column: want.Name, Property: p.property, Have: p.have, Want: p.given,
					Unstored: have.Type == want.Type && d.storage.lacks(want.Name),
				})
			default:
				d.note(Unverified{On: d.on, What: unverifiedOf(p.property, want.Name), Have: p.have, Want: p.want})
			}
		}
	}
}

// laterCodec is the codec that the column should have once its type is right.
// With another type it has been seen to.
func laterCodec(have, want Column) string {
	if have.Type != want.Type {
		return have.Codec
	}
	return want.Codec
}

func (d *differ) settings() {
	names := slices.Collect(maps.Keys(d.want.Settings))
	names = slices.AppendSeq(names, maps.Keys(d.have.Settings))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if have, want := d.have.Settings[name], d.want.Settings[name]; have != want {
			d.add(ModifySetting{On: d.on, Name: name, Have: have, Want: want})
		}
	}
}

func (d *differ) table() {
	switch have, want := d.have.TTL, d.want.TTL; {
	case have == want:
	case have == "" || want == "" || exactTTL(want):
		d.add(ModifyTable{On: d.on, Property: TTLProperty, Have: have, Want: d.original.TTL})
	default:
		d.note(Unverified{On: d.on, What: unverifiedTTL, Have: have, Want: want})
	}
	if d.have.Comment != d.want.Comment {
		d.add(ModifyTable{On: d.on, Property: CommentProperty, Have: d.have.Comment, Want: d.want.Comment})
	}
}

// oldIndexes compares the indexes that the table has.
func (d *differ) oldIndexes() {
	for _, have := range d.have.Indexes {
		i := d.want.index(have.Name)
		switch {
		case i < 0 && d.prune:
			d.add(DropIndex{On: d.on, Index: have})
		case i < 0:
			d.note(KeepIndex{On: d.on, Index: have})
		case d.want.Indexes[i] == have:
		case d.want.Indexes[i].Expr == have.Expr || canonicalExpr(d.want.Indexes[i].Expr).exact:
			d.add(ModifyIndex{On: d.on, Have: have, Want: d.original.Indexes[i]})
		default:
			d.note(Unverified{On: d.on, What: unverifiedIndex(have.Name), Have: have.Expr, Want: d.want.Indexes[i].Expr})
		}
	}
}

func (d *differ) newIndexes() {
	for i, want := range d.want.Indexes {
		if d.have.index(want.Name) < 0 {
			d.add(AddIndex{On: d.on, Index: d.original.Indexes[i]})
		}
	}
}

// index returns where the index of the given name is, or -1.
func (t Table) index(name string) int {
	return slices.IndexFunc(t.Indexes, func(x Index) bool { return x.Name == name })
}

func (d *differ) extraColumns() {
	for _, c := range d.have.Columns {
		if _, ok := d.want.Column(c.Name); ok {
			continue
		}
		if d.prune && !d.inKey(c.Name) {
			d.add(DropColumn{On: d.on, Column: c})
		} else {
			d.note(KeepColumn{On: d.on, Column: c})
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
