package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/schemas"
)

const selectionHelp = `Without names it looks at your own schemas, those of --schemas, and at the built-in
ones that have a table. When that is none, the exit code is 2.`

func newPlan(a *app) *cobra.Command {
	var prune, views, asJSON bool
	cmd := &cobra.Command{
		Use:   "plan [SCHEMA...]",
		Short: "Show what separates the tables from their schemas",
		Long: `Compare tables with their schemas and show the statements that would make them
equal, with what each of them costs. Nothing is changed.

` + selectionHelp + `

The exit code is 0 when nothing is to be done and 4 when changes are pending.`,
		Example: `  factload plan --schemas my_schemas/
  factload plan message --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.withPlans(cmd.Context(), planned{names: names, options: pruneOption(prune), views: views, how: writing}, func(_ *migrate.Migrator, plans []ddl.Plan) error {
				p := a.planPrinter(prune)
				if err := p.print(plans, asJSON); err != nil {
					return err
				}
				if pending(plans) == 0 {
					return nil
				}
				return errChanges
			})
		},
	}
	addServerFlags(cmd)
	addSchemasFlag(cmd)
	addPruneFlag(cmd, &prune)
	addViewsFlag(cmd, &views)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as one JSON object")
	return cmd
}

func addPruneFlag(cmd *cobra.Command, prune *bool) {
	cmd.Flags().BoolVar(prune, "prune", false, "drop what the schema lacks, with TTLs, codecs, defaults and settings")
}

func addViewsFlag(cmd *cobra.Command, views *bool) {
	cmd.Flags().BoolVar(views, "views", false, "look at the views of the shipped questions too, such as answer_pass_rate")
}

func pruneOption(prune bool) []ddl.DiffOption {
	if prune {
		return []ddl.DiffOption{ddl.Prune}
	}
	return nil
}

// planned is what to plan for.
type planned struct {
	names   []string // schemas
	options []ddl.DiffOption
	views   bool // the shipped questions, too
	how     access
}

// withPlans connects, plans for the tables of the named schemas, and calls do.
func (a *app) withPlans(ctx context.Context, what planned, do func(*migrate.Migrator, []ddl.Plan) error) (err error) {
	registry, err := a.registry()
	if err != nil {
		return err
	}
	tables, err := selectTables(registry, what.names)
	if err != nil {
		return err
	}
	s, err := a.openServer(ctx, what.how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	client, err := s.open()
	if err != nil {
		return err
	}
	defer client.Close()
	migrator := migrate.New(client, migrate.WithMutationProgress(a.mutationProgress()))
	var plans []ddl.Plan
	a.schemaOf = make(map[string]string, len(tables))
	for _, t := range tables {
		a.schemaOf[t.table.Name] = t.schema
		plan, err := migrator.Plan(ctx, t.table, what.options...)
		if err != nil {
			return err
		}
		if t.optional && plan.Fingerprint == ddl.Absent {
			continue
		}
		plans = append(plans, plan)
	}
	if what.views {
		if plans, err = a.withViews(ctx, client, migrator, registry, plans); err != nil {
			return err
		}
	}
	if len(plans) == 0 {
		return usageError(errors.New("no table to look at, since no built-in schema has one: name a schema, or give your own by --schemas"))
	}
	return do(migrator, plans)
}

// withViews adds the plans for the views of the shipped questions about the tables of the plans, and for the tables that
// these questions read besides.
func (a *app) withViews(ctx context.Context, client *clickhouse.Client, migrator *migrate.Migrator, registry *schemas.Registry, plans []ddl.Plan) ([]ddl.Plan, error) {
	var names []string
	for _, plan := range plans {
		names = append(names, plan.Table)
	}
	for _, name := range answers.Tables(names...) {
		if slices.Contains(names, name) {
			continue
		}
		table, err := tableOf(registry, name)
		if err != nil {
			return nil, err
		}
		plan, err := migrator.Plan(ctx, table)
		if err != nil {
			return nil, err
		}
		a.schemaOf[name] = name
		names, plans = append(names, name), append(plans, plan)
	}
	views, err := answers.Plan(ctx, client, names...)
	return append(plans, views...), err
}

// selected is a table to look at.
type selected struct {
	table    ddl.Table
	schema   string // the schema whose table it is, or whose materialized view inserts into it
	optional bool   // it is all right when there is none
}

// selectTables returns the tables of the named schemas, or of all: then those of
// built-in schemas need not exist. The targets of materialized views come before
// the tables that the views read.
func selectTables(registry *schemas.Registry, names []string) ([]selected, error) {
	var own []string
	all := len(names) == 0
	if all {
		names, own = registry.Names(), ownNames(registry)
	}
	var tables []ddl.Table
	schemaOf := make(map[string]string, len(names))
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usageError(fmt.Errorf("schema %q is named twice", name))
		}
		table, err := tableOf(registry, name)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
		schemaOf[table.Name] = name
		for _, v := range table.Views {
			if v.Target != nil {
				schemaOf[v.Target.Name] = name
			}
		}
	}
	expanded, err := ddl.Expand(tables...)
	if err != nil {
		return nil, usageError(err)
	}
	out := make([]selected, len(expanded))
	for i, table := range expanded {
		schema := schemaOf[table.Name]
		out[i] = selected{table: table, schema: schema, optional: all && !slices.Contains(own, schema)}
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

// pending counts the statements of all plans.
func pending(plans []ddl.Plan) int {
	n := 0
	for _, p := range plans {
		n += len(p.Statements)
	}
	return n
}
