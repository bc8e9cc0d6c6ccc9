// Package eventlog is the commands for raw logs of events: replay, export and import.
package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// NewReplay makes the command replay.
func NewReplay(a *cli.App) *cobra.Command {
	var asJSON bool
	var from logReplay
	cmd := &cobra.Command{
		Use:   "replay FILE... | --store STORE",
		Short: "Store the facts of a log that their tables lack",
		Long: `Read events of the raw log, one JSON object a line, and store the facts whose IDs
are not in their tables yet. It heals tables that lack facts which the log has, and
may be repeated: nothing is stored twice. Tables are created, or get columns that
are missing, before the first row.

The schemas of the facts need a field that carries the fact's ID (fact_id: true).
Events whose type is no schema are skipped and counted. FILE is as for load.

Unlike load, which remembers what it has read, replay asks the tables. With --store
it reads the log itself, which may be in use, says every ten seconds how far it is,
and when it is interrupted, from which position to go on.

With --schema it stores only the facts of the schemas that are named. The built-in
schema event, which has to be named and needs --store, has the events themselves as
rows, of whatever type: place, position, stream, category, sequence, event_id, type,
data, metadata and occurred_at.

Exit codes: 0 all facts are in their tables; 1 failed, run it again when the cause is
fixed; 2 wrong usage, configuration or schema; 3 finished, but some events were no
facts of their schema.`,
		Example: `  factload replay events.jsonl
  factload replay --schemas my_schemas/ 'log/*.jsonl.gz'
  factload replay --store sqlite:log.db
  factload replay --store sqlite:log.db --schema event`,
		Args: func(cmd *cobra.Command, args []string) error {
			if from.store != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cli.NeedInput(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runReplay(cmd.Context(), a, &from, args, asJSON) },
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	cmd.Flags().StringVar(&from.store, "store", "", storeHelp)
	cmd.Flags().StringArrayVar(&from.schemas, "schema", nil, "only facts of this schema; repeatable")
	cmd.Flags().Int64Var(&from.position, "from", 0, "with --store: begin after this position of the log")
	return cmd
}

func runReplay(ctx context.Context, a *cli.App, from *logReplay, inputs []string, asJSON bool) (err error) {
	registry, err := from.registry(a)
	if err != nil {
		return err
	}
	s, err := a.Connect(ctx, cli.Writing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tables := make(map[string]ddl.Options)
	for _, def := range registry.All() {
		tables[def.Schema.Name] = def.Table
	}
	m, err := clickhouse.New(clickhouse.Config{Client: s.Client, Tables: tables, Logger: a.Log})
	if err != nil {
		return cli.UsageError(err)
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()

	events := readEvents(ctx, a, m, registry, inputs)
	if from.store != "" {
		store, err := openStore(ctx, from.store, true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
		events = from.events(ctx, a, m, registry, store)
	}
	const shown = 10 // refused events
	refused := 0
	done, err := m.Replay(ctx, events, func(e fact.Event, err error) {
		if refused++; refused <= shown {
			fmt.Fprintf(a.Err, "event %q of type %q: %v\n", e.ID, e.Type, err)
		}
	})
	if refused > shown {
		fmt.Fprintf(a.Err, "and %s more\n", show.Thousands(int64(refused-shown)))
	}
	if err != nil && from.store != "" {
		// Of the events that were read, some may be stored and some not.
		a.Log.Info("replay stopped: the log can be replayed from here on", "from", from.done)
	}
	if err != nil && done.Events == 0 && !asJSON {
		return err // it says it all
	}
	if printErr := printReplayed(a, done, asJSON); err == nil {
		err = printErr
	}
	if err == nil && done.Rejected > 0 {
		return cli.ErrRejected
	}
	return err
}

// readEvents reads the inputs. Before the first event of a schema, its table is made
// ready.
func readEvents(ctx context.Context, a *cli.App, m *clickhouse.Materializer, registry *schemas.Registry, inputs []string) iter.Seq2[fact.Event, error] {
	return func(yield func(fact.Event, error) bool) {
		ready := make(map[string]bool)
		for line, err := range bulk.Lines(ctx, inputs, a.In, int(a.Config.Load.MaxLineBytes)) {
			var e fact.Event
			if err == nil {
				if e, err = bulk.ParseEvent(line.Text); err != nil {
					err = fmt.Errorf("%s, line %d: not an event of the raw log: %w", line.File, line.Number, err)
				}
			}
			if def, unknown := registry.Get(e.Type); err == nil && unknown == nil && !ready[e.Type] {
				ready[e.Type] = true
				err = ensureToReplay(ctx, m, def.Schema)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func printReplayed(a *cli.App, done clickhouse.Replayed, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(map[string]int64{
			"events": done.Events, "stored": done.Stored, "present": done.Present, "skipped": done.Skipped, "rejected": done.Rejected,
		})
	}
	text := fmt.Sprintf("%s events: %s stored, %s there already", show.Thousands(done.Events), show.Thousands(done.Stored), show.Thousands(done.Present))
	if done.Skipped > 0 {
		text += fmt.Sprintf(", %s of types that are no schema", show.Thousands(done.Skipped))
	}
	if done.Rejected > 0 {
		text += fmt.Sprintf(", %s rejected", show.Thousands(done.Rejected))
	}
	_, err := fmt.Fprintln(a.Notes(), text)
	return err
}

// ensureToReplay makes a table ready. One that cannot or may not be changed as its
// schema says stays as it is, which the Materializer has logged, and takes facts if its columns hold
// them.
func ensureToReplay(ctx context.Context, m *clickhouse.Materializer, s fact.Schema) error {
	err := m.EnsureSchema(ctx, s)
	if errors.As(err, new(*migrate.UnchangedError)) {
		return nil
	}
	return err
}
