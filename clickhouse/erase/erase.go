package erase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// Config says what is erased where. Client, Schema and one of IDs, Field, Where and
// Expired are needed.
type Config struct {
	// Client is connected with the database of the tables. If the schema has a cluster, every host of
	// it is erased from, and no other server. Its shards must not have replicas.
	Client *chconn.Client
	// Schema is that of the facts. Unless for Expired, it needs a field that carries the
	// fact's ID.
	Schema fact.Schema

	// IDs are the IDs of facts.
	IDs []string
	// Field and Value take the facts in which a field of the schema, which is no
	// array, map or JSON, has the value: the text that ClickHouse prints.
	Field, Value string
	// Where is a condition in SQL over the columns of the table. It is trusted. Facts
	// that the log has and the table lacks are not found by it: replay the log before.
	// A server may log it with its statements, which never have IDs or Value in their text.
	Where string
	// Expired takes the facts that are older than the retention of the schema, which is
	// that of the [ddl.Options] that are its Table: rows by the field, and events of the log
	// by their OccurredAt.
	Expired bool

	// Log is the log of the facts. Nil means that there is none.
	Log Log
	// Rejects are rejects files of loads. Lines whose rows have one of the IDs, or the
	// value, as a text of its own anywhere, or the value in the field, are taken out;
	// so are rows that are no JSON and have the value.
	Rejects []string
	// ServerLogs are files of the server's own log, such as [embedded.LogFiles] returns.
	// They are emptied at the end, since statements of others that failed may be in them
	// with what is erased.
	ServerLogs []string
	// DryRun only counts.
	DryRun bool
	// Progress, if set, is told what is being done.
	Progress func(string)
}

// Log is what is needed of a log. One with a method Vacuum(ctx) error is vacuumed, so
// that nothing is left in its files.
type Log interface {
	fact.LogReader
	fact.Eraser
}

// Report says what was looked at, and what was found. It has neither IDs nor values.
type Report struct {
	// Schema is the name of the schema, and By how the facts were given: id, where,
	// expired, or the name of the field.
	Schema string `json:"schema"`
	By     string `json:"by"`
	// DryRun says that nothing was erased.
	DryRun bool    `json:"dry_run,omitempty"`
	Places []Place `json:"places"`
	// Sums are the targets of materialized views that have neither the fact's ID nor
	// the field (for Expired, not the field): what their rows have added up stays added up.
	Sums []string `json:"sums,omitempty"`
	// Emptied are the files of the server's log that were emptied.
	Emptied    []string `json:"emptied,omitempty"`
	NotCovered []string `json:"not_covered"`
}

// Place is one place that has facts.
type Place struct {
	// Kind is log, table, view, events, rebuilt or rejects, and Name that of the
	// table or the file.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Host is that of the table, HOST:PORT, if it is one of a cluster.
	Host string `json:"host,omitempty"`
	// LookedAt is how many events, rows or lines it had, Erased how many of them were
	// erased, in this run, and Left how many are found there at the end.
	LookedAt uint64 `json:"looked_at"`
	Erased   uint64 `json:"erased"`
	Left     uint64 `json:"left"`
}

// Left returns how many events, rows and lines were found at the end.
func (r Report) Left() (left uint64) {
	for _, p := range r.Places {
		left += p.Left
	}
	return left
}

// NotCovered are the places that are not looked at.
func NotCovered() []string {
	return []string{
		"backups of the database and of the log, and snapshots of their disks",
		"exported files and the files that were loaded",
		"what publishers have sent, and what services keep of their own",
		"what others have said to the server: system.query_log and its like, and its log files",
		"replicas until they have followed, and detached parts of tables",
	}
}

// Run erases the facts and looks for them. After an error, or when it was killed, run it
// again with the same Config: it goes on, also with what it had found the last time and
// could not find now. Facts that are recorded meanwhile may be missed.
//
// It keeps the IDs in a table beside that of the schema until nothing is left.
func Run(ctx context.Context, c Config) (Report, error) {
	e, err := newEraser(ctx, c)
	if err != nil {
		return Report{}, fmt.Errorf("erase: %w", err)
	}
	if err := e.run(ctx); err != nil {
		return e.report, fmt.Errorf("erase: %w", err)
	}
	return e.report, nil
}

// eraser is a Run.
type eraser struct {
	Config
	idField string
	field   fact.Field // of the value, or of the retention
	now     time.Time
	days    int // of the retention
	tables  []table
	servers []server // that have tables
	report  Report
}

// Validate says what is wrong with the Config, without looking at the tables.
func (c Config) Validate() error {
	if _, ok := c.Schema.FactIDField(); !ok && !c.Expired {
		return fmt.Errorf("the schema %q has no field that carries the fact's ID (fact_id: true), by which its facts are told apart", c.Schema.Name)
	}
	ways := 0
	for _, given := range []bool{len(c.IDs) > 0, c.Where != "", c.Field != "", c.Expired} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("say whose facts: by their IDs, by the value of a field, by a condition, or those that are expired, and by one of them only")
	case c.Expired && c.retention().Days == 0:
		return fmt.Errorf("the schema %q has no retention (clickhouse: {retention: {field: created_at, days: 365}})", c.Schema.Name)
	case c.Expired && len(c.Rejects) > 0:
		return errors.New("lines of rejects files have no age")
	case slices.Contains(c.IDs, ""):
		return errors.New("an ID is empty")
	case c.Field == "":
		return nil
	case c.Value == "":
		return fmt.Errorf("the value of field %q is empty, which names nobody", c.Field)
	}
	f, ok := c.Schema.FieldByName(c.Field)
	switch {
	case !ok:
		return fmt.Errorf("the schema %q has no field %q", c.Schema.Name, c.Field)
	case f.Array || f.Type == fact.JSON || f.Type == fact.NativeJSON || f.Type == fact.StringMap:
		return fmt.Errorf("field %q has no single value to compare: use a condition in SQL", c.Field)
	}
	return nil
}

func (c Config) retention() ddl.Retention {
	o, _ := c.Schema.Table.(ddl.Options) // anything else has none
	return o.Retention
}

// by says how the facts are given.
func (c Config) by() string {
	switch {
	case c.Field != "":
		return c.Field
	case c.Where != "":
		return "where"
	case c.Expired:
		return "expired"
	}
	return "id"
}

func newEraser(ctx context.Context, c Config) (*eraser, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	e := &eraser{Config: c, now: time.Now().UTC(), days: c.retention().Days, report: Report{Schema: c.Schema.Name, By: c.by(), DryRun: c.DryRun, NotCovered: NotCovered()}}
	if e.Progress == nil {
		e.Progress = func(string) {}
	}
	id, _ := c.Schema.FactIDField() // Validate has looked
	e.idField = id.Name
	field := c.Field
	if c.Expired {
		field = c.retention().Field
	}
	e.field, _ = c.Schema.FieldByName(field) // none without a name
	err := e.findTables(ctx)
	return e, err
}

func (e *eraser) run(ctx context.Context) error {
	if e.DryRun {
		return e.look(ctx)
	}
	if err := e.remember(ctx); err != nil {
		return err
	}
	erased := make(map[Place]uint64) // by Kind, Name and Host
	note := func(at Place, n uint64, err error) error {
		erased[at] += n
		return err
	}
	// The log first: what follows it would store the rows again.
	if e.Log != nil {
		e.Progress("log")
		n, err := e.eraseLog(ctx)
		if err := note(Place{Kind: "log"}, n, err); err != nil {
			return fmt.Errorf("log: %w", err)
		}
	}
	for _, t := range e.tables {
		e.Progress(strings.TrimSpace(t.kind + " " + t.name + " " + t.host))
		n, err := e.eraseTable(ctx, t)
		if err := note(Place{Kind: t.kind, Name: t.name, Host: t.host}, n, err); err != nil {
			return fmt.Errorf("table %q: %w", t.name, t.failed(err))
		}
	}
	for _, file := range e.Rejects {
		e.Progress("rejects " + file)
		n, err := e.eraseRejects(ctx, file)
		if err := note(Place{Kind: "rejects", Name: file}, n, err); err != nil {
			return err
		}
	}
	if err := e.emptyServerLogs(); err != nil {
		return err
	}
	e.Progress("looking for what is left")
	if err := e.look(ctx); err != nil {
		return err
	}
	for i := range e.report.Places {
		p := &e.report.Places[i]
		p.Erased = erased[Place{Kind: p.Kind, Name: p.Name, Host: p.Host}]
		p.LookedAt += p.Erased
	}
	if e.report.Left() > 0 {
		return nil // the report says where
	}
	return e.forget(ctx)
}

// look counts what is there in every place.
func (e *eraser) look(ctx context.Context) error {
	if e.Log != nil {
		p, err := e.lookAtLog(ctx)
		if err != nil {
			return fmt.Errorf("log: %w", err)
		}
		e.report.Places = append(e.report.Places, p)
	}
	for _, t := range e.tables {
		p, err := e.lookAtTable(ctx, t)
		if err != nil {
			return fmt.Errorf("table %q: %w", t.name, t.failed(err))
		}
		e.report.Places = append(e.report.Places, p)
	}
	for _, file := range e.Rejects {
		p, err := e.lookAtRejects(ctx, file)
		if err != nil {
			return err
		}
		e.report.Places = append(e.report.Places, p)
	}
	return nil
}
