package schemas

import (
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// A Definition is a schema together with what was written about it.
//
// It is plain data. Those that this package returns have passed [fact.Schema.Validate] and make a table with
// [ddl.NewTable].
type Definition struct {
	// Schema is the schema itself. Its Table is what Table says, if that says something, so that a program that uses the
	// schema alone has the options too.
	Schema fact.Schema
	// Description says in a sentence what a fact of the schema is. It may be empty.
	Description string
	// Table holds the options of the ClickHouse table. Its comment is the Description unless another one was given.
	Table ddl.Options
	// Source is where the definition was read, as file:line, for messages to people.
	Source string
}
