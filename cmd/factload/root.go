package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/config"
	"github.com/factload/factload/cmd/factload/internal/engine"
	"github.com/factload/factload/cmd/factload/internal/eventlog"
	"github.com/factload/factload/cmd/factload/internal/load"
	"github.com/factload/factload/cmd/factload/internal/query"
	"github.com/factload/factload/cmd/factload/internal/tables"
	"github.com/factload/factload/internal/suggest"
)

//nolint:gosec // no password, but where to write one
const rootLong = `Factload loads JSONL files of facts into ClickHouse, and asks questions about them.

A schema, written once in YAML, decides the table, the validation and the
decoding; infer writes a first one from a file. Without a server it runs a real
ClickHouse engine of its own, with its data below .factload: nothing has to be
installed or started by hand, and commands that run at the same time share it. --dsn
chooses another server, by a DSN such as
clickhouse://USER:PASSWORD@HOST:9000/DATABASE or http://USER:PASSWORD@HOST:8123/DATABASE.

Configuration comes from config.yaml in the working directory (or --config),
then FACTLOAD_* environment variables, then flags; the last one wins.

Exit codes: 0 all done; 1 failed; 2 wrong usage, configuration or schema;
3 finished, but some rows were rejected; 4 a table differs from its schema (plan,
verify); 5 a condition of compare --fail-if holds; 130 and 143 interrupted by Ctrl-C
(SIGINT) or by SIGTERM.`

const rootExample = `  factload sample --schema message --rows 1000 > messages.jsonl
  factload load --schema message messages.jsonl
  factload query "SELECT model, count() FROM message GROUP BY model"`

// newRoot builds the command tree over a.
func newRoot(a *cli.App) *cobra.Command {
	root := &cobra.Command{
		Use:               "factload",
		Short:             "Load JSONL facts into ClickHouse and query them",
		Long:              rootLong,
		Example:           rootExample,
		Version:           versionText(),
		Args:              noCommand,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.Configure,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return cli.UsageError(cli.WithHelp(cmd, config.FlagError(err)))
	})
	flags := root.PersistentFlags()
	flags.String("config", "", "configuration `file`, or none (default: config.yaml, if it is there)")
	flags.String("log-level", "info", "what to log: debug, info, warn or error")
	flags.String("log-format", "text", "how to write logs and errors: text or json")
	flags.BoolVar(&a.Quiet, "quiet", false, "print nothing but answers, what was rejected, and errors")
	config.Bind(flags, "log-level", "log.level")
	config.Bind(flags, "log-format", "log.format")

	root.AddCommand(
		// Files and what has been loaded.
		load.NewInfer(a),
		load.NewCheck(a),
		load.NewLoad(a),
		load.NewLoads(a),
		load.NewSchemas(a),
		load.NewSample(a),

		// Tables and their schemas.
		tables.NewDDL(a),
		tables.NewPlan(a),
		tables.NewApply(a),
		tables.NewVerify(a),
		tables.NewGrants(a),

		// Questions and answers.
		query.NewQuery(a),
		query.NewCompare(a),
		query.NewReport(a),
		query.NewMCP(a),

		// Logs of events.
		eventlog.NewReplay(a),
		eventlog.NewExport(a),
		eventlog.NewImport(a),
		eventlog.NewErase(a),

		// Engines and servers.
		engine.NewServe(a),
		engine.NewEngine(a),
		engine.NewStatus(a),
		engine.NewDoctor(a),
		engine.NewBackup(a),
		engine.NewRestore(a),
		engine.NewMove(a),

		newVersion(a),
		newMan(a),
	)
	root.SetVersionTemplate(versionLine())
	root.Flags().Bool("version", false, "print the version")
	root.SetHelpCommand(newHelp())
	root.SuggestionsMinimumDistance = 2
	completeValues(a, root)
	for _, cmd := range append(root.Commands(), root) {
		cmd.Args = cli.UsageArgs(cmd.Args)
	}
	return root
}

// noCommand is the error for arguments of factload itself: what is no command.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() {
			names = append(names, cmd.Name())
		}
	}
	hint := suggest.DidYouMean(args[0], names)
	if hint == "" {
		hint = ": the commands are " + strings.Join(names, ", ")
	}
	return fmt.Errorf("unknown command %q%s", args[0], hint)
}

// newHelp is the command help, which reads no configuration.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND]",
		Short:             "Print the help of a command",
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = noCommand(cmd.Root(), rest)
			}
			if err != nil {
				return cli.UsageError(cli.WithHelp(cmd.Root(), err))
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}
