package diff

import "github.com/factload/factload/ddl"

// The differences between tables, for the tests that look at them one by one.
type (
	Change           = change
	ModifyFixed      = modifyFixed
	ModifyPart       = modifyPart
	ModifyColumnType = modifyColumnType
)

// Diff returns what separates two tables.
func Diff(want ddl.Table, have *ddl.Table, options ...Option) []Change {
	return Compare(want, have, options...).changes
}

// InPlace returns the statements for what separates two tables, without a
// rebuild.
func InPlace(want ddl.Table, have *ddl.Table, options ...Option) []Statement {
	c := Compare(want, have, options...)
	p := newPlanner(c)
	p.render(c.changes)
	return p.Statements
}

// ReadonlySettings are the settings that the server fixes when a table is created.
var ReadonlySettings = readonlySettings
