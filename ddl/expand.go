package ddl

import (
	"fmt"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// Read returns a query that reads the table, so that it can be asked what columns
// it returns when the table is as t says, whatever the server has.
func (t Table) Read(query string) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = "materialize(defaultValueOfTypeName(" + sqltext.QuoteString(c.Type) + ")) AS " + sqltext.QuoteIdent(c.Name)
	}
	with := "WITH " + sqltext.QuoteIdent(t.Name) + " AS (SELECT " + strings.Join(columns, ", ") + ")"
	if tokens, err := sqltext.Tokenize(query); err == nil && len(tokens) > 0 && tokens[0].IsKeyword("WITH") {
		return with + "," + query[tokens[0].End:]
	}
	return with + "\n" + query
}

// Expand returns the tables together with those that their views define, in the
// order in which they can be made: what a view inserts into comes before the
// table that the view belongs to, and all else stays in its order. A table that is
// spread over shards becomes its local table and the one of the engine Distributed.
// It is an error when two tables have the same name.
func Expand(tables ...Table) ([]Table, error) {
	e := expansion{byName: make(map[TableName]Table), done: make(map[TableName]bool)}
	var parts []Table
	for _, t := range tables {
		parts = append(parts, t.split()...)
	}
	for _, t := range parts {
		if err := e.know(t); err != nil {
			return nil, err
		}
	}
	for _, t := range parts {
		e.visit(t)
	}
	return e.out, nil
}

type expansion struct {
	byName map[TableName]Table
	done   map[TableName]bool
	out    []Table
}

func (e *expansion) know(t Table) error {
	key := TableName{Database: t.Database, Name: t.Name}
	if _, ok := e.byName[key]; ok {
		return fmt.Errorf("table %q is defined twice, by a schema or as the target of a materialized view", key)
	}
	e.byName[key] = t
	for _, v := range t.Views {
		if v.Target == nil {
			continue
		}
		target := *v.Target
		target.Database, target.Cluster = t.Database, t.Cluster
		if err := e.know(target); err != nil {
			return err
		}
	}
	return nil
}

func (e *expansion) visit(t Table) {
	key := TableName{Database: t.Database, Name: t.Name}
	if e.done[key] {
		return
	}
	e.done[key] = true
	for _, v := range t.Views {
		if target, ok := e.byName[TableName{Database: t.Database, Name: v.To.Name}]; ok {
			e.visit(target)
		}
	}
	e.out = append(e.out, t)
}
