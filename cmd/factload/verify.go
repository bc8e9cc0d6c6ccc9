package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
)

func newVerify(a *app) *cobra.Command {
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
			return a.withPlans(cmd.Context(), planned{names: names, views: views, how: reading}, func(_ *migrate.Migrator, plans []ddl.Plan) error {
				return a.verify(plans)
			})
		},
	}
	addServerFlags(cmd)
	addSchemasFlag(cmd)
	addViewsFlag(cmd, &views)
	return cmd
}

func (a *app) verify(plans []ddl.Plan) error {
	drifted := 0
	for _, plan := range plans {
		word := "ok"
		switch {
		case plan.Fingerprint == ddl.Absent:
			word = "missing"
		case plan.Drift():
			word = "differs"
		}
		fmt.Fprintf(a.out, "%-8s %s\n", word, plan.Table)
		if plan.Drift() {
			drifted++
		}
		if plan.Fingerprint == ddl.Absent {
			continue
		}
		for _, s := range plan.Statements {
			if !s.Optional {
				fmt.Fprintf(a.out, "         %s\n", s.Why)
			}
		}
		for _, note := range plan.Notes {
			fmt.Fprintf(a.out, "         %s\n", note)
		}
	}
	if drifted == 0 {
		_, err := fmt.Fprintln(a.out, allWell(len(plans)))
		return err
	}
	fmt.Fprintf(a.out, "%d of %s not as the schema says\n", drifted, countText(len(plans), "table"))
	return errChanges
}
