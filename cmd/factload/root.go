package main

import (
	"github.com/spf13/cobra"
)

const rootLong = `Factload loads JSONL files of facts into ClickHouse, and asks questions about them.

A schema, written once in YAML, decides the table, the validation and the
decoding; infer writes a first one from a file. Without a server it runs a real ClickHouse engine of its own, with its
data below .factload: nothing has to be installed or started by hand.

Configuration comes from config.yaml in the working directory (or --config),
then FACTLOAD_* environment variables, then flags; the last one wins.

Exit codes: 0 all done; 1 failed; 2 wrong usage, configuration or schema;
3 finished, but some rows were rejected; 4 a table differs from its schema (plan,
verify).`

const rootExample = `  factload sample --schema message --rows 1000 > messages.jsonl
  factload load --schema message messages.jsonl
  factload query "SELECT model, count() FROM message GROUP BY model"`

// newRoot builds the command tree over a.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:               "factload",
		Short:             "Load JSONL facts into ClickHouse and query them",
		Long:              rootLong,
		Example:           rootExample,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.configure,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(withHelp(cmd, flagError(err)))
	})
	flags := root.PersistentFlags()
	flags.String("config", "", "configuration `file` (default config.yaml if it is there; none reads no file)")
	flags.String("log-level", "info", "what to log: debug, info, warn or error")
	bind(flags, "log-level", "log.level")

	root.AddCommand(
		newInfer(a), newLoad(a), newLoads(a), newCheck(a), newDDL(a), newPlan(a), newApply(a), newVerify(a), newQuery(a), newReplay(a),
		newServe(a), newSample(a), newVersion(a),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, cmd := range append(root.Commands(), root) {
		cmd.Args = usageArgs(cmd.Args)
	}
	return root
}

// usageArgs makes wrong arguments usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		if err := check(cmd, args); err != nil {
			return usageError(withHelp(cmd, err))
		}
		return nil
	}
}

// addServerFlags adds the flags of the commands that need an engine.
func addServerFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("dsn", "embedded:", "which `server`: embedded: (an engine of its own), clickhouse://user:password@host:9000/database or http://user:password@host:8123/database")
	flags.String("dsn-file", "", "`file` whose first line is the DSN, as factload serve writes it; wins over --dsn")
	flags.String("data", ".factload/data", "data `directory` of the embedded engine")
	bind(flags, "dsn", "dsn")
	bind(flags, "dsn-file", "dsn_file")
	bind(flags, "data", "engine.data")
}

// addSchemasFlag adds the flag that names further schemas.
func addSchemasFlag(cmd *cobra.Command) {
	cmd.Flags().StringSlice("schemas", nil, "YAML `file or directory` with your schemas, beside the built-in ones (may be repeated)")
	bind(cmd.Flags(), "schemas", "schemas")
}
