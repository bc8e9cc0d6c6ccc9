package tables

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/ddl"
)

// NewGrants makes the command grants.
func NewGrants(a *cli.App) *cobra.Command {
	var database, user string
	cmd := &cobra.Command{
		Use:   "grants ROLE",
		Short: "Print the GRANT statements for a user",
		Long: `Print the statements that give a user of a server the least rights for a role, for somebody
to run who may grant them. The roles are:

writer    records and loads into tables that are there; looks for what it has written
reader    asks questions, and for loads and the sizes of tables
migrator  creates, changes and rebuilds tables: apply, and services that make their tables

A service that makes its tables and writes to them needs both, writer and migrator.`,
		Example: "  factload grants writer --user recorder --database factload",
		Args:    oneRole,
		RunE: func(_ *cobra.Command, args []string) error {
			for _, grant := range clickhouse.Grants(clickhouse.Role(args[0]), database) {
				if _, err := fmt.Fprintf(a.Out, "GRANT %s TO %s;\n", grant, ddl.QuoteIdent(user)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&database, "database", "factload", "`name` of the database")
	cmd.Flags().StringVar(&user, "user", "factload", "`name` of the user, who has to exist")
	return cmd
}

func oneRole(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !slices.Contains(clickhouse.Roles(), clickhouse.Role(args[0])) {
		return fmt.Errorf("give one role of %v", clickhouse.Roles())
	}
	return nil
}
