package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/bulk"
)

func newLoads(a *app) *cobra.Command {
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
		RunE: func(cmd *cobra.Command, _ []string) error { return a.loads(cmd.Context(), schema, asJSON) },
	}
	addServerFlags(cmd)
	cmd.Flags().StringVar(&schema, "schema", "", "only loads by --schema with this `name`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each load")
	return cmd
}

func (a *app) loads(ctx context.Context, schema string, asJSON bool) (err error) {
	s, err := a.openServer(ctx, reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	client, err := s.open()
	if err != nil {
		return err
	}
	defer client.Close()
	records, err := bulk.Loads(ctx, client)
	if err != nil {
		return err
	}
	if schema != "" {
		records = slices.DeleteFunc(records, func(r bulk.LoadRecord) bool { return r.Schema != schema })
	}
	if asJSON {
		enc := json.NewEncoder(a.out)
		for i := range records {
			if err := enc.Encode(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.printLoads(records, schema)
}

// printLoads writes the loads as a table, and what is to be done about them.
func (a *app) printLoads(records []bulk.LoadRecord, schema string) error {
	if len(records) == 0 {
		text := "nothing has been loaded into this database"
		if schema != "" {
			text = fmt.Sprintf("no load of schema %q", schema)
		}
		_, err := fmt.Fprintln(a.out, text)
		return err
	}
	g := grid{columns: []gridColumn{
		{name: "started (UTC)"},
		{name: "took", right: true},
		{name: "state"},
		{name: "schema"},
		{name: "rows", right: true},
		{name: "rejected", right: true},
		{name: "size", right: true},
		{name: "files"},
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
		g.add(r.Started.Format(time.DateTime), tookText(r.Ended.Sub(r.Started)), state, r.Schema,
			thousands(r.Rows), thousands(r.Rejected), units.BytesSize(float64(r.Bytes)), filesText(r.Files))
	}
	if err := g.write(a.out); err != nil || unfinished == 0 {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s unfinished: if it is not running, run the same load again\n", countText(unfinished, "load"))
	return err
}

// tookText writes a duration with three digits or so.
func tookText(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// filesText names the first file, as it is seen from the working directory.
func filesText(files []bulk.LoadedFile) string {
	if len(files) == 0 {
		return ""
	}
	name := files[0].File
	if dir, err := os.Getwd(); err == nil && filepath.IsAbs(name) {
		if inside, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(inside) {
			name = inside
		}
	}
	if more := len(files) - 1; more > 0 {
		name += fmt.Sprintf(" and %s more", thousands(int64(more)))
	}
	return name
}
