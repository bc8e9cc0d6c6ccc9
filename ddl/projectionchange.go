package ddl

import "fmt"

// AddProjection says that the table lacks a projection.
type AddProjection struct {
	// On is the table.
	On TableName
	// Projection is the projection to add.
	Projection Projection
}

// ModifyProjection says that a projection has another query. It is dropped and
// added.
type ModifyProjection struct {
	// On is the table.
	On TableName
	// Have and Want are the projection as it is and as it should be.
	Have, Want Projection
}

// DropProjection says that a projection has to go. Of those that the schema
// lacks, [Diff] returns it only with [Prune].
type DropProjection struct {
	// On is the table.
	On TableName
	// Projection is the projection as it is.
	Projection Projection
	// Column is the column whose type cannot change as long as the projection
	// aggregates it; the projection is added again behind that. Empty means that
	// the schema lacks the projection.
	Column string
}

// KeepProjection is a note: the table has a projection that the schema lacks.
// Nothing is done about it.
type KeepProjection struct {
	// On is the table.
	On TableName
	// Projection is the projection as it is.
	Projection Projection
}

func (AddProjection) change()    {}
func (ModifyProjection) change() {}
func (DropProjection) change()   {}
func (KeepProjection) change()   {}

// Table says which table the change is about.
func (c AddProjection) Table() TableName { return c.On }

// Table says which table the change is about.
func (c ModifyProjection) Table() TableName { return c.On }

// Table says which table the change is about.
func (c DropProjection) Table() TableName { return c.On }

// Table says which table the change is about.
func (c KeepProjection) Table() TableName { return c.On }

// String describes the change in a few words.
func (c AddProjection) String() string { return "add projection " + c.Projection.String() }

// String describes the change in a few words.
func (c ModifyProjection) String() string {
	return fmt.Sprintf("change projection from %s to %s", c.Have, c.Want)
}

// String describes the change in a few words.
func (c DropProjection) String() string {
	if c.Column != "" {
		return fmt.Sprintf("drop projection %s for now: it aggregates column %q, whose type changes", c.Projection, c.Column)
	}
	return fmt.Sprintf("drop projection %s, which the schema lacks", c.Projection)
}

// String describes the note.
func (c KeepProjection) String() string {
	return fmt.Sprintf("projection %s is in the table but not in the schema; it is kept", c.Projection)
}
