package ddl

import "fmt"

// CreateView says that a materialized view does not exist.
type CreateView struct {
	// On is the table that it reads.
	On TableName
	// View is the view to create.
	View View
}

// ModifyView says that a materialized view has another query, or another
// comment.
type ModifyView struct {
	// On is the table that it reads.
	On TableName
	// Property is what differs: [QueryProperty] or [CommentProperty].
	Property Property
	// Have and Want are the view as it is and as it should be.
	Have, Want View
}

// ReplaceView says that a materialized view inserts into another table. No
// statement changes that: it is dropped and created.
type ReplaceView struct {
	// On is the table that it reads.
	On TableName
	// Have and Want are the view as it is and as it should be.
	Have, Want View
}

// DropView says that the schema lacks a materialized view of the table, which
// shall go. [Diff] returns it only with [Prune].
type DropView struct {
	// On is the table that it reads.
	On TableName
	// View is the view as it is.
	View View
}

// KeepView is a note: the schema lacks a materialized view of the table. Nothing
// is done about it.
type KeepView struct {
	// On is the table that it reads.
	On TableName
	// View is the view as it is.
	View View
}

func (CreateView) change()  {}
func (ModifyView) change()  {}
func (ReplaceView) change() {}
func (DropView) change()    {}
func (KeepView) change()    {}

// Table says which table the change is about.
func (c CreateView) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyView) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ReplaceView) Table() TableName { return c.On }

// Table says which table the change is about.
func (c DropView) Table() TableName { return c.On }

// Table says which table the change is about.
func (c KeepView) Table() TableName { return c.On }

// String describes the change in a few words.
func (c CreateView) String() string {
	return "create materialized view " + c.View.String()
}

// String describes the change in a few words.
func (c ModifyView) String() string {
	if c.Property == CommentProperty {
		return fmt.Sprintf("change comment of materialized view %q from %s to %s", c.Want.Name, c.Property.show(c.Have.Comment), c.Property.show(c.Want.Comment))
	}
	return fmt.Sprintf("change query of materialized view %q from %s to %s", c.Want.Name, brief(c.Have.Select), brief(c.Want.Select))
}

// String describes the change in a few words.
func (c ReplaceView) String() string {
	if c.Have.Other != "" {
		return fmt.Sprintf("replace %q, which is no materialized view but has the engine %s", c.Have.Name, c.Have.Other)
	}
	if c.Have.To.Name == "" {
		return fmt.Sprintf("replace materialized view %q, which does not insert into a table, by one that inserts into %q", c.Have.Name, c.Want.To.Name)
	}
	return fmt.Sprintf("let materialized view %q insert into %q instead of %q", c.Want.Name, c.Want.To.Name, c.Have.To)
}

// String describes the change in a few words.
func (c DropView) String() string {
	return fmt.Sprintf("drop materialized view %s, which the schema lacks", c.View)
}

// String describes the note.
func (c KeepView) String() string {
	return fmt.Sprintf("materialized view %s reads the table and is not in the schema; it is kept", c.View)
}
