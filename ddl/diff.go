package ddl

import (
	"slices"
)

// Diff returns what separates the table that exists, have, from the table that
// is wanted. A nil have means that there is none. The changes come in the order
// in which they are to be made; notes come last.
//
// Tables are compared in canonical form. Names, columns, their types and kinds,
// keys and the engine are compared; comments, codecs, TTL, defaults, settings
// and indexes are not. Where two expressions differ in a way that may be the
// server's rewriting, Diff returns [Unverified] rather than a change.
func Diff(want Table, have *Table) []Change {
	if have == nil {
		return []Change{CreateTable{Want: want}}
	}
	d := differ{on: want.TableName(), want: want.Canonical(), have: have.Canonical()}
	if d.on.Database == "" {
		d.on.Database = have.Database
	}
	d.engine()
	d.sortingKey()
	d.partitionKey()
	d.columns(want)
	d.keptColumns()
	return append(d.changes, d.notes...)
}

type differ struct {
	on         TableName
	want, have Table
	changes    []Change
	notes      []Change
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

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
		d.notes = append(d.notes, Unverified{On: d.on, What: "partition key", Have: have, Want: want})
	}
}

// columns compares the wanted columns. The original table is passed for the
// columns to add, which are not canonical: they go to the server as given.
func (d *differ) columns(original Table) {
	after := ""
	for i, c := range d.want.Columns {
		have, ok := d.have.Column(c.Name)
		switch {
		case !ok:
			d.add(AddColumn{On: d.on, Column: original.Columns[i], After: after})
		case have.Kind != c.Kind:
			d.add(ModifyColumnKind{On: d.on, Column: c.Name, Have: have.Kind, Want: c.Kind})
		case have.Type != c.Type:
			d.add(ModifyColumnType{On: d.on, Column: c.Name, Have: have.Type, Want: c.Type, InKey: d.inKey(c.Name)})
		}
		after = c.Name
	}
}

func (d *differ) keptColumns() {
	for _, c := range d.have.Columns {
		if _, ok := d.want.Column(c.Name); !ok {
			d.notes = append(d.notes, KeepColumn{On: d.on, Column: c})
		}
	}
}

// inKey reports whether a key of the existing table uses the column.
func (d *differ) inKey(column string) bool {
	for _, expr := range slices.Concat(d.have.OrderBy, d.have.PrimaryKey, []string{d.have.PartitionBy}) {
		tokens, err := tokenize(expr)
		if err != nil {
			return true
		}
		for _, t := range tokens {
			if (t.kind == wordToken || t.kind == nameToken) && t.text == column {
				return true
			}
		}
	}
	return false
}
