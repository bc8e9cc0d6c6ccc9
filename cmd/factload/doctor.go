package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
)

const doctorLong = `Look at the server and at the tables of its database for what goes wrong in daily life: its
clock, disk space, merges, tables whose repeated inserts would be stored twice, failed
mutations, broken views, unfinished loads. That a repeated insert is stored once is
proven, by inserting twice into a table that is made for that and dropped.

Each finding says what to do; docs/runbook.md has more on each. The exit code is 0 when
nothing has to be done and 1 otherwise.`

func newDoctor(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Look for what is wrong with the server and its tables",
		Long:    doctorLong,
		Example: "  factload doctor\n  factload doctor --dsn-file dsn --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withClient(cmd.Context(), reading, func(client *clickhouse.Client) error {
				return a.doctor(cmd.Context(), client, asJSON)
			})
		},
	}
	addServerFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// withClient connects to the configured server, and calls do.
func (a *app) withClient(ctx context.Context, how access, do func(*clickhouse.Client) error) (err error) {
	s, err := a.openServer(ctx, how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	client, err := s.open()
	if err != nil {
		return err
	}
	defer client.Close()
	return do(client)
}

// finding is what one check has found.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// errUnhealthy ends doctor when something has to be done. It has said what.
var errUnhealthy = &codedError{code: exitFailed, err: errors.New("something is wrong with the server or its tables")}

func (a *app) doctor(ctx context.Context, client *clickhouse.Client, asJSON bool) error {
	var all []finding
	healthy := true
	for _, check := range checks {
		found, err := check.look(ctx, client)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			found = []finding{{Found: "cannot be told: " + err.Error(), Advice: "see whether the user may read system tables and create tables"}}
		}
		if len(found) == 0 {
			found = []finding{{OK: true, Found: check.fine}}
		}
		for _, f := range found {
			f.Check = check.name
			healthy = healthy && f.OK
			all = append(all, f)
		}
	}
	if asJSON {
		if err := json.NewEncoder(a.out).Encode(all); err != nil {
			return err
		}
	} else {
		a.printFindings(all)
	}
	if !healthy {
		return errUnhealthy
	}
	return nil
}

func (a *app) printFindings(all []finding) {
	out := terminalWriter{a.out}
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
