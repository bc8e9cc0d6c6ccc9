package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/move"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// moveFlags say where to, and how far.
type moveFlags struct {
	to, toFile     string
	finish, asJSON bool
}

// NewMove makes the command move.
func NewMove(a *cli.App) *cobra.Command {
	var f moveFlags
	cmd := &cobra.Command{
		Use:   "move (--to DSN | --to-file FILE)",
		Short: "Copy the database to another server",
		Long: `Copy the tables of the database, with their rows and the ledger of loads, to a database of
another server, which is created if it is missing. Rows are compared by number and
checksum, piece by piece, and only those that the target lacks are copied. So it may be
killed at any moment and run again; and while services and loads go on with the old
server, each run brings what has come since.

When little is left, stop who writes and run it with --finish. That copies the rest, also
what tables hold that only sum up rows; makes sure that both sides are equal, that nobody
has written meanwhile and no load is unfinished; and creates the materialized views. Then
services and loads go on with the target: files that were loaded are not loaded again.

Tables that are there, such as Distributed ones, are filled as they are. Nothing is deleted
at the target: rows that the source does not have are an error. Rows go through this
program, over HTTP: a native DSN whose server has mapped ports needs http_port, compress=gzip
in an http:// DSN spares a slow network, and read_timeout has to be longer than it takes to
read the largest table once.`,
		Example: `  factload move --to-file server.dsn
  factload move --to-file server.dsn --finish`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runMove(cmd.Context(), a, f) },
	}
	cli.AddServerFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "`server` to copy to, a DSN")
	flags.StringVar(&f.toFile, "to-file", "", "`file` with that DSN, as factload serve writes it; hides its password")
	flags.BoolVar(&f.finish, "finish", false, "end the move: nobody writes to the old server any more")
	flags.BoolVar(&f.asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

func runMove(ctx context.Context, a *cli.App, f moveFlags) (err error) {
	if (f.to == "") == (f.toFile == "") {
		return cli.UsageError(errors.New("say where to move by --to DSN or --to-file FILE"))
	}
	from, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := a.ConnectTo(ctx, "--to", f.to, f.toFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	last := time.Now()
	report, err := move.Run(ctx, move.Config{
		From: from.Client, To: to.Client, Finish: f.finish,
		Progress: func(table string, copied uint64) {
			if time.Since(last) > 10*time.Second {
				last = time.Now()
				a.Log.Info("moving", "table", table, "copied", copied)
			}
		},
	})
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(a.Out).Encode(report)
	}
	return printMoved(a, report)
}

func printMoved(a *cli.App, r move.Report) error {
	count := func(n uint64) string { return show.Thousands(int64(n)) } //nolint:gosec // a count
	for _, t := range r.Tables {
		state := "equal"
		switch {
		case t.Waits != "":
			state = t.Waits
		case !t.Equal:
			state = "more rows have come meanwhile"
		}
		fmt.Fprintf(a.Notes(), "table %s: %s of %s rows copied: %s\n", t.Name, count(t.Copied), count(t.Rows), state)
	}
	for _, what := range r.NotMoved {
		fmt.Fprintf(a.Out, "not moved: %s\n", what)
	}
	if r.Finished {
		fmt.Fprintln(a.Notes(), "finished: go on with the target")
	}
	return nil
}
