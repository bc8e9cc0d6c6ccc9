package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

func newReplay(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Store the facts of a log that their tables lack",
		Long: `Read events of the raw log, one JSON object a line, and store the facts whose IDs
are not in their tables yet. It heals tables that lack facts which the log has, and
may be repeated: nothing is stored twice. Tables are created, or get columns that
are missing, before the first row.

The schemas of the facts need a field that carries the fact's ID (fact_id: true).
Events whose type is no schema are skipped and counted. FILE is as for load.

Unlike load, which remembers what it has read, replay asks the tables.

Exit codes: 0 all facts are in their tables; 1 failed, run it again when the cause is
mended; 2 wrong usage, configuration or schema; 3 finished, but some events were no
facts of their schema.`,
		Example: `  factload replay events.jsonl
  factload replay --schemas my_schemas/ 'log/*.jsonl.gz'`,
		Args: needInput,
		RunE: func(cmd *cobra.Command, args []string) error { return a.replay(cmd.Context(), args, asJSON) },
	}
	addServerFlags(cmd)
	addSchemasFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	return cmd
}

func (a *app) replay(ctx context.Context, inputs []string, asJSON bool) (err error) {
	registry, err := a.registry()
	if err != nil {
		return err
	}
	s, err := a.openServer(ctx, writing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	tables := make(map[string]ddl.Options)
	for _, def := range registry.All() {
		tables[def.Schema.Name] = def.Table
	}
	client, err := s.open()
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := clickhouse.New(clickhouse.Config{Client: client, Tables: tables, Logger: a.log})
	if err != nil {
		return usageError(err)
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()

	const shown = 10 // refused events
	refused := 0
	done, err := m.Replay(ctx, a.events(ctx, m, registry, inputs), func(e fact.Event, err error) {
		if refused++; refused <= shown {
			fmt.Fprintf(a.err, "event %q of type %q: %v\n", e.ID, e.Type, err)
		}
	})
	if refused > shown {
		fmt.Fprintf(a.err, "and %s more\n", thousands(int64(refused-shown)))
	}
	if err != nil && done.Events == 0 && !asJSON {
		return err // it says it all
	}
	if printErr := a.printReplayed(done, asJSON); err == nil {
		err = printErr
	}
	if err == nil && done.Rejected > 0 {
		return errRejected
	}
	return err
}

// events reads the inputs. Before the first event of a schema, its table is made
// ready.
func (a *app) events(ctx context.Context, m *clickhouse.Materializer, registry *schemas.Registry, inputs []string) iter.Seq2[fact.Event, error] {
	return func(yield func(fact.Event, error) bool) {
		ready := make(map[string]bool)
		for line, err := range bulk.Lines(ctx, inputs, a.in, int(a.cfg.Load.MaxLineBytes)) {
			var e fact.Event
			if err == nil {
				if e, err = bulk.ParseEvent(line.Text); err != nil {
					err = fmt.Errorf("%s, line %d: not an event of the raw log: %w", line.File, line.Number, err)
				}
			}
			if def, unknown := registry.Get(e.Type); err == nil && unknown == nil && !ready[e.Type] {
				ready[e.Type] = true
				err = m.EnsureSchema(ctx, def.Schema)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (a *app) printReplayed(done clickhouse.Replayed, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.out).Encode(map[string]int64{
			"events": done.Events, "stored": done.Stored, "present": done.Present, "skipped": done.Skipped, "rejected": done.Rejected,
		})
	}
	text := fmt.Sprintf("%s events: %s stored, %s there already", thousands(done.Events), thousands(done.Stored), thousands(done.Present))
	if done.Skipped > 0 {
		text += fmt.Sprintf(", %s of types that are no schema", thousands(done.Skipped))
	}
	if done.Rejected > 0 {
		text += fmt.Sprintf(", %s rejected", thousands(done.Rejected))
	}
	_, err := fmt.Fprintln(a.out, text)
	return err
}
