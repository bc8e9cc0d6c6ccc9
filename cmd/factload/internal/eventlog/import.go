package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/fact"
)

// NewImport makes the command import.
func NewImport(a *cli.App) *cobra.Command {
	var store string
	cmd := &cobra.Command{
		Use:   "import --store STORE FILE...",
		Short: "Add events of a raw log to a log",
		Long: `Add events, as export writes them, to the end of a log. IDs, sequences and times stay
what they are. Sequences have to grow in each stream. Events that are there already
are left out, so an import that was interrupted may be run again. FILE is as for load.`,
		Example: `  factload import --store sqlite:log.db events.jsonl.zst`,
		Args:    cli.NeedInput,
		RunE:    func(cmd *cobra.Command, args []string) error { return runImport(cmd.Context(), a, store, args) },
	}
	cmd.Flags().StringVar(&store, "store", "", storeHelp)
	return cmd
}

// Events are imported in batches of this many, and of about as many bytes.
const (
	importBatch = 1000
	importBytes = 8 << 20
)

func runImport(ctx context.Context, a *cli.App, name string, inputs []string) (err error) {
	store, err := openStore(ctx, name, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	var batch []fact.Event
	var read, added, size int
	flush := func() error {
		n, err := store.ImportEvents(ctx, batch)
		added += n
		batch, size = batch[:0], 0
		return err
	}
	for line, err := range bulk.Lines(ctx, inputs, a.In, int(a.Config.Load.MaxLineBytes)) {
		if err != nil {
			return err
		}
		e, err := parseLogged(line.Text)
		if err != nil {
			return fmt.Errorf("%s, line %d: not an event of the raw log: %w", line.File, line.Number, err)
		}
		read++
		batch = append(batch, e)
		if size += len(line.Text); len(batch) == importBatch || size > importBytes {
			if err := flush(); err != nil {
				return fmt.Errorf("%s, up to line %d: %w", line.File, line.Number, err)
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Notes(), "%s events: %s added, %s there already\n",
		show.Thousands(int64(read)), show.Thousands(int64(added)), show.Thousands(int64(read-added)))
	return err
}

// parseLogged reads all of an event, by the strict rules of replay.
func parseLogged(line []byte) (e fact.Event, err error) {
	if _, err = bulk.ParseEvent(line); err == nil {
		err = json.Unmarshal(line, &e) // which keeps data as it is
	}
	return e, err
}
