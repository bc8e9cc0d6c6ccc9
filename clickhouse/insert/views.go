package insert

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// The server ignores a repeated insert for each table by itself: for the one that
// is inserted into, and for each that a materialized view fills. So a target that
// has missed rows gets them from the repetition, unless the server was killed
// between noting the token and keeping the part, or the rows are sent with another
// token than before. Then what the target lacks is found by the fact ID.
//
// This is possible where each row of the table makes its rows of the target by
// itself, and takes its ID along. The server tells whether a view is like that.

// CompleteViews brings rows of the block that the table has to the targets of its
// materialized views that do not have them. No insert of these rows may be running.
//
// It does so for views of the table's database that read nothing else, have a fact
// ID in a column of the name that it has in the table, and neither aggregate nor
// otherwise combine rows. Others are left alone. A row that has been deleted from
// the target counts as one that is missing.
func (ins *Inserter) CompleteViews(ctx context.Context, table string, rows *block.Block) error {
	return ins.onViews(ctx, table, rows, func(at *Inserter, v viewedTable) error {
		hidden, err := at.hiddenViews(ctx, v.seen, v.inspected)
		if err != nil {
			return err
		}
		if len(hidden) > 0 {
			return &chconn.Error{
				Op: fmt.Sprintf("complete what views of %q fill", v.Table), Class: chconn.ErrAmbiguous,
				Text: fmt.Sprintf("the table has the rows, and what a view fills may lack some: the user may not see the views %q", hidden),
				Hint: "grant SELECT on them, and SELECT and INSERT on what they fill",
			}
		}
		for _, view := range v.inspected.Views {
			if err := at.completeView(ctx, v.Insert, view, v.id); err != nil {
				return reclassed(err, chconn.ErrAmbiguous, "the table has the rows, and what a view fills may lack some: ")
			}
		}
		return nil
	})
}

// AdoptRows brings rows of the block that a target of the table's materialized views has to the
// table, if that lacks them: a server that was killed has kept the one part and not the other,
// and another insert would bring the target its rows once more. No insert of these rows may be
// running. It looks into the targets that CompleteViews completes.
func (ins *Inserter) AdoptRows(ctx context.Context, table string, rows *block.Block) error {
	return ins.onViews(ctx, table, rows, func(at *Inserter, v viewedTable) error {
		for _, view := range v.inspected.Views {
			half, err := at.halfStored(ctx, v.Insert, view, v.id)
			if err == nil && half.Rows() > 0 {
				adopted := v.Insert
				adopted.Block, adopted.Token = half, rand.Text()
				adopted.Settings = at.withPartitionLimit(adopted)
				err = at.behindViews(ctx, adopted)
				err = reclassed(err, chconn.ErrAmbiguous, fmt.Sprintf("what the view %q fills has rows that the table lacks: ", view.Name))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// viewedTable is a table with materialized views and a fact ID, and rows for it.
type viewedTable struct {
	Insert
	id        int // the number of the column with the fact ID
	seen      sighting
	inspected *ddl.Table
}

// onViews calls do for the table, or for those of the shards with the rows of each, if it has
// views and the rows an ID. It looks anew: a view may have come just now.
func (ins *Inserter) onViews(ctx context.Context, table string, rows *block.Block, do func(at *Inserter, v viewedTable) error) error {
	to, err := ins.spreadOf(ctx, table)
	if err != nil {
		return err
	}
	if to != nil {
		parts, err := ins.divideByShard(ctx, table, rows, to)
		if err != nil {
			return err
		}
		return to.each(parts, func(s shard, part *block.Block) error { return s.inserter.onViews(ctx, to.Local, part, do) })
	}
	id := slices.IndexFunc(rows.Layout().Schema().Fields, hasFactID)
	seen, err := ins.lookAnew(ctx, table)
	if err != nil || !seen.views || id < 0 {
		return err
	}
	inspected, err := ins.migrator.Inspect(ctx, table)
	if err != nil || inspected == nil {
		return err
	}
	return do(ins, viewedTable{Insert{Table: table, Block: rows, oneSwitch: seen.oneSwitch}, id, seen, inspected})
}

// halfStored returns the rows that the target of a view has and the table lacks: none if that
// cannot be told. ID is the number of the column with the fact ID.
func (ins *Inserter) halfStored(ctx context.Context, in Insert, view ddl.View, id int) (*block.Block, error) {
	none := in.Block.Layout().NewBlock()
	op := fmt.Sprintf("look into %q, which the view %q of %q fills", view.To.Name, view.Name, in.Table)
	_, outside, err := ins.outside(ctx, op, in.Block.Layout(), view, id)
	if err != nil || outside != "" {
		return none, passing(err)
	}
	ids, err := externalRows(in, []int{id})
	if err != nil {
		return nil, err
	}
	column := ddl.QuoteIdent(in.Block.Layout().Columns()[id].Name)
	stored := func(table string) string {
		return fmt.Sprintf("(SELECT toString(%s) FROM %s WHERE toString(%[1]s) IN (SELECT toString(%[3]s) FROM %[4]s))", column, table, externalColumn(id), externalName)
	}
	asking, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	rows, err := chconn.One[[]uint64](chgo.Context(asking, chgo.WithExternalTable(ids)), ins.client, op, fmt.Sprintf(
		"SELECT groupArray(%s) FROM %s WHERE toString(%s) IN %s AND toString(%[3]s) NOT IN %[5]s",
		externalRow, externalName, externalColumn(id), stored(quoted(view.To)), stored(ddl.QuoteIdent(in.Table))))
	if err != nil {
		return none, passing(err)
	}
	slices.Sort(rows)
	return rowsOf(in.Block, rows)
}

// passing returns an error that may pass, and no other one.
func passing(err error) error {
	if errors.Is(err, chconn.ErrRetryable) {
		return err
	}
	return nil
}

// completeView completes the target of one view. ID is the number of the column
// with the fact ID.
func (ins *Inserter) completeView(ctx context.Context, in Insert, view ddl.View, id int) error {
	op := fmt.Sprintf("complete %q, which the view %q of %q fills", view.To.Name, view.Name, in.Table)
	columns, outside, err := ins.outside(ctx, op, in.Block.Layout(), view, id)
	if err != nil || outside != "" {
		return err
	}
	name := in.Block.Layout().Columns()[id].Name
	ids, err := externalRows(in, []int{id})
	if err != nil {
		return err
	}
	ctx, cancel := ins.client.WithReadTimeout(ctx)
	defer cancel()
	ctx = chgo.Context(ctx, chgo.WithExternalTable(ids))
	lacking := lackingSQL(view, id, ddl.QuoteIdent(name))
	var rows []uint64
	if err := ins.client.SelectAs(ctx, op, &rows, "SELECT count() "+lacking); err != nil {
		return err
	}
	if len(rows) == 1 && rows[0] == 0 {
		return nil
	}
	for i, column := range columns {
		columns[i] = ddl.QuoteIdent(column)
	}
	list := strings.Join(columns, ", ")
	settings := chgo.Settings{"insert_deduplicate": "0"} // it has been asked what is there
	if in.oneSwitch {
		settings["deduplicate_insert"] = "disable"
	}
	ctx = chgo.Context(ctx, chgo.WithSettings(settings), chgo.WithQueryID(insertID(in.Table)))
	return ins.client.ExecAs(ctx, op, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s %s", quoted(view.To), list, list, lacking))
}

// OutsideView is a materialized view whose target CompleteViews leaves alone.
type OutsideView struct {
	Name   string
	Reason string // a clause, such as "it aggregates"
}

// OutsideViews returns the views of a table, for rows of the layout, that
// [Inserter.CompleteViews] cannot do anything for. After a fault, what they fill may
// lack rows. Views of other databases are not looked for.
func (ins *Inserter) OutsideViews(ctx context.Context, table string, layout *block.Layout) ([]OutsideView, error) {
	to, err := ins.spreadOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if to != nil { // the shards have the same views
		return to.shards[0].inserter.OutsideViews(ctx, to.Local, layout)
	}
	seen, err := ins.generation(ctx, table)
	if err != nil || !seen.views {
		return nil, err
	}
	inspected, err := ins.migrator.Inspect(ctx, table)
	if err != nil || inspected == nil {
		return nil, err
	}
	hidden, err := ins.hiddenViews(ctx, seen, inspected)
	if err != nil {
		return nil, err
	}
	var out []OutsideView
	for _, name := range hidden {
		out = append(out, OutsideView{Name: name, Reason: "the user may not see it: grant SELECT on it"})
	}
	id := slices.IndexFunc(layout.Schema().Fields, hasFactID)
	for _, view := range inspected.Views {
		_, reason, err := ins.outside(ctx, fmt.Sprintf("look at the view %q", view.Name), layout, view, id)
		if err != nil {
			return out, err
		}
		if reason != "" {
			out = append(out, OutsideView{Name: view.Name, Reason: reason})
		}
	}
	return out, nil
}

// hiddenViews returns the names of the table's views that the user may not see.
func (ins *Inserter) hiddenViews(ctx context.Context, seen sighting, table *ddl.Table) ([]string, error) {
	if len(seen.viewNames) <= len(table.Views) {
		return nil, nil
	}
	var visible []string
	err := ins.client.SelectAs(ctx, fmt.Sprintf("look at the views of %q", table.Name), &visible,
		"SELECT name FROM system.tables WHERE database = currentDatabase() AND has({names:Array(String)}, name)", chconn.Param("names", seen.viewNames))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(seen.viewNames), func(name string) bool { return slices.Contains(visible, name) }), nil
}

// outside returns the columns that a view fills, or why its target cannot be completed.
// ID is the number of the column with the fact ID, negative when there is none.
func (ins *Inserter) outside(ctx context.Context, op string, layout *block.Layout, view ddl.View, id int) (columns []string, reason string, err error) {
	if id < 0 {
		return nil, "the schema has no field that carries the fact's ID", nil
	}
	if view.To.Name == "" {
		return nil, "it fills a table of its own: give it one with TO", nil
	}
	if columns, err = ins.sharedColumns(ctx, op, view); err != nil {
		return nil, "", err
	}
	if len(columns) == 0 {
		return nil, "", &chconn.Error{
			Op: op, Class: chconn.ErrAmbiguous,
			Text: fmt.Sprintf("the user may not see %s, or it does not exist", quoted(view.To)), Hint: "grant SELECT and INSERT on it",
		}
	}
	if name := layout.Columns()[id].Name; !slices.Contains(columns, name) {
		return nil, fmt.Sprintf("it leaves out the column %q, which carries the fact's ID", name), nil
	}
	step, err := ins.combines(ctx, op, view)
	if err == nil && step != "" {
		reason = fmt.Sprintf("it does not make each row of one row of the table (%s)", step)
	}
	return columns, reason, err
}

// lackingSQL selects the rows that the view makes of the block's and that its
// target does not have. The ID column is quoted.
func lackingSQL(view ddl.View, column int, id string) string {
	ids := fmt.Sprintf("(SELECT toString(%s) FROM %s)", externalColumn(column), externalName)
	return fmt.Sprintf("FROM (%s) WHERE toString(%s) IN %s AND toString(%s) NOT IN (SELECT toString(%s) FROM %s WHERE toString(%s) IN %s)",
		view.Select, id, ids, id, id, quoted(view.To), id, ids)
}

func quoted(name ddl.TableName) string {
	return ddl.QuoteIdent(name.Database) + "." + ddl.QuoteIdent(name.Name)
}

func hasFactID(f fact.Field) bool { return f.FactID }

const viewColumnsSQL = `SELECT name FROM system.columns
WHERE database = currentDatabase() AND table = {view:String} AND name IN
	(SELECT name FROM system.columns WHERE database = {database:String} AND table = {target:String} AND default_kind NOT IN ('MATERIALIZED', 'ALIAS'))`

// sharedColumns returns the columns that a view and its target have: those that it
// fills.
func (ins *Inserter) sharedColumns(ctx context.Context, op string, view ddl.View) ([]string, error) {
	var names []string
	err := ins.client.SelectAs(ctx, op, &names, viewColumnsSQL,
		chconn.Param("view", view.Name), chconn.Param("database", view.To.Database), chconn.Param("target", view.To.Name))
	return names, err
}

// rowSteps are the steps of a query that makes its rows one by one.
var rowSteps = []string{"Expression", "Filter", "ReadFromMergeTree", "ReadFromPreparedSource", "ReadNothing", "ArrayJoin"}

// step is a step of a query, as the server explains it.
type step struct {
	Type  string `json:"Node Type"`
	Plans []step
}

// combines returns the first step, of this one and those that it reads from, that does
// not make its rows one by one, or nothing.
func (s step) combines() string {
	if !slices.Contains(rowSteps, s.Type) {
		return s.Type
	}
	for _, from := range s.Plans {
		if found := from.combines(); found != "" {
			return found
		}
	}
	return ""
}

// combines returns the first step of a view that does not make its rows one by one, of
// one table, or nothing.
func (ins *Inserter) combines(ctx context.Context, op string, view ddl.View) (string, error) {
	var lines []string
	if err := ins.client.SelectAs(ctx, op, &lines, "EXPLAIN PLAN json = 1 "+view.Select); err != nil {
		return "", err
	}
	var plans []struct{ Plan step }
	if err := json.Unmarshal([]byte(strings.Join(lines, "")), &plans); err != nil {
		return "", fmt.Errorf("%s: the server explains it in a form that is not known: %w", op, err)
	}
	if len(plans) != 1 {
		return "several plans", nil
	}
	return plans[0].Plan.combines(), nil
}

// behindViews adds rows to a table without its views seeing them, which have seen
// them before: by way of a table of the same structure, whose parts it takes.
func (ins *Inserter) behindViews(ctx context.Context, in Insert) error {
	op := fmt.Sprintf("insert again into %q", in.Table)
	table, again := ddl.QuoteIdent(in.Table), "_factload_again_"+strings.TrimPrefix(QueryIDPrefix(in.Token), "factload-insert-")
	again = strings.TrimSuffix(again, "-")
	drop := "DROP TABLE IF EXISTS " + ddl.QuoteIdent(again) + " SYNC"
	for _, sql := range []string{drop, "CREATE TABLE " + ddl.QuoteIdent(again) + " AS " + table} {
		if err := ins.client.ExecAs(ctx, op, sql); err != nil {
			return err
		}
	}
	staged := in.unlimited()
	staged.Table, staged.Token = again, ""
	_, err := ins.insert(ctx, staged, always)
	if err != nil {
		return ins.client.Fail(ctx, op, err, chconn.RowsSent)
	}
	seen, fenced, err := ins.lookAt(ctx, in.Table) // a table that is being rebuilt takes no part
	if err == nil && (fenced || seen.uuid == "") {
		return &chconn.Error{Op: op, Class: chconn.ErrAmbiguous, Text: "the table is being rebuilt"}
	}
	if err == nil {
		err = ins.client.ExecAs(ctx, op, "ALTER TABLE "+table+" ATTACH PARTITION ALL FROM "+ddl.QuoteIdent(again))
	}
	if err != nil {
		return err
	}
	return ins.client.ExecAs(ctx, op, drop)
}
