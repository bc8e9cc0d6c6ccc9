package ddl

import "fmt"

// Property is what else a column or a table has beside its type and its keys.
type Property string

// The properties. A table has only a TTL and a comment.
const (
	DefaultProperty Property = "default"
	CodecProperty   Property = "codec"
	TTLProperty     Property = "TTL"
	CommentProperty Property = "comment"
	QueryProperty   Property = "query" // of a materialized view
)

// ModifyColumn says that a column has another default, codec, TTL or comment.
type ModifyColumn struct {
	// On is the table.
	On TableName
	// Column is the name of the column.
	Column string
	// Property is what differs.
	Property Property
	// Have and Want are its two values: a comment as text, all else as SQL.
	// Empty means none.
	Have, Want string
	// Unstored says that some rows are stored without the column, since it was
	// added after them. They read its default.
	Unstored bool
}

// ModifyTable says that the table has another TTL or comment.
type ModifyTable struct {
	// On is the table.
	On TableName
	// Property is what differs.
	Property Property
	// Have and Want are its two values: a comment as text, a TTL as SQL. Empty
	// means none.
	Have, Want string
}

// ModifySetting says that a setting of the table has another value.
type ModifySetting struct {
	// On is the table.
	On TableName
	// Name is the name of the setting.
	Name string
	// Have and Want are the two values without quotes. Empty means that the
	// server's default holds.
	Have, Want string
}

// DropColumn says that the schema lacks a column of the table, which shall go.
// [Diff] returns it only with [Prune].
type DropColumn struct {
	// On is the table.
	On TableName
	// Column is the column as it is.
	Column Column
}

// AddIndex says that the table lacks a data skipping index.
type AddIndex struct {
	// On is the table.
	On TableName
	// Index is the index to add.
	Index Index
}

// ModifyIndex says that an index is made otherwise. It is dropped and added.
type ModifyIndex struct {
	// On is the table.
	On TableName
	// Have and Want are the index as it is and as it should be.
	Have, Want Index
}

// DropIndex says that the schema lacks an index of the table, which shall go.
// [Diff] returns it only with [Prune].
type DropIndex struct {
	// On is the table.
	On TableName
	// Index is the index as it is.
	Index Index
}

// KeepIndex is a note: the table has an index that the schema lacks. Nothing
// is done about it.
type KeepIndex struct {
	// On is the table.
	On TableName
	// Index is the index as it is.
	Index Index
}

func (ModifyColumn) change()  {}
func (ModifyTable) change()   {}
func (ModifySetting) change() {}
func (DropColumn) change()    {}
func (AddIndex) change()      {}
func (ModifyIndex) change()   {}
func (DropIndex) change()     {}
func (KeepIndex) change()     {}

// Table says which table the change is about.
func (c ModifyColumn) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyTable) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifySetting) Table() TableName { return c.On }

// Table says which table the change is about.
func (c DropColumn) Table() TableName { return c.On }

// Table says which table the change is about.
func (c AddIndex) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyIndex) Table() TableName { return c.On }

// Table says which table the change is about.
func (c DropIndex) Table() TableName { return c.On }

// Table says which table the change is about.
func (c KeepIndex) Table() TableName { return c.On }

// String describes the change in a few words.
func (c ModifyColumn) String() string {
	return fmt.Sprintf("change %s of column %q from %s to %s", c.Property, c.Column, c.Property.show(c.Have), c.Property.show(c.Want))
}

// String describes the change in a few words.
func (c ModifyTable) String() string {
	return fmt.Sprintf("change %s of the table from %s to %s", c.Property, c.Property.show(c.Have), c.Property.show(c.Want))
}

// String describes the change in a few words.
func (c ModifySetting) String() string {
	return fmt.Sprintf("change setting %s from %s to %s", c.Name, orDefault(c.Have), orDefault(c.Want))
}

// String describes the change in a few words.
func (c DropColumn) String() string {
	return fmt.Sprintf("drop column %q %s, which the schema lacks", c.Column.Name, c.Column.Type)
}

// String describes the change in a few words.
func (c AddIndex) String() string { return "add index " + c.Index.String() }

// String describes the change in a few words.
func (c ModifyIndex) String() string {
	return fmt.Sprintf("change index from %s to %s", c.Have, c.Want)
}

// String describes the change in a few words.
func (c DropIndex) String() string {
	return fmt.Sprintf("drop index %s, which the schema lacks", c.Index)
}

// String describes the note.
func (c KeepIndex) String() string {
	return fmt.Sprintf("index %s is in the table but not in the schema; it is kept", c.Index)
}

// String describes the index in a few words.
func (x Index) String() string {
	return fmt.Sprintf("%q on %s of type %s", x.Name, x.Expr, x.Type)
}

// show writes a value of the property for people.
func (p Property) show(value string) string {
	if p == CommentProperty && value != "" {
		return fmt.Sprintf("%q", shorten(value))
	}
	return orNone(value)
}

func orDefault(s string) string {
	if s == "" {
		return "the default"
	}
	return s
}
