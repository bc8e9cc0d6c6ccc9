package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/schemas"
)

func newDDL(a *app) *cobra.Command {
	var yaml bool
	cmd := &cobra.Command{
		Use:   "ddl [SCHEMA...]",
		Short: "Print the CREATE statements of schemas",
		Long: `Print the statements that create the tables and materialized views of the named
schemas. Without names it is those of your own schemas, which --schemas names, or
else of the built-in ones. With --yaml print the schemas themselves, as a file that
--schemas reads: one that is changed takes the place of the built-in schema of its
name. Nothing is connected to and nothing is changed.`,
		Example: `  factload ddl message
  factload ddl --yaml message > message.yaml
  factload ddl --schemas my_schemas/ my_table`,
		RunE: func(_ *cobra.Command, names []string) error { return a.printDDL(names, yaml) },
	}
	cmd.Flags().BoolVar(&yaml, "yaml", false, "print the schemas as YAML")
	addSchemasFlag(cmd)
	return cmd
}

func (a *app) printDDL(names []string, yaml bool) error {
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
	if yaml {
		return a.printYAML(registry, names)
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

// printYAML prints definitions as one file.
func (a *app) printYAML(registry *schemas.Registry, names []string) error {
	var text []byte
	for i, name := range names {
		def, err := registry.Get(name)
		if err != nil {
			return usageError(err)
		}
		if i > 0 {
			text = append(text, "---\n"...)
		}
		if text, err = schemas.AppendYAML(text, def, schemas.Comments{}); err != nil {
			return err
		}
	}
	_, err := a.out.Write(text)
	return err
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
