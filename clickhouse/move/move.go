// Package move copies the tables of a database, with their rows, into a database of another
// server. See docs/adr/0028.
package move

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// Config says what is moved, and where to.
type Config struct {
	// From and To are connected with the databases of the two servers. They stay the
	// caller's. Rows go from one to the other through this program, over HTTP: the Client
	// of a native DSN finds that as [chconn.Client.QueryFormat] does.
	From, To *chconn.Client

	// Finish ends the move: see [Run].
	Finish bool

	// PieceRows and PieceBytes are how much is copied and compared at once, about. Bytes
	// are not compressed. Zero means a million rows and 256 MiB.
	PieceRows, PieceBytes uint64

	// Progress, if it is not nil, is called when a piece of a table has been copied, with
	// the rows of the table that have been copied so far.
	Progress func(table string, copied uint64)
}

// Report says what has been moved.
type Report struct {
	Tables []Table `json:"tables"`
	// NotMoved is what is left to the user, each with its name and why.
	NotMoved []string `json:"not_moved"`
	// Equal is whether all of the tables have the same rows on both sides.
	Equal bool `json:"equal"`
	// Finished is whether the move is over: services and loads may go on with the target.
	Finished bool `json:"finished"`
}

// Table is a table that has been moved.
type Table struct {
	Name string `json:"name"`
	// Rows are those of the source, and Copied is how many this run has copied.
	Rows   uint64 `json:"rows"`
	Copied uint64 `json:"copied"`
	// Equal is whether the target has the same rows, by number and checksum.
	Equal bool `json:"equal"`
	// Waits is why rows are not copied yet. It is empty if they are.
	Waits string `json:"waits,omitempty"`
}

// Run makes the target's tables as those of the source and copies the rows that the
// target lacks. It keeps no record of its own: what there is to do is seen from the rows on
// both sides. So it may end or be killed at any moment and be run again, and while the
// source still grows each run brings what has come since. Only one may run at a time.
//
// Tables that the target has already, such as Distributed ones, are filled as they are. A
// target that has other rows than those of the source is an error, and nothing is deleted
// there: so it is when rows of the source were changed or deleted after they were copied.
//
// With Finish, it also fills tables whose engines sum up rows, and creates the materialized
// views, which get no row before. Nobody may write to the source any more; Run fails if
// somebody does, if loads are unfinished or if a table differs. Then loads and services
// may go on with the target: it has the ledger of the loads and the facts with their IDs.
func Run(ctx context.Context, c Config) (Report, error) {
	m := mover{Config: c, source: migrate.New(c.From), target: migrate.New(c.To)}
	if m.PieceRows == 0 {
		m.PieceRows = 1 << 20
	}
	if m.PieceBytes == 0 {
		m.PieceBytes = 256 << 20
	}
	err := m.run(ctx)
	if err != nil {
		err = fmt.Errorf("move: %w", err)
	}
	return m.report, err
}

type mover struct {
	Config
	source, target *migrate.Migrator
	report         Report
	tables         []*table
}

func (m *mover) run(ctx context.Context) error {
	if m.Finish {
		if err := m.noOpenLoads(ctx); err != nil {
			return err
		}
	}
	err := m.To.Ping(ctx)
	if chconn.ServerCode(err) == chconn.CodeUnknownDatabase {
		err = m.To.CreateDatabase(ctx)
	}
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	if err := m.findTables(ctx); err != nil {
		return err
	}
	m.report.Equal = true
	for _, t := range m.tables {
		done, err := t.move(ctx)
		m.report.Tables = append(m.report.Tables, done)
		if err != nil {
			return fmt.Errorf("table %q: %w", t.def.Name, err)
		}
		m.report.Equal = m.report.Equal && done.Equal
	}
	if !m.Finish {
		return nil
	}
	return m.finish(ctx)
}

// findTables finds the tables of the source and makes those of the target. The ledger of
// loads comes first: what it says is done when it is copied is copied after it.
func (m *mover) findTables(ctx context.Context) error {
	var found []struct {
		Name   string `ch:"name"`
		Engine string `ch:"engine"`
		Create string `ch:"create_table_query"`
	}
	err := m.From.SelectAs(ctx, "tables", &found, "SELECT name, engine, create_table_query FROM system.tables\n"+
		"WHERE database = currentDatabase() AND NOT is_temporary ORDER BY startsWith(name, {own:String}) DESC, name", chconn.Param("own", ddl.ReservedPrefix))
	if err != nil {
		return err
	}
	for _, f := range found {
		switch {
		case f.Engine == "MaterializedView" || f.Name == rebuild.Ledger:
			continue // views come with their tables; what has been rebuilt here does not matter there
		case strings.Contains(f.Name, rebuild.BeforeName("", "")):
			m.notMoved(f.Name, "a rebuild has kept it")
			continue
		case !strings.HasSuffix(f.Engine, "MergeTree") || strings.HasPrefix(f.Name, ".inner"):
			m.notMoved(f.Name, "its engine is "+f.Engine)
			continue
		}
		def, err := m.source.Inspect(ctx, f.Name)
		if err != nil {
			return err
		}
		if def == nil {
			continue
		}
		if def.Rebuild != nil && def.Rebuild.Settings {
			return fmt.Errorf("table %q: it is being rebuilt: finish that with factload apply", f.Name)
		}
		extra, err := ddl.Unmodelled(f.Create)
		if err != nil {
			return err
		}
		for _, what := range extra {
			m.notMoved(f.Name, "its "+what+"; everything else of it is moved")
		}
		t, err := m.newTable(ctx, *def)
		if err != nil {
			return fmt.Errorf("table %q: %w", f.Name, err)
		}
		m.tables = append(m.tables, t)
	}
	return nil
}

func (m *mover) notMoved(name, why string) {
	m.report.NotMoved = append(m.report.NotMoved, name+": "+why)
}

// noOpenLoads refuses to finish while chunks of loads are begun and not done. Rows of
// these may be in the source, and the target would not know the tokens of their inserts.
func (m *mover) noOpenLoads(ctx context.Context) error {
	loads, err := bulk.Loads(ctx, m.From)
	if err != nil {
		return err
	}
	for _, l := range loads {
		for _, f := range l.Files {
			if f.OpenChunks > 0 {
				return fmt.Errorf("the load of %s is not finished: run it again with the source before the move is finished", f.File)
			}
		}
	}
	return nil
}

// finish checks that nobody has written meanwhile, and creates the views.
func (m *mover) finish(ctx context.Context) error {
	if !m.report.Equal {
		return errors.New("the tables differ, so somebody writes to one of the servers: stop that and run it again")
	}
	for i, t := range m.tables {
		now, err := t.count(ctx, m.From, t.alive)
		if err != nil {
			return err
		}
		if now != m.report.Tables[i].Rows {
			return fmt.Errorf("table %q: somebody writes to the source: stop that and run it again", t.def.Name)
		}
	}
	if err := m.noOpenLoads(ctx); err != nil {
		return err
	}
	for _, t := range m.tables {
		def := t.def
		def.Views = nil
		for _, v := range t.def.Views {
			if v.To.Name == "" || v.To.Database != m.From.Database() {
				m.notMoved(v.Name, "a view that keeps its rows itself, or fills a table of another database")
				continue
			}
			v.To.Database = ""
			def.Views = append(def.Views, v)
		}
		if len(def.Views) == 0 {
			continue
		}
		if err := m.target.Ensure(ctx, def); err != nil {
			return err
		}
	}
	m.report.Finished = true
	return nil
}
