package tables

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/schemas"
)

// NewDDL makes the command ddl.
func NewDDL(a *cli.App) *cobra.Command {
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
		RunE: func(_ *cobra.Command, names []string) error { return printDDL(a, names, yaml) },
	}
	cmd.Flags().BoolVar(&yaml, "yaml", false, "print the schemas as YAML")
	cli.AddSchemasFlag(cmd)
	return cmd
}

func printDDL(a *cli.App, names []string, yaml bool) error {
	registry, err := a.Registry()
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
		return printYAML(a, registry, names)
	}
	tables, err := selectTables(registry, names, nil)
	if err != nil {
		return err
	}
	first := true
	for _, t := range tables {
		for _, s := range diff.MakePlan(t.table, nil).Statements {
			if !first {
				fmt.Fprintln(a.Out)
			}
			first = false
			if _, err := fmt.Fprintf(a.Out, "%s;\n", s.SQL); err != nil {
				return err
			}
		}
	}
	return nil
}

// printYAML prints definitions as one file.
func printYAML(a *cli.App, registry *schemas.Registry, names []string) error {
	var text []byte
	for i, name := range names {
		def, err := registry.Get(name)
		if err != nil {
			return cli.UsageError(err)
		}
		if i > 0 {
			text = append(text, "---\n"...)
		}
		if text, err = schemas.AppendYAML(text, def, schemas.Comments{}); err != nil {
			return err
		}
	}
	_, err := a.Out.Write(text)
	return err
}

// tableOf returns the table that the named schema becomes.
func tableOf(registry *schemas.Registry, name string) (ddl.Table, error) {
	def, err := registry.Get(name)
	if err != nil {
		return ddl.Table{}, cli.UsageError(err)
	}
	table, err := ddl.NewTable(def.Schema, def.Table)
	if err != nil {
		return ddl.Table{}, cli.UsageError(fmt.Errorf("%s: %w", def.Source, err))
	}
	return table, nil
}
