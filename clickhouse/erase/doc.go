// Package erase erases the facts of a subject: from the log, from their table and the
// tables that were made of it, and from rejects files. It can be killed anywhere and run
// again, and it ends by looking for what it has erased in every place.
//
// What it cannot reach is named in [NotCovered].
package erase
