package clickhouse

import (
	"fmt"

	"github.com/factload/factload/ddl"
)

// Role is what a user of a server does, and has rights for.
type Role string

// The roles.
const (
	// Writer records and loads into tables that are there, and looks for what it has
	// written.
	Writer Role = "writer"
	// Reader asks questions, and for the loads and the sizes of tables.
	Reader Role = "reader"
	// Migrator creates, changes and rebuilds tables, as EnsureSchema and factload apply do.
	Migrator Role = "migrator"
)

// Roles are all roles.
func Roles() []Role { return []Role{Writer, Reader, Migrator} }

// Grants returns the rights of a role in a database, each as it stands between GRANT and
// TO in a statement. No less is enough for all that a role does. What a writer needs to
// complete the targets of materialized views after a fault is not among them: see
// docs/recording.md.
func Grants(role Role, database string) []string {
	all := ddl.QuoteIdent(database) + ".*"
	own := ddl.QuoteIdent(database) + "." + ddl.ReservedPrefix + "*"
	system := func(tables ...string) (out []string) {
		for _, t := range tables {
			out = append(out, "SELECT ON system."+t)
		}
		return out
	}
	switch role {
	case Writer:
		return append([]string{"SELECT, INSERT ON " + all, "CREATE TABLE ON " + own, "TABLE ENGINE ON MergeTree"},
			system("merge_tree_settings", "data_skipping_indices", "processes", "parts")...)
	case Reader:
		return append([]string{"SELECT ON " + all}, system("data_skipping_indices", "parts", "parts_columns")...)
	case Migrator:
		out := []string{"SELECT, INSERT, CREATE TABLE, DROP TABLE, ALTER TABLE, CREATE VIEW, DROP VIEW, ALTER VIEW ON " + all}
		for _, family := range []string{"", "Replacing", "Summing", "Aggregating"} {
			out = append(out, fmt.Sprintf("TABLE ENGINE ON %sMergeTree", family))
		}
		return append(out, system("data_skipping_indices", "projections", "parts", "parts_columns", "merges", "mutations", "processes")...)
	}
	return nil
}
