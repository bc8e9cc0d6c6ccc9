package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// NewStatus makes the command status.
func NewStatus(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the server, its disks, its tables and its last errors",
		Long: `Show which server the commands talk to, its version, and for an embedded engine its data
directory and who holds it; the free space of its disks; the tables of the database with
rows, size, active parts and the last insert or merge; the loads that are unfinished;
and the errors that the server has counted last, of whatever user. Nothing is judged and
nothing is written: factload doctor says what is wrong.`,
		Example: "  factload status\n  factload status --dsn-file dsn --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), a, asJSON) },
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// status is what the command shows.
type status struct {
	Server   string `json:"server"` // DSN without its password
	Version  string `json:"version" ch:"version"`
	User     string `json:"user" ch:"user"`
	Database string `json:"database" ch:"database"`
	Uptime   uint32 `json:"uptime_seconds" ch:"uptime"`

	Data   string `json:"data_directory,omitempty"` // of an embedded engine
	Engine int    `json:"engine_pid,omitempty"`
	Held   string `json:"held_by,omitempty"`

	Disks  []disk            `json:"disks"`
	Tables []table           `json:"tables"`
	Loads  []bulk.LoadRecord `json:"unfinished_loads"`
	Errors []lastError       `json:"last_errors"`
}

// disk is a disk of the server.
type disk struct {
	Name  string `json:"name" ch:"name"`
	Path  string `json:"path" ch:"path"`
	Free  uint64 `json:"free_bytes" ch:"free"`
	Total uint64 `json:"total_bytes" ch:"total"`
}

const disksSQL = `SELECT name, path, free_space AS free, total_space AS total FROM system.disks WHERE total_space > 0 ORDER BY name`

// table is a table of the database.
type table struct {
	Name   string    `json:"name" ch:"name"`
	Engine string    `json:"engine" ch:"engine"`
	Rows   uint64    `json:"rows" ch:"rows"`
	Bytes  uint64    `json:"bytes" ch:"bytes"`
	Parts  uint64    `json:"parts" ch:"parts"`
	Last   time.Time `json:"last_insert,omitzero" ch:"last"` // or merge; none of a table without parts
}

const tableStatusSQL = `SELECT t.name AS name, t.engine AS engine, ifNull(t.total_rows, 0) AS rows, ifNull(t.total_bytes, 0) AS bytes, p.parts AS parts, p.last AS last
FROM system.tables AS t
LEFT JOIN (SELECT table, count() AS parts, max(modification_time) AS last FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table) AS p ON p.table = t.name
WHERE t.database = currentDatabase() AND t.engine NOT IN ('View', 'MaterializedView')
ORDER BY name`

// lastError is a kind of error that the server has counted.
type lastError struct {
	Name  string    `json:"name" ch:"name"`
	Code  int32     `json:"code" ch:"code"`
	Count uint64    `json:"count" ch:"count"`
	Time  time.Time `json:"time" ch:"time"`
	Text  string    `json:"text" ch:"text"`
}

const lastErrorsSQL = `SELECT name, code, value AS count, last_error_time AS time, substringUTF8(replaceAll(last_error_message, '\n', ' '), 1, 200) AS text
FROM system.errors WHERE value > 0 AND NOT remote ORDER BY last_error_time DESC, name LIMIT 5`

func runStatus(ctx context.Context, a *cli.App, asJSON bool) (err error) {
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now, err := readStatus(ctx, s.Client)
	if err != nil {
		return err
	}
	now.Server = s.Address()
	if s.Use != nil {
		now.Engine, now.Held = s.Use.PID(), holderText(s)
		if now.Data, err = filepath.Abs(s.Dir); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(a.Out).Encode(now)
	}
	return now.print(show.Writer{To: a.Out})
}

// readStatus asks the server.
func readStatus(ctx context.Context, client *clickhouse.Client) (status, error) {
	var one []status
	now := status{Disks: []disk{}, Tables: []table{}, Errors: []lastError{}}
	err := errors.Join(
		client.Select(ctx, &one, "SELECT version() AS version, currentUser() AS user, currentDatabase() AS database, uptime() AS uptime"),
		client.Select(ctx, &now.Disks, disksSQL),
		client.Select(ctx, &now.Tables, tableStatusSQL),
		client.Select(ctx, &now.Errors, lastErrorsSQL),
	)
	if err != nil {
		return status{}, err
	}
	for i := range now.Tables {
		if t := &now.Tables[i]; t.Parts == 0 {
			t.Last = time.Time{} // the server has no other word for never than 1970
		}
	}
	now.Version, now.User, now.Database, now.Uptime = one[0].Version, one[0].User, one[0].Database, one[0].Uptime
	loads, err := bulk.Loads(ctx, client)
	now.Loads = slices.DeleteFunc(loads, func(r bulk.LoadRecord) bool { return r.State != bulk.LoadUnfinished })
	return now, err
}

// holderText says who has the data directory of an embedded engine.
func holderText(s *cli.Server) string {
	switch {
	case s.Use.Started() != nil:
		return "nobody else: this command has started it"
	case s.Use.Owner() != 0:
		return fmt.Sprintf("process %d, as factload serve does", s.Use.Owner())
	}
	return "other commands that are running"
}

func (s *status) print(w show.Writer) error {
	fmt.Fprintf(w, "server    %s\n", s.Server)
	fmt.Fprintf(w, "version   ClickHouse %s, up for %s\n", s.Version, time.Duration(s.Uptime)*time.Second)
	if s.Data != "" {
		fmt.Fprintf(w, "data      %s\n", s.Data)
		fmt.Fprintf(w, "held by   %s; engine process %d\n", s.Held, s.Engine)
	}
	for _, d := range s.Disks {
		fmt.Fprintf(w, "disk      %s: %s of %s free, in %s\n", d.Name, units.BytesSize(float64(d.Free)), units.BytesSize(float64(d.Total)), d.Path)
	}
	if len(s.Tables) == 0 {
		fmt.Fprintf(w, "tables    none in database %s\n", s.Database)
	} else if err := s.printTables(w); err != nil {
		return err
	}
	for i := range s.Loads {
		fmt.Fprintf(w, "load      of %s, begun %s UTC, is unfinished or running\n", show.Files(s.Loads[i].Files), s.Loads[i].Started.UTC().Format(time.DateTime))
	}
	for _, e := range s.Errors {
		fmt.Fprintf(w, "error     %s UTC, %s (%d), %s: %s\n", e.Time.UTC().Format(time.DateTime), e.Name, e.Code, timesText(e.Count), e.Text)
	}
	return nil
}

func (s *status) printTables(w show.Writer) error {
	g := show.Grid{Columns: []show.Column{{Name: "table of " + s.Database}, {Name: "rows", Right: true}, {Name: "size", Right: true}, {Name: "parts", Right: true}, {Name: "changed (UTC)"}}}
	for _, t := range s.Tables {
		last := ""
		if !t.Last.IsZero() {
			last = t.Last.UTC().Format(time.DateTime)
		}
		g.Add(t.Name, show.Thousands(int64(t.Rows)), units.BytesSize(float64(t.Bytes)), show.Thousands(int64(t.Parts)), last) //nolint:gosec // counts
	}
	return g.Write(w)
}

func timesText(n uint64) string {
	if n == 1 {
		return "once"
	}
	return show.Thousands(int64(n)) + " times" //nolint:gosec // a count
}
