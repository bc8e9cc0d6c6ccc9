// Package tables is the commands that compare tables with their schemas: ddl, plan, apply and
// verify.
package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/schemas"
)

const selectionHelp = `Without names it looks at the schemas of --schemas, or else at those that the database
keeps of loads, and at the built-in ones; of these last two, at the ones that have a table.
When that is none, the exit code is 2.`

// NewPlan makes the command plan.
func NewPlan(a *cli.App) *cobra.Command {
	var prune, views, asJSON bool
	var host string
	cmd := &cobra.Command{
		Use:   "plan [SCHEMA...]",
		Short: "Show what separates the tables from their schemas",
		Long: `Compare tables with their schemas and show the statements that would make them
equal, with what each of them costs. Nothing is changed.

` + selectionHelp + `

The exit code is that of verify: 0 when all tables are as their schemas say, and 4 when
changes are pending or a table has what its schema lacks.`,
		Example: `  factload plan --schemas my_schemas/
  factload plan message --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return withPlans(cmd.Context(), a, selection{names: names, options: pruneOption(prune), views: views, host: host, how: cli.Writing}, func(found planned) error {
				p := newPlanPrinter(a, prune, found.schemaOf)
				if err := p.print(found.plans, asJSON); err != nil {
					return err
				}
				switch {
				case found.unseen != nil:
					return found.unseen
				case drifted(found.plans) == 0:
					return nil
				}
				return cli.ErrChanges
			})
		},
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	addPruneFlag(cmd, &prune)
	addViewsFlag(cmd, &views)
	addHostFlag(cmd, &host)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as one JSON object")
	return cmd
}

func addHostFlag(cmd *cobra.Command, host *string) {
	cmd.Flags().StringVar(host, "host", "", "of a cluster, `HOST:PORT` alone")
}

func addPruneFlag(cmd *cobra.Command, prune *bool) {
	cmd.Flags().BoolVar(prune, "prune", false, "drop what the schema lacks, with TTLs, codecs, defaults and settings")
}

func addViewsFlag(cmd *cobra.Command, views *bool) {
	cmd.Flags().BoolVar(views, "views", false, "look at the views of the shipped questions too, such as answer_pass_rate")
}

func pruneOption(prune bool) []diff.Option {
	if prune {
		return []diff.Option{diff.Prune}
	}
	return nil
}

// selection is what to plan for.
type selection struct {
	names   []string // schemas
	options []diff.Option
	views   bool   // the shipped questions, too
	host    string // of a cluster, alone
	how     cli.Access
}

// withPlans connects, plans for the tables of the named schemas, and calls do.
func withPlans(ctx context.Context, a *cli.App, what selection, do func(planned) error) (err error) {
	registry, err := a.Registry()
	if err != nil {
		return err
	}
	var unknown error
	for _, name := range what.names {
		if _, err := registry.Get(name); err != nil {
			unknown, what.how = err, cli.Reading // only a database with data may know it
		}
	}
	s, err := a.Connect(ctx, what.how)
	if err != nil && unknown != nil {
		return cli.UnknownSchema(unknown, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	registry, kept, err := withKept(ctx, a, s.Client, registry, what.names)
	if err != nil {
		return err
	}
	tables, err := selectTables(registry, what.names, kept)
	if err != nil {
		return err
	}
	found := planned{migrator: migrate.New(s.Client, migrate.WithMutationProgress(mutationProgress(a))), schemaOf: make(map[string]string, len(tables))}
	for _, t := range tables {
		found.schemaOf[t.table.Name] = t.schema
		if what.host != "" && t.table.Cluster == "" {
			continue
		}
		plans, err := found.migrator.PlanHosts(ctx, t.table, what.host, what.options...)
		if err != nil && (t.table.Cluster == "" || what.host != "") {
			return err
		}
		found.unseen = errors.Join(found.unseen, err)
		for _, plan := range plans {
			if !t.optional || plan.Fingerprint != ddl.Absent {
				found.plans = append(found.plans, plan)
			}
		}
	}
	if what.views {
		if err := found.addViews(ctx, s.Client, registry); err != nil {
			return err
		}
	}
	if len(found.plans) == 0 && found.unseen != nil {
		return found.unseen
	}
	if len(found.plans) == 0 && what.host != "" {
		return cli.UsageError(errors.New("--host is for tables of a cluster, and none of the schemas has one"))
	}
	if len(found.plans) == 0 {
		return cli.UsageError(errors.New("no table to look at: no schema that the database keeps has one, and no built-in one: name a schema, or give your own by --schemas"))
	}
	return do(found)
}

// withKept adds the schemas that the database keeps to those of files and the built-in ones, of which it has the name of
// none. They are for who names them, and for who gives no files.
func withKept(ctx context.Context, a *cli.App, client *clickhouse.Client, registry *schemas.Registry, names []string) (_ *schemas.Registry, added []string, err error) {
	if len(names) == 0 && len(a.Config.Schemas) > 0 {
		return registry, nil, nil
	}
	kept, err := cli.KeptSchemas(ctx, client)
	if err != nil {
		return nil, nil, err
	}
	all := registry.All()
	for _, k := range kept {
		if _, err := registry.Get(k.Schema.Name); err != nil {
			all, added = append(all, k.Definition), append(added, k.Schema.Name)
		}
	}
	registry, err = schemas.NewRegistry(all...)
	return registry, added, err
}

// planned are plans, in the order in which they are to be applied.
type planned struct {
	migrator *migrate.Migrator
	plans    []migrate.HostPlan
	unseen   error             // hosts that could not be looked at
	schemaOf map[string]string // the schema of each table
}

// addViews adds the plans for the views of the shipped questions about the tables of the plans,
// and for the tables that these questions read besides.
func (p *planned) addViews(ctx context.Context, client *clickhouse.Client, registry *schemas.Registry) error {
	var names []string
	for _, plan := range p.plans {
		names = append(names, plan.Table)
	}
	for _, name := range answers.Tables(names...) {
		if slices.Contains(names, name) {
			continue
		}
		table, err := tableOf(registry, name)
		if err != nil {
			return err
		}
		plan, err := p.migrator.Plan(ctx, table)
		if err != nil {
			return err
		}
		p.schemaOf[name] = name
		names, p.plans = append(names, name), append(p.plans, p.migrator.Here(plan))
	}
	views, err := answers.Plan(ctx, client, names...)
	for _, plan := range views {
		p.plans = append(p.plans, p.migrator.Here(plan))
	}
	return err
}

// selected is a table to look at.
type selected struct {
	table    ddl.Table
	schema   string // the schema whose table it is, or whose materialized view inserts into it
	optional bool   // it is all right when there is none
}

// selectTables returns the tables of the named schemas, or of all: then those of
// built-in schemas, and of those that the database keeps, need not exist. The targets of materialized views come before
// the tables that the views read.
func selectTables(registry *schemas.Registry, names, kept []string) ([]selected, error) {
	var own []string
	all := len(names) == 0
	if all {
		names, own = registry.Names(), ownNames(registry)
	}
	var tables []ddl.Table
	schemaOf := make(map[string]string, len(names))
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, cli.UsageError(fmt.Errorf("schema %q is named twice", name))
		}
		table, err := tableOf(registry, name)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
		schemaOf[table.Name] = name
		if table.Distributed != nil {
			schemaOf[table.Distributed.Local] = name
		}
		for _, v := range table.Views {
			if v.Target != nil {
				schemaOf[v.Target.Name] = name
			}
		}
	}
	expanded, err := ddl.Expand(tables...)
	if err != nil {
		return nil, cli.UsageError(err)
	}
	out := make([]selected, len(expanded))
	for i, table := range expanded {
		schema := schemaOf[table.Name]
		out[i] = selected{table: table, schema: schema, optional: all && (!slices.Contains(own, schema) || slices.Contains(kept, schema))}
	}
	return out, nil
}

// ownNames returns the names of the schemas that are not built in, sorted.
func ownNames(registry *schemas.Registry) (names []string) {
	for _, def := range registry.All() {
		if !def.IsBuiltin() {
			names = append(names, def.Schema.Name)
		}
	}
	return names
}

// drifted counts the tables and views that are not what they should be.
func drifted(plans []migrate.HostPlan) int {
	n := 0
	for _, p := range plans {
		if p.Drift() {
			n++
		}
	}
	return n
}

// pending counts the statements of all plans.
func pending(plans []migrate.HostPlan) int {
	n := 0
	for _, p := range plans {
		n += len(p.Statements)
	}
	return n
}
