package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/schemas"
)

func newDDL(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ddl [SCHEMA...]",
		Short: "Print the CREATE statements of schemas",
		Long: `Print the statements that create the tables and materialized views of the named
schemas. Without names it is those of your own schemas, which --schemas names, or
else of the built-in ones. Nothing is connected to and nothing is changed.`,
		Example: `  factload ddl message
  factload ddl --schemas my_schemas/ my_table`,
		RunE: func(_ *cobra.Command, names []string) error { return a.printDDL(names) },
	}
	addSchemasFlag(cmd)
	return cmd
}

func (a *app) printDDL(names []string) error {
	registry, err := a.registry()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = ownNames(registry)
	}
	if len(names) == 0 {
		names = registry.Names()
	}
	tables, err := selectTables(registry, names)
	if err != nil {
		return err
	}
	first := true
	for _, t := range tables {
		for _, s := range ddl.MakePlan(t.table, nil).Statements {
			if !first {
				fmt.Fprintln(a.out)
			}
			first = false
			if _, err := fmt.Fprintf(a.out, "%s;\n", s.SQL); err != nil {
				return err
			}
		}
	}
	return nil
}

// tableOf returns the table that the named schema becomes.
func tableOf(registry *schemas.Registry, name string) (ddl.Table, error) {
	def, err := registry.Get(name)
	if err != nil {
		return ddl.Table{}, usageError(err)
	}
	table, err := ddl.NewTable(def.Schema, def.Table)
	if err != nil {
		return ddl.Table{}, usageError(fmt.Errorf("%s: %w", def.Source, err))
	}
	return table, nil
}
