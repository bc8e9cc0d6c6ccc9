package ddl

import (
	"fmt"

	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/rebuildsettings"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// Queries that read a [Catalog]. They take the parameters {database:String} and
// {table:String}; an empty database means the connection's. Columns come in the
// order of the fields of CatalogTable, CatalogColumn and Index, whose ch tags
// name them.
const (
	// InspectTableSQL returns one row for [CatalogTable], or none when there is
	// no such table.
	InspectTableSQL = `SELECT database, name, engine, engine_full, create_table_query, partition_key, sorting_key, primary_key, comment, length(dependencies_table) AS views
FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND name = {table:String}`

	// InspectColumnsSQL returns a row for each [CatalogColumn], in their order.
	InspectColumnsSQL = `SELECT name, type, default_kind, default_expression, compression_codec, comment
FROM system.columns
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
ORDER BY position`

	// InspectIndexesSQL returns a row for each [CatalogIndex], in their order.
	InspectIndexesSQL = `SELECT name, expr, type_full, granularity
FROM system.data_skipping_indices
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}`

	// InspectProjectionsSQL returns a row for each [CatalogProjection], in the
	// order of their names.
	InspectProjectionsSQL = `SELECT name, query
FROM system.projections
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
ORDER BY name`

	// InspectViewsSQL returns a row for each [CatalogView], in the order of
	// their names. It takes a third parameter {views:String}, names of views as
	// a JSON list: what has one of them is returned as well, whatever it is.
	InspectViewsSQL = `WITH if({database:String} = '', currentDatabase(), {database:String}) AS here
SELECT name, engine, create_table_query, as_select, comment
FROM system.tables
WHERE database = here AND (has(JSONExtract({views:String}, 'Array(String)'), name) OR engine = 'MaterializedView' AND (database, name) IN (
	SELECT arrayJoin(arrayZip(dependencies_database, dependencies_table)) FROM system.tables WHERE database = here AND name = {table:String}))
ORDER BY name`
)

// Catalog is what the system tables of a server say about one table.
type Catalog struct {
	Table       CatalogTable        // the one row of InspectTableSQL
	Columns     []CatalogColumn     // of InspectColumnsSQL
	Indexes     []CatalogIndex      // of InspectIndexesSQL
	Projections []CatalogProjection // of InspectProjectionsSQL
	Views       []CatalogView       // of InspectViewsSQL
}

// CatalogTable is a row of system.tables.
type CatalogTable struct {
	Database     string `ch:"database"`
	Name         string `ch:"name"`
	Engine       string `ch:"engine"`             // its name alone
	EngineFull   string `ch:"engine_full"`        // with parameters, keys, TTL and settings
	CreateQuery  string `ch:"create_table_query"` // as the server would print it
	PartitionKey string `ch:"partition_key"`      // an expression, or empty
	SortingKey   string `ch:"sorting_key"`        // expressions, separated by commas
	PrimaryKey   string `ch:"primary_key"`        // the same
	Comment      string `ch:"comment"`
	Views        uint64 `ch:"views"` // the number of views that read the table
}

// CatalogColumn is a row of system.columns.
type CatalogColumn struct {
	Name              string `ch:"name"`
	Type              string `ch:"type"`
	DefaultKind       string `ch:"default_kind"`       // DEFAULT, MATERIALIZED, ALIAS, EPHEMERAL or empty
	DefaultExpression string `ch:"default_expression"` // as SQL, or empty
	Codec             string `ch:"compression_codec"`  // CODEC(...), or empty
	Comment           string `ch:"comment"`
}

// CatalogIndex is a row of system.data_skipping_indices.
type CatalogIndex struct {
	Name        string `ch:"name"`
	Expr        string `ch:"expr"`        // what is indexed, as SQL
	Type        string `ch:"type_full"`   // with its parameters
	Granularity uint64 `ch:"granularity"` // granules of the table in one of the index
}

// CatalogProjection is a row of system.projections.
type CatalogProjection struct {
	Name  string `ch:"name"`
	Query string `ch:"query"` // a SELECT without FROM
}

// CatalogView is a row of system.tables that is about a materialized view, or
// about what has the name of one.
type CatalogView struct {
	Name        string `ch:"name"`
	Engine      string `ch:"engine"`             // MaterializedView, unless only the name is the view's
	CreateQuery string `ch:"create_table_query"` // which says where it inserts
	Select      string `ch:"as_select"`          // its query
	Comment     string `ch:"comment"`
}

// FromCatalog makes a table of what the server says about it. It keeps the
// server's spelling; see [Table.Canonical]. Tables of other engines than the
// MergeTree family come out with their engine and columns only. An error means
// that the server printed something that this package cannot read.
func FromCatalog(c Catalog) (Table, error) {
	t := Table{
		Database:    c.Table.Database,
		Name:        c.Table.Name,
		Engine:      c.Table.Engine,
		OrderBy:     sqltext.SplitKey(c.Table.SortingKey),
		PrimaryKey:  sqltext.SplitKey(c.Table.PrimaryKey),
		PartitionBy: c.Table.PartitionKey,
		Comment:     c.Table.Comment,
	}
	if _, ok := sqltext.EngineName(c.Table.Engine); ok {
		if err := t.readEngine(c.Table.EngineFull); err != nil {
			return Table{}, fmt.Errorf("table %q: engine: %w", c.Table.Name, err)
		}
	}
	var err error
	if t.Distributed, err = ParseDistributed(c.Table.EngineFull); err != nil {
		return Table{}, fmt.Errorf("table %q: %w", c.Table.Name, err)
	}
	if rebuildsettings.Take(t.Settings) {
		t.Rebuild = &RebuildState{Settings: true}
	}
	ttls, err := columnTTLs(c.Table.CreateQuery)
	if err != nil {
		return Table{}, fmt.Errorf("table %q: create statement: %w", c.Table.Name, err)
	}
	for _, cc := range c.Columns {
		column, err := fromCatalogColumn(cc)
		if err != nil {
			return Table{}, fmt.Errorf("table %q: %w", c.Table.Name, err)
		}
		column.TTL = ttls[cc.Name]
		t.Columns = append(t.Columns, column)
	}
	for _, x := range c.Indexes {
		t.Indexes = append(t.Indexes, Index{Name: x.Name, Expr: x.Expr, Type: x.Type, Granularity: int(x.Granularity)}) //nolint:gosec // the server counts granules, far below 2^63
	}
	for _, p := range c.Projections {
		t.Projections = append(t.Projections, Projection{Name: p.Name, Select: p.Query})
	}
	for _, v := range c.Views {
		view, err := fromCatalogView(v, c.Table.Database)
		if err != nil {
			return Table{}, fmt.Errorf("table %q: view %q: create statement: %w", c.Table.Name, v.Name, err)
		}
		t.Views = append(t.Views, view)
	}
	return t, nil
}

func fromCatalogView(c CatalogView, database string) (View, error) {
	v := View{Name: c.Name, Select: c.Select, Comment: c.Comment}
	if c.Engine != "MaterializedView" {
		v.Other = c.Engine
		return v, nil
	}
	tokens, err := sqltext.Tokenize(c.CreateQuery)
	if err != nil {
		return View{}, err
	}
	v.To = viewTarget(tokens, database)
	return v, nil
}

func fromCatalogColumn(c CatalogColumn) (Column, error) {
	out := Column{Name: c.Name, Type: c.Type, Default: c.DefaultExpression, Comment: c.Comment}
	out.takeMark()
	switch c.DefaultKind {
	case "", "DEFAULT":
	case "MATERIALIZED":
		out.Kind = Materialized
	case "ALIAS":
		out.Kind = Alias
	case "EPHEMERAL":
		out.Kind = Ephemeral
	default:
		return Column{}, fmt.Errorf("column %q: unknown kind of default %q", c.Name, c.DefaultKind)
	}
	if inner, ok := coltype.Unwrap(c.Codec, "CODEC"); ok {
		out.Codec = inner
	}
	return out, nil
}
