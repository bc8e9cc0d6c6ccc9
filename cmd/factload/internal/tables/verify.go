package tables

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// NewVerify makes the command verify.
func NewVerify(a *cli.App) *cobra.Command {
	var views bool
	cmd := &cobra.Command{
		Use:   "verify [SCHEMA...]",
		Short: "Check that the tables are what their schemas say",
		Long: `Say of each table whether it is what its schema says: tables that are missing,
everything that differs, and columns, indexes, projections and materialized
views that the schema lacks. Nothing is changed; factload plan shows the statements.

` + selectionHelp + `

The exit code is 0 when all tables are as they should be and 4 otherwise.`,
		Example: `  factload verify
  factload verify --schemas my_schemas/ my_table`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return withPlans(cmd.Context(), a, selection{names: names, views: views, how: cli.Reading}, func(found planned) error {
				return runVerify(a, found.plans)
			})
		},
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	addViewsFlag(cmd, &views)
	return cmd
}

func runVerify(a *cli.App, plans []diff.Plan) error {
	drifted := 0
	for _, plan := range plans {
		word := "ok"
		switch {
		case plan.Fingerprint == ddl.Absent:
			word = "missing"
		case plan.Drift():
			word = "differs"
		}
		fmt.Fprintf(a.Out, "%-8s %s\n", word, plan.Table)
		if plan.Drift() {
			drifted++
		}
		if plan.Fingerprint == ddl.Absent {
			continue
		}
		for _, s := range plan.Statements {
			if !s.Optional {
				fmt.Fprintf(a.Out, "         %s\n", s.Why)
			}
		}
		for _, note := range plan.Notes {
			fmt.Fprintf(a.Out, "         %s\n", note)
		}
	}
	if drifted == 0 {
		_, err := fmt.Fprintln(a.Out, allWell(len(plans)))
		return err
	}
	fmt.Fprintf(a.Out, "%d of %s not as the schema says\n", drifted, show.Count(len(plans), "table"))
	return cli.ErrChanges
}
