// Package rebuild renders the statements by which a table is made anew: a new table is
// created, rows are copied into it part by part, every value that may not fit is looked
// at, and the two tables change places. It knows how a stored value of one type becomes
// one of another. It runs nothing: clickhouse/migrate does.
package rebuild

import (
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
)

// Rebuild is how a table gets what no statement can give it in place: a new
// table is made, the rows are copied into it, and the two change places. It is
// plain data; its methods render the statements.
type Rebuild struct {
	// On is the table.
	On ddl.TableName
	// From is the table as it is, and To as it will be. To keeps the columns and
	// indexes that the schema lacks, and everything whose change would delete
	// rows or values: statements behind the rebuild do that.
	From, To ddl.Table
	// Copies are the columns that are copied. The others of To read their
	// default.
	Copies []ColumnCopy
	// Reasons are the differences that the rebuild removes, those that take it
	// first.
	Reasons []string
	// Finish says that the tables have been exchanged already, and that only
	// the end is left to do. From, To and Copies are empty then.
	Finish bool
}

// ColumnCopy is a column that a [Rebuild] copies.
type ColumnCopy struct {
	// Name is the name of the column in both tables.
	Name string
	// From and To are its two types, of text that is JSON String(JSON).
	From, To string
	// Checked says that stored values may not fit the new type. Every one of
	// them is looked at before it is copied, and none is changed or left out:
	// a value that does not fit stops the rebuild.
	Checked bool
}

// Piece is a part of a table, or some of its rows.
type Piece struct {
	// Part is the name of the part.
	Part string
	// From is the offset of the first row, and To the one behind the last. Both
	// are 0 for the whole part.
	From, To uint64
}

const (
	// Ledger is the table in which rebuilds keep their record.
	Ledger = ddl.ReservedPrefix + "_rebuilds"

	rebuildSuffix = "_rebuild"
	beforeSuffix  = "_before_"
)

// NewName returns the name of the new table of a rebuild while rows are
// copied into it.
func NewName(table string) string { return table + rebuildSuffix }

// BeforeName returns the name under which the old table is kept after a
// rebuild. The day is written as YYYYMMDD.
func BeforeName(table, day string) string { return table + beforeSuffix + day }

// CopyOf returns a rebuild that makes the table To of the table From.
func CopyOf(on ddl.TableName, from, to ddl.Table) *Rebuild {
	from.Storage, from.Rebuild, from.Views = nil, nil, nil
	r := &Rebuild{On: on, From: from, To: to}
	have := from
	for _, c := range r.To.Columns {
		if old, ok := have.Column(c.Name); ok && copied(old.Kind, c.Kind) {
			from, to := CopiedType(old), CopiedType(c)
			r.Copies = append(r.Copies, ColumnCopy{
				Name: c.Name, From: from, To: to,
				Checked: from != to && !coltype.MetadataConversion(from, to) && !coltype.LosslessConversion(from, to),
			})
		}
	}
	return r
}

// CopiedType returns the type of a column as a [ColumnCopy] names it: that of the server,
// but for text that is JSON, which is String(JSON).
func CopiedType(c ddl.Column) string {
	t := coltype.Canonical(c.Type)
	if c.JSON {
		return coltype.OfJSON(t)
	}
	return t
}

// copied reports whether the values of a column of one kind go into one of the
// other. Values that are computed once and stored are copied too: computing
// them again might not give the same.
func copied(from, to ddl.ColumnKind) bool {
	return from != ddl.Ephemeral && (to == ddl.Ordinary || to == ddl.Materialized)
}
