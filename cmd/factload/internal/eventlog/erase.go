package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/erase"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// eraseFlags say what is erased, and where.
type eraseFlags struct {
	schema, store, subject, where string
	ids, rejects, serverLogs      []string
	expired, yes, asJSON          bool
}

// NewErase makes the command erase.
func NewErase(a *cli.App) *cobra.Command {
	var f eraseFlags
	cmd := &cobra.Command{
		Use:   "erase --schema NAME (--id ID | --subject FIELD=VALUE | --where SQL | --expired)",
		Short: "Erase facts from the log, the tables and rejects files",
		Long: `Erase facts of a schema, such as those of a person who asks for it: from the log
(--store), from the table, from the tables that rebuilds have kept, from the targets
of materialized views that have the facts' IDs or the field, from the table of the
events, and from rejects files of loads (--rejects). At the end it looks for them in
each place and says how many it has found there: none, or the exit code is 1.

Without --yes it only counts, and erases nothing.

The facts are those with the IDs; or those whose field has the value; or those whose
rows meet a condition in SQL, for which the log has to be replayed first, since facts
without a row do not meet it. The schema needs a field that carries the fact's ID.

Or they are those that --expired finds: older than the retention of the schema,
clickhouse: {retention: {field: created_at, days: 365}}. Rows go by the field, as
they do by the TTL of their table, and events of the log by their time. Run it daily.

It may be killed at any moment and run again, until it has come to its end. Nothing
of the facts is left in the files of the log and of the tables then. Targets of views
that have only sums are named: what the facts have added to them stays. IDs and values
are in no statement's text, so that no server logs them; the condition of --where is.
The log of an embedded engine is emptied, and so are the files that --server-log names,
since statements of others may be in them.

Not covered: ` + strings.Join(erase.NotCovered(), ";\n") + `.

Services that record or follow the log may go on, but for a log in SQLite, which has
one writer. What they record of the subject meanwhile may be missed.`,
		Example: `  factload erase --schema message --subject user_id=u-17 --store sqlite:log.db
  factload erase --schema message --subject user_id=u-17 --store sqlite:log.db --yes --json
  factload erase --schema message --expired --store sqlite:log.db --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runErase(cmd.Context(), a, f) },
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.schema, "schema", "", "schema of the facts")
	flags.StringArrayVar(&f.ids, "id", nil, "ID of a fact; repeatable")
	flags.StringVar(&f.subject, "subject", "", "`FIELD=VALUE` of the facts")
	flags.StringVar(&f.where, "where", "", "condition in SQL over the columns of the table")
	flags.BoolVar(&f.expired, "expired", false, "facts older than the schema's retention")
	flags.StringVar(&f.store, "store", "", storeHelp)
	flags.StringArrayVar(&f.rejects, "rejects", nil, "rejects file of a load; repeatable")
	flags.StringArrayVar(&f.serverLogs, "server-log", nil, "log `file` of a server, to be emptied; repeatable")
	flags.BoolVar(&f.yes, "yes", false, "erase, and not only count")
	flags.BoolVar(&f.asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

func runErase(ctx context.Context, a *cli.App, f eraseFlags) (err error) {
	registry, err := a.Registry()
	if err != nil {
		return err
	}
	def, err := registry.Get(f.schema)
	if err != nil {
		return cli.UsageError(err)
	}
	c := erase.Config{
		Schema: def.Schema, IDs: f.ids, Where: f.where, Expired: f.expired, Rejects: f.rejects, DryRun: !f.yes,
		Progress: func(what string) { a.Log.Info("erasing", "place", what) },
	}
	if f.subject != "" {
		var ok bool
		if c.Field, c.Value, ok = strings.Cut(f.subject, "="); !ok {
			return cli.UsageError(errors.New("--subject wants FIELD=VALUE"))
		}
	}
	if err := c.Validate(); err != nil {
		return cli.UsageError(err)
	}
	s, err := a.Connect(ctx, cli.Writing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	c.Client = s.Client
	if c.ServerLogs = f.serverLogs; s.Use != nil {
		own, err := embedded.LogFiles(s.Dir)
		if err != nil {
			return err
		}
		c.ServerLogs = append(c.ServerLogs, own...)
	}
	if f.store != "" {
		store, err := openStore(ctx, f.store, c.DryRun)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
		c.Log = store
	}
	report, err := erase.Run(ctx, c)
	if err != nil {
		return err
	}
	if err := printErased(a, report, f.asJSON); err != nil {
		return err
	}
	if left := report.Left(); left > 0 && !report.DryRun {
		return fmt.Errorf("%s left: run it again", show.Thousands(int64(left))) //nolint:gosec // a count
	}
	return nil
}

func printErased(a *cli.App, r erase.Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(r)
	}
	count := func(n uint64) string { return show.Thousands(int64(n)) } //nolint:gosec // a count
	for _, p := range r.Places {
		place := strings.TrimSpace(p.Kind + " " + p.Name)
		if p.Host != "" {
			place += " on " + p.Host
		}
		if r.DryRun {
			fmt.Fprintf(a.Out, "%s: %s of %s would be erased\n", place, count(p.Left), count(p.LookedAt))
		} else {
			fmt.Fprintf(a.Out, "%s: %s of %s erased, %s left\n", place, count(p.Erased), count(p.LookedAt), count(p.Left))
		}
	}
	for _, name := range r.Sums {
		fmt.Fprintf(a.Out, "view %s: has sums only, which stay\n", name)
	}
	for _, path := range r.Emptied {
		fmt.Fprintf(a.Out, "server log %s: emptied\n", path)
	}
	if r.DryRun {
		fmt.Fprintln(a.Out, "nothing was erased: --yes erases")
	}
	for _, place := range r.NotCovered {
		fmt.Fprintf(a.Out, "not covered: %s\n", place)
	}
	return nil
}
