package ddl

import (
	"fmt"
	"strings"
)

// Change is one difference between the table that is wanted and the one that
// exists. The set is closed: the types in this package are all there are.
type Change interface {
	// Table says which table the change is about.
	Table() TableName
	// String describes the change in a few words, for people.
	String() string
	change()
}

// CreateTable says that the table does not exist.
type CreateTable struct {
	// Want is the table to create.
	Want Table
}

// AddColumn says that the table lacks a column.
type AddColumn struct {
	// On is the table.
	On TableName
	// Column is the column to add.
	Column Column
	// After is the column to put it behind. Empty means first.
	After string
}

// ModifyColumnType says that a column has another type.
type ModifyColumnType struct {
	// On is the table.
	On TableName
	// Column is the name of the column.
	Column string
	// Have and Want are the two types.
	Have, Want string
	// InKey says that the sorting, primary or partition key uses the column.
	// Such a column takes no new type in place, unless its stored values stay
	// as they are.
	InKey bool
	// Codec is the codec that the column gets with its new type, since the old
	// one may not do for it. Empty means that the codec stays.
	Codec string
	// Unstored says that some rows are stored without the column, since it was
	// added after them. They read its default, which may be another one for the
	// new type.
	Unstored bool
	// Projection is a projection that aggregates the column, and that the schema
	// lacks. The column takes no new type as long as it is there.
	Projection string
}

// ModifyColumnKind says that the server computes a column which should take
// values.
type ModifyColumnKind struct {
	// On is the table.
	On TableName
	// Column is the name of the column.
	Column string
	// Have and Want are the two kinds.
	Have, Want ColumnKind
}

// ModifySortingKey says that the table is sorted differently.
type ModifySortingKey struct {
	// On is the table.
	On TableName
	// Have and Want are the two sorting keys as expressions.
	Have, Want []string
}

// ModifyPrimaryKey says that the table has another primary key, though its
// sorting key is the wanted one.
type ModifyPrimaryKey struct {
	// On is the table.
	On TableName
	// Have and Want are the two primary keys as expressions.
	Have, Want []string
}

// ModifyPartitionKey says that the table is partitioned differently.
type ModifyPartitionKey struct {
	// On is the table.
	On TableName
	// Have and Want are the two expressions. Empty means one partition.
	Have, Want string
}

// ModifyEngine says that the table has another engine, or other arguments.
type ModifyEngine struct {
	// On is the table.
	On TableName
	// Have and Want are the two engines with their arguments.
	Have, Want string
}

// KeepColumn is a note: the table has a column that the schema lacks. Nothing
// is done about it.
type KeepColumn struct {
	// On is the table.
	On TableName
	// Column is the column as it is.
	Column Column
}

// Unverified is a note: two expressions differ in their text, and the server
// may well have rewritten one into the other. Nothing is done about it.
type Unverified struct {
	// On is the table.
	On TableName
	// What names the property, such as "partition key".
	What string
	// Have and Want are the two expressions.
	Have, Want string
}

func (CreateTable) change()        {}
func (AddColumn) change()          {}
func (ModifyColumnType) change()   {}
func (ModifyColumnKind) change()   {}
func (ModifySortingKey) change()   {}
func (ModifyPrimaryKey) change()   {}
func (ModifyPartitionKey) change() {}
func (ModifyEngine) change()       {}
func (KeepColumn) change()         {}
func (Unverified) change()         {}

// Table says which table the change is about.
func (c CreateTable) Table() TableName { return c.Want.TableName() }

// Table says which table the change is about.
func (c AddColumn) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyColumnType) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyColumnKind) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifySortingKey) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyPrimaryKey) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyPartitionKey) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyEngine) Table() TableName { return c.On }

// Table says which table the change is about.
func (c KeepColumn) Table() TableName { return c.On }

// Table says which table the change is about.
func (c Unverified) Table() TableName { return c.On }

// String describes the change in a few words.
func (c CreateTable) String() string { return "create table" }

// String describes the change in a few words.
func (c AddColumn) String() string {
	return fmt.Sprintf("add column %q %s", c.Column.Name, c.Column.Type)
}

// String describes the change in a few words.
func (c ModifyColumnType) String() string {
	return fmt.Sprintf("change column %q from %s to %s", c.Column, c.Have, c.Want)
}

// String describes the change in a few words.
func (c ModifyColumnKind) String() string {
	return fmt.Sprintf("change column %q from %s to %s", c.Column, c.Have, c.Want)
}

// String describes the change in a few words.
func (c ModifySortingKey) String() string {
	return fmt.Sprintf("change sorting key from (%s) to (%s)", strings.Join(c.Have, ", "), strings.Join(c.Want, ", "))
}

// String describes the change in a few words.
func (c ModifyPrimaryKey) String() string {
	return fmt.Sprintf("change primary key from (%s) to (%s)", strings.Join(c.Have, ", "), strings.Join(c.Want, ", "))
}

// String describes the change in a few words.
func (c ModifyPartitionKey) String() string {
	return fmt.Sprintf("change partition key from %s to %s", orNone(c.Have), orNone(c.Want))
}

// String describes the change in a few words.
func (c ModifyEngine) String() string {
	return fmt.Sprintf("change engine from %s to %s", c.Have, c.Want)
}

// String describes the note.
func (c KeepColumn) String() string {
	return fmt.Sprintf("column %q %s is in the table but not in the schema; it is kept", c.Column.Name, c.Column.Type)
}

// String describes the note.
func (c Unverified) String() string {
	return fmt.Sprintf("%s cannot be compared for certain: the table has %s, the schema says %s", c.What, orNone(c.Have), orNone(c.Want))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
