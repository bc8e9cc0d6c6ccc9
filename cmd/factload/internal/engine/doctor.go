package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

const doctorLong = `Look at the server and at the tables of its database for what goes wrong in daily life: its
clock, disk space, missing rights, merges, failed mutations, tables that differ from their
schemas or whose repeated inserts would be stored twice, rows that outlive their TTL, broken
views, unfinished loads. That a repeated insert is stored once is proven, by inserting twice
into a table that is made for that and dropped.

Schemas are the built-in ones, those that the database keeps, and those of --schemas.

Each finding says what to do; docs/runbook.md has more on each. The exit code is 0 when
nothing has to be done and 1 otherwise.`

// NewDoctor makes the command doctor.
func NewDoctor(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Look for what is wrong with the server and its tables",
		Long:    doctorLong,
		Example: "  factload doctor\n  factload doctor --dsn-file dsn --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), a, asJSON) },
	}
	cli.AddServerFlags(cmd)
	cli.AddSchemasFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// finding is what one check has found.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

func runDoctor(ctx context.Context, a *cli.App, asJSON bool) (err error) {
	registry, err := a.Registry()
	if err != nil {
		return err
	}
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := findings(ctx, s.Client, checks(registry, usualLimits))
	if err != nil {
		return err
	}
	if asJSON {
		if err := json.NewEncoder(a.Out).Encode(all); err != nil {
			return err
		}
	} else {
		printFindings(a, all)
	}
	if slices.ContainsFunc(all, func(f finding) bool { return !f.OK }) {
		return cli.ErrUnhealthy
	}
	return nil
}

// findings runs all checks.
func findings(ctx context.Context, client *clickhouse.Client, checks []check) (all []finding, err error) {
	for _, check := range checks {
		found, err := check.look(ctx, client)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			found = []finding{{Found: "cannot be told: " + err.Error(), Advice: "see whether the user may read system tables and create tables"}}
		}
		if len(found) == 0 {
			found = []finding{{OK: true, Found: check.fine}}
		}
		for _, f := range found {
			f.Check = check.name
			all = append(all, f)
		}
	}
	return all, nil
}

func printFindings(a *cli.App, all []finding) {
	out := show.Writer{To: a.Out}
	for _, f := range all {
		word := "ok"
		if !f.OK {
			word = "WRONG"
		}
		fmt.Fprintf(out, "%-6s %-14s %s\n", word, f.Check, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(out, "%-6s %-14s %s\n", "", "", f.Advice)
		}
	}
}
