package ddl

import "github.com/factload/factload/ddl/internal/rebuildsettings"

// RebuildState says how a table stands to a rebuild. It is no part of what a
// table is and is never compared.
type RebuildState struct {
	// Settings says that the table has settings that only a rebuild gives it:
	// one has begun and is not finished.
	Settings bool
	// Exchanged says that the table is the new one, and that the old one has
	// not been renamed yet.
	Exchanged bool
	// Other is the name of the second table of a rebuild that has begun. Empty
	// means that there is none.
	Other string
	// Obstacles are the reasons why the table cannot be rebuilt.
	Obstacles []string
}

// HasRebuildSettings reports whether the engine clause of a table, as the server
// prints it, has settings that only a rebuild gives it.
func HasRebuildSettings(engineFull string) bool {
	var t Table
	return t.readEngine(engineFull) == nil && rebuildsettings.Take(t.Settings)
}
