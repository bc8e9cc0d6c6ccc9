package tables

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
)

// NewVerify makes the command verify.
func NewVerify(a *cli.App) *cobra.Command {
	var views, asJSON bool
	var host string
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
			return withPlans(cmd.Context(), a, selection{names: names, views: views, host: host, how: cli.Reading}, func(found planned) error {
				return runVerify(a, found, asJSON)
			})
		},
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	addViewsFlag(cmd, &views)
	addHostFlag(cmd, &host)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// verified is what verify says of a table.
type verified struct {
	Table   string   `json:"table"`
	Host    string   `json:"host,omitempty"` // of a cluster
	State   string   `json:"state"`          // ok, differs or missing
	Differs []string `json:"differs"`
	Notes   []string `json:"notes"`

	place string // for people
}

func verifiedOf(plan migrate.HostPlan) verified {
	v := verified{Table: plan.Table, Host: plan.Host, place: plan.Place(), State: "ok", Differs: []string{}, Notes: append([]string{}, plan.Notes...)}
	switch {
	case plan.Fingerprint == ddl.Absent:
		v.State = "missing"
		return v
	case plan.Drift():
		v.State = "differs"
	}
	for _, s := range plan.Statements {
		if !s.Optional {
			v.Differs = append(v.Differs, s.Why)
		}
	}
	return v
}

func runVerify(a *cli.App, found planned, asJSON bool) error {
	tables := make([]verified, len(found.plans))
	for i, plan := range found.plans {
		tables[i] = verifiedOf(plan)
	}
	differ := drifted(found.plans)
	if err := printVerified(a, tables, differ, asJSON); err != nil {
		return err
	}
	if found.unseen != nil {
		return found.unseen
	}
	if differ > 0 {
		return cli.ErrChanges
	}
	return nil
}

func printVerified(a *cli.App, tables []verified, differ int, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(tables)
	}
	for _, t := range tables {
		fmt.Fprintf(a.Out, "%-8s %s\n", t.State, t.place)
		if t.State == "missing" {
			continue
		}
		for _, why := range append(t.Differs, t.Notes...) {
			fmt.Fprintf(a.Out, "         %s\n", why)
		}
	}
	if differ == 0 {
		_, err := fmt.Fprintln(a.Out, allWell(len(tables)))
		return err
	}
	_, err := fmt.Fprintf(a.Out, "%d of %s not as the schema says\n", differ, show.Count(len(tables), "table"))
	return err
}
