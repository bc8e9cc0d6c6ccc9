package tables

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// applyFlags are what apply is told beside the names.
type applyFlags struct {
	yes, prune, views, json bool
	allow                   []string
	host                    string // of a cluster, alone
}

// NewApply makes the command apply.
func NewApply(a *cli.App) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [SCHEMA...]",
		Short: "Change the tables to what their schemas say",
		Long: `Show what factload plan shows, ask, and make the changes. Changes that touch
metadata alone are always made; every other kind must be allowed by --allow. When
anything is refused, nothing is done to any table.

` + selectionHelp + `

A change that was interrupted is finished by running the command again. Several
may run at once: no change is made twice.`,
		Example: `  factload apply --schemas my_schemas/
  factload apply message --allow rewrites_data --yes
  factload apply message --allow needs_rebuild`,
		RunE: func(cmd *cobra.Command, names []string) error {
			allowed, err := parseHazards(f.allow)
			if err != nil {
				return err
			}
			if f.json && !f.yes {
				return cli.UsageError(errors.New("--json needs --yes: nobody can be asked in JSON"))
			}
			return withPlans(cmd.Context(), a, selection{names: names, options: pruneOption(f.prune), views: f.views, host: f.host, how: cli.Writing}, func(found planned) error {
				return runApply(cmd.Context(), a, found, f, allowed)
			})
		},
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	addPruneFlag(cmd, &f.prune)
	addViewsFlag(cmd, &f.views)
	addHostFlag(cmd, &f.host)
	cmd.Flags().StringSliceVar(&f.allow, "allow", nil, "`hazard` allowed: drops_metadata, rewrites_data, deletes_data, needs_rebuild")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object, that of plan and what was done (with --yes)")
	return cmd
}

func parseHazards(names []string) ([]ddl.Hazard, error) {
	var out []ddl.Hazard
	for _, name := range names {
		h, err := ddl.ParseHazard(name)
		if err != nil {
			return nil, cli.UsageError(fmt.Errorf("--allow: %w; metadata_only is always allowed", err))
		}
		out = append(out, h)
	}
	return out, nil
}

func runApply(ctx context.Context, a *cli.App, found planned, f applyFlags, allowed []ddl.Hazard) error {
	if found.unseen != nil {
		return fmt.Errorf("nothing was changed: %w; --host changes the others", found.unseen)
	}
	if f.json {
		return applyJSON(ctx, a, found, f, allowed)
	}
	p, plans := newPlanPrinter(a, f.prune, found.schemaOf), found.plans
	for _, plan := range plans {
		p.table(plan)
	}
	if pending(plans) == 0 {
		_, err := fmt.Fprintln(a.Notes(), p.next(plans))
		return err
	}
	if err := p.refusal(plans, allowed); err != nil {
		return err
	}
	if !f.yes {
		if err := confirm(ctx, a, pending(plans)); err != nil {
			return err
		}
	}
	for _, plan := range plans {
		if plan.Empty() {
			continue
		}
		if err := apply(ctx, plan, allowed); err != nil {
			return err
		}
		reportDone(a, plan, allowed)
	}
	return nil
}

// reportDone says that a plan has been carried out, and what of it was left out.
func reportDone(a *cli.App, plan migrate.HostPlan, allowed []ddl.Hazard) {
	fmt.Fprintf(a.Notes(), "%s: done\n", titleOf(plan))
	if plan.Rebuilds() {
		fmt.Fprintf(a.Notes(), "  the table as it was is kept under a name with the day, %s: drop it when nobody needs it any more\n", rebuild.BeforeName(plan.Table, "YYYYMMDD"))
	}
	for _, s := range plan.Statements {
		if !s.Permitted(allowed...) {
			fmt.Fprintf(a.Out, "  left out: %s; to do it by hand: %s\n", s.Why, s.SQL)
		}
	}
}

// apply makes the changes of one plan.
func apply(ctx context.Context, plan migrate.HostPlan, allowed []ddl.Hazard) error {
	err := plan.Apply(ctx, allowed...)
	if err == nil || errors.As(err, new(*migrate.MisfitError)) {
		return err
	}
	return fmt.Errorf("%w (run the command again to go on)", err)
}

// jsonApplied is what apply --json prints: the plan as it was, and what became of it.
type jsonApplied struct {
	jsonPlans
	Applied []string `json:"applied"`  // tables and views that were changed
	LeftOut []string `json:"left_out"` // optional statements that were not allowed
}

// applyJSON makes the changes and writes what was done, also when something is refused or fails.
func applyJSON(ctx context.Context, a *cli.App, found planned, f applyFlags, allowed []ddl.Hazard) error {
	out := jsonApplied{jsonPlans: planJSON(found.plans), Applied: []string{}, LeftOut: []string{}}
	err := newPlanPrinter(a, f.prune, found.schemaOf).refusal(found.plans, allowed)
	for _, plan := range found.plans {
		if err != nil || plan.Empty() {
			continue
		}
		if err = apply(ctx, plan, allowed); err != nil {
			continue
		}
		out.Applied = append(out.Applied, plan.Table)
		for _, s := range plan.Statements {
			if !s.Permitted(allowed...) {
				out.LeftOut = append(out.LeftOut, s.SQL)
			}
		}
	}
	return errors.Join(json.NewEncoder(a.Out).Encode(out), err)
}

// confirm asks whether to go on.
func confirm(ctx context.Context, a *cli.App, changes int) error {
	if !show.IsTerminal(a.In) {
		return cli.UsageError(errors.New("standard input is not a terminal, so nobody can be asked: use --yes to apply without asking"))
	}
	fmt.Fprintf(a.Out, "make %s? Type yes: ", show.Count(changes, "change"))
	var answer string
	var err error
	read := make(chan struct{})
	go func() { // it ends with the program, if nobody answers
		defer close(read)
		answer, err = bufio.NewReader(a.In).ReadString('\n')
	}()
	select {
	case <-read:
	case <-ctx.Done():
		fmt.Fprintln(a.Out)
		return ctx.Err()
	}
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errors.New("not confirmed, nothing was changed")
	}
	return nil
}
