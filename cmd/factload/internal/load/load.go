// Package load is the commands for files and what has been loaded from them: infer, check, load,
// loads, schemas and sample.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/config"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/schemas"
)

var inputsHelp = `FILE is a file, a directory (all .jsonl and .ndjson files below it, compressed or
not), a pattern, or - for standard input. gzip, zstd, bzip2 and xz are recognised
by content, and so are the forms that rows come in: one JSON object a line, objects
that go over several lines, arrays of objects, Parquet, and CSV and TSV with a header
(or by the endings .csv and .tsv). --rows-at tells where in the JSON the rows are.

ZIP archives of such files are read too.

--from NAME loads what some programs and services write, without a schema:
` + strings.Join(FromNames(), ", ") + `.

A row is one of --schema, of a file given by --schemas, or as the database keeps it
from an earlier load; with one schema in the files it need not be named. Without
--schema, rows name their schema themselves: {"schema": ..., "data": {...}}, or an event of
the raw log.`

var loadLong = `Load JSONL files into ClickHouse. The table is created, or gets columns that are
missing, before its first row.

` + inputsHelp + `

Rows that do not fit the schema are rejected one by one; --rejects keeps them, with
file, line, field and reason, to be fixed and loaded again.

Loading is done once: the same command run again skips what is loaded already,
whether it has finished, was killed, or the file has grown since. What was rejected
is not tried again, and the exit code stays 3: --retry-rejected does so, when the
schema or the options have been fixed.

Exit codes: 0 all rows loaded; 1 failed, run it again when the cause is fixed;
2 wrong usage, configuration or schema; 3 finished, but some rows were rejected.`

// loadFlags are the flags that are not configuration keys.
type loadFlags struct {
	schema, format string
	force, changed bool
	retryRejected  bool
	json           bool

	from, rowsAt, fileColumn, pathPattern string
	set                                   []string
}

// NewLoad makes the command load.
func NewLoad(a *cli.App) *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use:   "load --schema NAME FILE...",
		Short: "Load JSONL files into ClickHouse",
		Long:  loadLong,
		Example: `  factload load --schema message messages.jsonl
  factload load --schemas my_schemas/ --schema my_table --rejects bad.jsonl 'logs/*.jsonl.gz'
  factload load --schemas eval.yaml --schema sample --rows-at samples log.json
  factload load --schemas eval.yaml --schema sample --path-pattern 'runs/{run}/*.jsonl' runs/
  zcat events.gz | factload load -`,
		Args: cli.NeedInput,
		RunE: func(cmd *cobra.Command, args []string) error { return runLoad(cmd.Context(), a, f, args) },
	}
	cli.AddServerFlags(cmd)
	addLoadFlags(cmd, &f)
	cmd.Flags().String("compression", "", "`method`: none, lz4 or zstd (default: none on this machine, else lz4)")
	config.Bind(cmd.Flags(), "compression", "load.compression")
	cmd.Flags().BoolVar(&f.force, "force", false, "load again what is loaded already: its rows are stored twice")
	cmd.Flags().BoolVar(&f.changed, "allow-changed", false, "go on where a file, or the schema of a stopped load, has changed")
	cmd.Flags().BoolVar(&f.retryRejected, "retry-rejected", false, "try the rows again that earlier loads of the inputs have rejected")
	return cmd
}

// NewCheck makes the command check.
func NewCheck(a *cli.App) *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use:   "check --schema NAME FILE...",
		Short: "Check JSONL files as load would, without loading them",
		Long: `Read files and check every row against its schema as load does, without
writing anything but the --rejects file. No server is needed, unless --schema is one
that no file has: then the database is asked for it.

` + inputsHelp,
		Example: `  factload check --schemas my_table.yaml --schema my_table data.jsonl`,
		Args:    cli.NeedInput,
		RunE:    func(cmd *cobra.Command, args []string) error { return runCheck(cmd.Context(), a, f, args) },
	}
	cli.AddServerFlags(cmd)
	addLoadFlags(cmd, &f)
	return cmd
}

// addLoadFlags adds the flags that load and check share.
func addLoadFlags(cmd *cobra.Command, f *loadFlags) {
	cli.AddSchemasFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.schema, "schema", "", "`name` of the schema of the rows")
	flags.StringVar(&f.format, "format", "auto", "what a line is: rows, facts, events or auto")
	flags.StringVar(&f.from, "from", "", "`name` of a form that is known, in the place of --schema")
	flags.StringVar(&f.rowsAt, "rows-at", "", "`path` in the JSON to the rows, such as items or runs.*.items")
	flags.StringArrayVar(&f.set, "set", nil, "give a column that is not in the rows a value: `name=value`")
	flags.StringVar(&f.fileColumn, "file-column", "", "`name` of a column for the path of the file")
	flags.StringVar(&f.pathPattern, "path-pattern", "", "`pattern` of paths, with columns in braces: 'runs/{run}/{task}_*.jsonl'")
	flags.BoolVar(&f.json, "json", false, "print the summary as one JSON object")
	flags.String("rejects", "", "`file` for rejected rows, one JSON object a line")
	flags.String("max-rejects", "", "stop when more rows than `N`, or than N%, are rejected (default: never)")
	flags.String("unknown-keys", "reject", "unknown keys: reject, ignore or collect:FIELD")
	flags.Int("workers", 0, "chunks decoded and inserted at once (0: one a core, and at least 2)")
	flags.String("chunk-bytes", "0", "`size` of one insert (0: 80MiB, or as --memory allows)")
	flags.String("memory", "0", "`size` to stay below (0: no bound)")
	flags.String("max-line-bytes", "16MiB", "`size` above which a line is rejected")
	for flag, key := range map[string]string{
		"rejects": "load.rejects", "max-rejects": "load.max_rejects", "unknown-keys": "load.unknown_keys",
		"workers": "load.workers", "chunk-bytes": "load.chunk_bytes", "max-line-bytes": "load.max_line_bytes",
		"memory": "load.memory",
	} {
		config.Bind(flags, flag, key)
	}
}

// runCheck runs the load without a server.
func runCheck(ctx context.Context, a *cli.App, f loadFlags, inputs []string) error {
	cfg, unknown, err := loadConfig(a, f, inputs)
	if err != nil {
		return err
	}
	if unknown != nil {
		if cfg.Targets, err = askedTargets(ctx, a, unknown, f.schema); err != nil {
			return err
		}
	}
	cfg.DryRun = true
	return runBulk(ctx, a, cfg, f.json)
}

// askedTargets asks the server, which a check does not need otherwise, for the schema.
func askedTargets(ctx context.Context, a *cli.App, unknown error, name string) (targets map[string]bulk.Target, err error) {
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return nil, cli.UnknownSchema(unknown, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return keptTargets(ctx, s.Client, unknown, name)
}

// runLoad finds or starts the server and loads the inputs.
func runLoad(ctx context.Context, a *cli.App, f loadFlags, inputs []string) (err error) {
	cfg, unknown, err := loadConfig(a, f, inputs)
	if err != nil {
		return err
	}
	options := []clickhouse.Option{clickhouse.WithLogger(a.Log)}
	if method := a.Config.Load.Compression; method != "" {
		options = append(options, clickhouse.WithCompression(method))
	}
	s, err := a.Connect(ctx, cli.Writing, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	cfg.Client = s.Client
	if unknown != nil {
		if cfg.Targets, err = keptTargets(ctx, cfg.Client, unknown, f.schema); err != nil {
			return err
		}
	}
	return runBulk(ctx, a, cfg, f.json)
}

// bulkConfig turns flags and configuration into that of the load. A schema that no file
// has is unknown, and may be one that the database keeps.
func bulkConfig(a *cli.App, f loadFlags, inputs []string) (cfg bulk.Config, unknown, err error) {
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	c := a.Config.Load
	format, err := bulk.ParseFormat(f.format)
	note(err)
	set, err := settings(f.set)
	note(err)
	limit, err := bulk.ParseRejectLimit(c.MaxRejects)
	note(err)
	if err := errors.Join(errs...); err != nil {
		return bulk.Config{}, nil, cli.UsageError(err)
	}
	targets, only, unknown, err := targets(a, f.schema)
	if err != nil {
		return bulk.Config{}, nil, err
	}
	return bulk.Config{
		DefaultSchema: only,
		Targets:       targets,
		Inputs:        inputs,
		Stdin:         a.In,
		Format:        format,
		Schema:        f.schema,
		RowsAt:        f.rowsAt,
		Set:           set,
		FileColumn:    f.fileColumn,
		PathPattern:   f.pathPattern,
		Decode:        decodeOptions(c.UnknownKeys),
		MaxLineBytes:  int(c.MaxLineBytes),
		Rejects:       c.Rejects,
		MaxRejects:    limit,
		Force:         f.force,
		AllowChanged:  f.changed,
		RetryRejected: f.retryRejected,
		Workers:       c.Workers,
		ChunkBytes:    int(c.ChunkBytes),
		Memory:        int64(c.Memory),
		Logger:        a.Log,
	}, unknown, nil
}

// settings reads what --set has been given.
func settings(given []string) (map[string]string, error) {
	set := make(map[string]string, len(given))
	for _, s := range given {
		name, value, ok := strings.Cut(s, "=")
		if _, twice := set[name]; !ok || name == "" || twice {
			return nil, fmt.Errorf("--set %s: write name=value, once for each name", s)
		}
		set[name] = value
	}
	return set, nil
}

// targets returns where rows may go: into the named schema, or into every known one. Of
// these, only is the one that is from a file, if there is just one. A schema that is not
// known is no error here.
func targets(a *cli.App, schema string) (targets map[string]bulk.Target, only string, unknown, err error) {
	registry, err := a.Registry()
	if err != nil {
		return nil, "", nil, err
	}
	defs := registry.All()
	if schema != "" {
		def, err := registry.Get(schema)
		if err != nil {
			return nil, "", err, nil
		}
		defs = []schemas.Definition{def}
	}
	targets = make(map[string]bulk.Target, len(defs))
	own := 0
	for _, def := range defs {
		text, err := definitionText(def)
		if err != nil {
			return nil, "", nil, cli.UsageError(err)
		}
		if text != "" {
			only = def.Schema.Name
			own++
		}
		targets[def.Schema.Name] = bulk.Target{Schema: def.Schema, Table: def.Table, Definition: text}
	}
	if own != 1 || schema != "" {
		only = ""
	}
	return targets, only, nil, nil
}

func decodeOptions(unknownKeys string) block.Options {
	switch field, collect := strings.CutPrefix(unknownKeys, "collect:"); {
	case collect:
		return block.Options{UnknownKeys: block.CollectUnknown, CollectInto: field}
	case unknownKeys == "ignore":
		return block.Options{UnknownKeys: block.IgnoreUnknown}
	default:
		return block.Options{UnknownKeys: block.RejectUnknown}
	}
}

// runBulk runs a load or a check, shows its progress and prints its summary.
func runBulk(ctx context.Context, a *cli.App, cfg bulk.Config, asJSON bool) error {
	p := &progress{line: a.Err, log: a.Log}
	cfg.Progress = p.show
	defer collectEarly()()
	summary, err := bulk.Load(ctx, cfg)
	a.Err.Set("")
	if errors.Is(err, bulk.ErrNoSchema) {
		err = fmt.Errorf("%w (the flag is --schema)", err)
	}
	if errors.Is(err, bulk.ErrConfig) || errors.Is(err, bulk.ErrWrongSchema) {
		return cli.UsageError(err)
	}
	out := a.Notes()
	if asJSON {
		out = a.Out
	}
	r := printer{out: out, err: a.Err, dryRun: cfg.DryRun, failed: err != nil, rejects: cfg.Rejects, each: show.IsTerminal(a.Out)}
	if printErr := r.write(summary, asJSON); printErr != nil {
		return errors.Join(err, fmt.Errorf("print summary: %w", printErr))
	}
	var refused *diff.RefusedError
	switch {
	case errors.As(err, &refused) && len(refused.Permissions()) > 0:
		name := cmp.Or(cfg.Schema, cfg.DefaultSchema, refused.Table)
		err = fmt.Errorf("%w:\n  %s", err, a.ApplyCommand(refused.Permissions(), nil, []string{name}))
	case errors.Is(err, bulk.ErrChanged):
		err = fmt.Errorf("%w (the flags are --allow-changed and --force)", err)
	case errors.Is(err, bulk.ErrRulesChanged):
		err = fmt.Errorf("%w (the flag is --allow-changed)", err)
	}
	if err == nil && summary.Rejected+summary.SkippedRejected > 0 {
		return cli.ErrRejected
	}
	return err
}

// collectPercent is how much garbage a load leaves, in percent of the memory in
// use: little, since that is large and cheap to look through.
const collectPercent = 20

// collectEarly keeps the memory of a load near what it needs, unless GOGC says
// otherwise. The function that is returned undoes it.
func collectEarly() (undo func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	was := debug.SetGCPercent(collectPercent)
	return func() { debug.SetGCPercent(was) }
}
