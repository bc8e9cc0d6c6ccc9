package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// NewLoads makes the command loads.
func NewLoads(a *cli.App) *cobra.Command {
	var schema string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "loads",
		Short: "List what has been loaded",
		Long: `List the loads that the database's ledger knows, the oldest first: when each began
and how long it took, its files, the rows that it loaded and rejected, and its state:

  complete     all inputs were loaded to their ends
  continued    it ended before its end, and the same load, run again, is complete
  unfinished   it is running, or ended before its end: run the same load again

Rows, rejected and size are what the load itself has loaded, without what was
skipped. A load that had nothing to do is not in the list.`,
		Example: `  factload loads
  factload loads --schema message --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listLoads(cmd.Context(), a, schema, asJSON) },
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().StringVar(&schema, "schema", "", "only loads by --schema with this `name`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each load")
	return cmd
}

func listLoads(ctx context.Context, a *cli.App, schema string, asJSON bool) (err error) {
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	records, err := bulk.Loads(ctx, s.Client)
	if err != nil {
		return err
	}
	if schema != "" {
		records = slices.DeleteFunc(records, func(r bulk.LoadRecord) bool { return r.Schema != schema })
	}
	if asJSON {
		enc := json.NewEncoder(a.Out)
		for i := range records {
			if err := enc.Encode(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return printLoads(a, records, schema)
}

// printLoads writes the loads as a table, and what is to be done about them.
func printLoads(a *cli.App, records []bulk.LoadRecord, schema string) error {
	if len(records) == 0 {
		text := "nothing has been loaded into this database"
		if schema != "" {
			text = fmt.Sprintf("no load of schema %q", schema)
		}
		_, err := fmt.Fprintln(a.Out, text)
		return err
	}
	g := show.Grid{Columns: []show.Column{
		{Name: "started (UTC)"},
		{Name: "took", Right: true},
		{Name: "state"},
		{Name: "schema"},
		{Name: "rows", Right: true},
		{Name: "rejected", Right: true},
		{Name: "size", Right: true},
		{Name: "files"},
	}}
	unfinished := 0
	for i := range records {
		r := &records[i]
		state := string(r.State)
		if r.Forced {
			state += ", forced"
		}
		if r.State == bulk.LoadUnfinished {
			unfinished++
		}
		g.Add(r.Started.Format(time.DateTime), show.Took(r.Ended.Sub(r.Started)), state, r.Schema,
			show.Thousands(r.Rows), show.Thousands(r.Rejected), units.BytesSize(float64(r.Bytes)), show.Files(r.Files))
	}
	if err := g.Write(a.Out); err != nil || unfinished == 0 {
		return err
	}
	_, err := fmt.Fprintf(a.Out, "%s unfinished: if it is not running, run the same load again\n", show.Count(unfinished, "load"))
	return err
}
