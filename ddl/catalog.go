package ddl

import (
	"fmt"
	"slices"
	"strings"
)

// Queries that read a [Catalog]. They take the parameters {database:String} and
// {table:String}; an empty database means the connection's. Columns come in the
// order of the fields of CatalogTable, CatalogColumn and Index, whose ch tags
// name them.
const (
	// InspectTableSQL returns one row for [CatalogTable], or none when there is
	// no such table.
	InspectTableSQL = `SELECT database, name, engine, engine_full, create_table_query, partition_key, sorting_key, primary_key, comment
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
)

// Catalog is what the system tables of a server say about one table.
type Catalog struct {
	Table   CatalogTable
	Columns []CatalogColumn
	Indexes []CatalogIndex
}

// CatalogTable is a row of system.tables.
type CatalogTable struct {
	Database     string `ch:"database"`
	Name         string `ch:"name"`
	Engine       string `ch:"engine"`
	EngineFull   string `ch:"engine_full"`
	CreateQuery  string `ch:"create_table_query"`
	PartitionKey string `ch:"partition_key"`
	SortingKey   string `ch:"sorting_key"`
	PrimaryKey   string `ch:"primary_key"`
	Comment      string `ch:"comment"`
}

// CatalogColumn is a row of system.columns.
type CatalogColumn struct {
	Name              string `ch:"name"`
	Type              string `ch:"type"`
	DefaultKind       string `ch:"default_kind"`
	DefaultExpression string `ch:"default_expression"`
	Codec             string `ch:"compression_codec"`
	Comment           string `ch:"comment"`
}

// CatalogIndex is a row of system.data_skipping_indices.
type CatalogIndex struct {
	Name        string `ch:"name"`
	Expr        string `ch:"expr"`
	Type        string `ch:"type_full"`
	Granularity uint64 `ch:"granularity"`
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
		OrderBy:     splitKey(c.Table.SortingKey),
		PrimaryKey:  splitKey(c.Table.PrimaryKey),
		PartitionBy: c.Table.PartitionKey,
		Comment:     c.Table.Comment,
	}
	if _, ok := engineName(c.Table.Engine); ok {
		if err := t.readEngine(c.Table.EngineFull); err != nil {
			return Table{}, fmt.Errorf("table %q: engine: %w", c.Table.Name, err)
		}
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
	return t, nil
}

func fromCatalogColumn(c CatalogColumn) (Column, error) {
	out := Column{Name: c.Name, Type: c.Type, Default: c.DefaultExpression, Comment: c.Comment}
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
	if inner, ok := unwrap(c.Codec, "CODEC"); ok {
		out.Codec = inner
	}
	return out, nil
}

// readEngine takes apart what system.tables calls engine_full: the engine, then
// the clauses. Keys are read from columns of their own.
func (t *Table) readEngine(full string) error {
	tokens, err := tokenize(full)
	if err != nil {
		return err
	}
	end := len(tokens)
	if at := settingsStart(tokens); at >= 0 {
		t.Settings = readSettings(tokens[at+1:])
		end = at
	}
	if at := ttlStart(tokens[:end]); at >= 0 {
		t.TTL = source(full, tokens[at+1:end])
	}
	name := 1
	if len(tokens) > 1 && tokens[1].is("(") {
		name = 2 + closing(tokens[1:])
	}
	t.Engine = source(full, tokens[:name])
	return nil
}

// settingsStart returns where the SETTINGS clause starts, which is the last one,
// or -1. A column may have the same name.
func settingsStart(tokens []token) int {
	for i := len(tokens) - 3; i > 0; i-- {
		if tokens[i].isWord("SETTINGS") && tokens[i+1].kind == wordToken && tokens[i+2].is("=") {
			return i
		}
	}
	return -1
}

// ttlStart returns where a TTL clause starts, or -1. A column may have the same
// name: the clause stands between the end of one expression and the start of
// another.
func ttlStart(tokens []token) int {
	depth := 0
	for i, t := range tokens {
		depth += nesting(t)
		if depth != 0 || i == 0 || i+1 == len(tokens) || !t.isWord("TTL") {
			continue
		}
		if endsExpression(tokens[:i]) && startsExpression(tokens[i+1]) {
			return i
		}
	}
	return -1
}

// endsExpression reports whether the last of the tokens can end an expression.
func endsExpression(tokens []token) bool {
	last := tokens[len(tokens)-1]
	switch last.kind {
	case symbolToken:
		return last.text == ")" || last.text == "]"
	case wordToken:
		named := len(tokens) > 1 && takesExpression(tokens[len(tokens)-2]) // ORDER BY AND: a column of that name
		return named || !takesExpression(last)
	default:
		return true
	}
}

// takesExpression reports whether an expression has to follow the word.
func takesExpression(t token) bool {
	return t.kind == wordToken && slices.Contains([]string{"BY", "KEY", "AND", "OR", "NOT"}, t.text)
}

func startsExpression(t token) bool {
	return t.kind != symbolToken || t.text == "(" || t.text == "[" || t.text == "-"
}

func readSettings(tokens []token) map[string]string {
	out := make(map[string]string)
	for _, part := range splitTop(tokens) {
		if len(part) >= 3 && part[1].is("=") {
			value := part[2:]
			if len(value) == 1 {
				out[part[0].text] = value[0].text
				continue
			}
			out[part[0].text] = joinTokens(value)
		}
	}
	return out
}

// columnTTLs returns the TTL expressions of columns by name. The server prints
// them nowhere but in the create statement.
func columnTTLs(create string) (map[string]string, error) {
	if !strings.Contains(create, " TTL ") {
		return nil, nil
	}
	tokens, err := tokenize(create)
	if err != nil {
		return nil, err
	}
	for len(tokens) > 0 && !tokens[0].is("(") {
		tokens = tokens[1:]
	}
	end := closing(tokens)
	if end < 1 {
		return nil, nil
	}
	out := make(map[string]string)
	for _, part := range splitTop(tokens[1:end]) {
		if len(part) == 0 || part[0].kind != nameToken {
			continue // an index, a constraint or a projection
		}
		if at := ttlStart(part); at > 0 {
			out[part[0].text] = source(create, part[at+1:])
		}
	}
	return out, nil
}
