package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/load"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/schemas"
)

// choices are the values of flags that have few, by command and flag. Flags of all commands stand
// below factload.
func choices() map[string]map[string][]string {
	hazards := make([]string, 0, len(ddl.Hazards()))
	for _, h := range ddl.Hazards() {
		hazards = append(hazards, h.String())
	}
	forms := map[string][]string{
		"format": {"auto", "rows", "facts", "events"}, "unknown-keys": {"reject", "ignore", "collect:"}, "from": load.FromNames(),
	}
	return map[string]map[string][]string{
		"factload": {"log-format": {"text", "json"}, "log-level": {"debug", "info", "warn", "error"}},
		"load":     forms,
		"check":    forms,
		"apply":    {"allow": hazards},
		"compare":  {"format": {"text", "markdown", "json"}},
		"query": {"chart": htmlreport.Marks(), "format": {
			"PrettyCompact", "Vertical", "CSVWithNames", "TSVWithNames", "JSON", "JSONEachRow", "Markdown", "Parquet", "Arrow",
		}},
	}
}

// bySchema are the commands whose arguments are schemas.
var bySchema = map[string]bool{"ddl": true, "plan": true, "apply": true, "verify": true, "schemas": true}

// completeValues lets a shell complete the values of flags, and the names of schemas.
func completeValues(a *cli.App, root *cobra.Command) {
	for _, cmd := range append(root.Commands(), root) {
		for flag, values := range choices()[cmd.Name()] {
			complete(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
		if cmd.Flags().Lookup("schema") != nil {
			complete(cmd, "schema", schemaNames(a))
		}
		if bySchema[cmd.Name()] {
			cmd.ValidArgsFunction = schemaNames(a)
		}
	}
}

// complete gives a flag its completion. It panics when there is no such flag.
func complete(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(err)
	}
}

// schemaNames completes the names of the schemas that the command knows by its configuration.
func schemaNames(a *cli.App) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var registry *schemas.Registry
		err := a.Configure(cmd, nil) // nothing else has read it when a shell asks
		if err == nil {
			slices.Sort(a.Config.Schemas) // flags have been read twice by now
			a.Config.Schemas = slices.Compact(a.Config.Schemas)
			registry, err = a.Registry()
		}
		if err != nil {
			cobra.CompErrorln(err.Error())
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, def := range registry.All() {
			names = append(names, def.Schema.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
