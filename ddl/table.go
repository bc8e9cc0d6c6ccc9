package ddl

import "github.com/factload/factload/ddl/internal/coltype"

// Table is a ClickHouse table as data. [NewTable] and [FromCatalog] make one.
// Fields that end in Key or By, and all that are called an expression, hold
// SQL; all others hold plain text that is quoted when it is rendered.
type Table struct {
	// Database is the database of the table. Empty means the connection's.
	Database string
	// Name is the name of the table.
	Name string
	// Columns are the columns in their order.
	Columns []Column
	// Engine is the table engine with its arguments.
	Engine string
	// OrderBy is the sorting key: expressions, a column being a quoted name.
	// Empty means no order.
	OrderBy []string
	// PrimaryKey is the primary key in the same form. Empty means that it is
	// the sorting key.
	PrimaryKey []string
	// PartitionBy is the partition key, an expression. Empty means none.
	PartitionBy string
	// TTL holds the rules by which rows expire, as SQL. Empty means none.
	TTL string
	// Settings are the table's own settings by name, values without quotes.
	Settings map[string]string
	// Indexes are the data skipping indexes.
	Indexes []Index
	// Projections are the projections.
	Projections []Projection
	// Views are the materialized views that read the table.
	Views []View
	// Comment describes the table.
	Comment string
	// Cluster is the cluster whose hosts have the table. It is not a property of
	// the table on the server, so it is never compared.
	Cluster string
	// Distributed says how the rows are spread over shards. Nil means that the table
	// has them all. A table whose Engine is not Distributed stands for two: see [Expand].
	Distributed *Distributed
	// Storage says how much is stored in the table. Nil means that nobody has
	// asked. It is never compared.
	Storage *Storage
	// Rebuild says whether the table is being rebuilt, and what is in the way of
	// that. Nil means that nothing is known. It is never compared.
	Rebuild *RebuildState

	chosenSetting string // the name of the one that NewTable chose, since nobody gave it
}

// Column is a column of a [Table].
type Column struct {
	// Name is the name of the column.
	Name string
	// Type is the ClickHouse type, such as LowCardinality(Nullable(String)).
	Type string
	// Kind says how the server fills the column. The zero value is an ordinary
	// column; tables made from a schema have no other.
	Kind ColumnKind
	// Default is the expression of the default value, for columns made by
	// NewTable a literal. Empty means the default of the type.
	Default string
	// Codec is the list of compression codecs without the word CODEC. Empty
	// means the server's default.
	Codec string
	// TTL is the expression by which the value expires. Empty means never.
	TTL string
	// Comment describes the column, without the mark of JSON text.
	Comment string
	// JSON says that the text in the column is JSON. The server keeps that as a mark in
	// the comment: see [JSONMark]. Tables made before there was a mark lack it.
	JSON bool

	written bool                      // a person wrote the type, and nobody has asked how the server spells it
	chosen  struct{ codec, def bool } // by NewTable, since nobody gave one
}

// GivesCodec reports whether somebody gave the codec. [NewTable] chooses one where
// nobody did.
func (c Column) GivesCodec() bool { return c.Codec != "" && !c.chosen.codec }

// GivesDefault reports whether somebody gave the default. [NewTable] chooses one
// for JSON text.
func (c Column) GivesDefault() bool { return c.Default != "" && !c.chosen.def }

// ColumnKind says how a column gets its values.
type ColumnKind int

const (
	// Ordinary columns take inserted values, or their default.
	Ordinary ColumnKind = iota
	// Materialized columns are computed and stored on insert.
	Materialized
	// Alias columns are computed when read.
	Alias
	// Ephemeral columns take inserted values and are not stored.
	Ephemeral
)

// String returns the keyword of the kind in lower case.
func (k ColumnKind) String() string {
	switch k {
	case Ordinary:
		return "ordinary"
	case Materialized:
		return "materialized"
	case Alias:
		return "alias"
	case Ephemeral:
		return "ephemeral"
	}
	return "unknown"
}

// TableName says which table a change or plan is about.
type TableName struct {
	// Database is empty for the connection's database.
	Database string
	// Name is the name of the table.
	Name string
	// Cluster is empty when statements run on the connected server only.
	Cluster string
}

// String returns the name as a person would write it, without quotes. It is
// for messages, not for SQL.
func (n TableName) String() string {
	if n.Database == "" {
		return n.Name
	}
	return n.Database + "." + n.Name
}

// TableName returns which table t is.
func (t Table) TableName() TableName {
	return TableName{Database: t.Database, Name: t.Name, Cluster: t.Cluster}
}

// GivesSetting reports whether somebody gave the setting. [NewTable] chooses the
// deduplication window where nobody did.
func (t Table) GivesSetting(name string) bool {
	_, ok := t.Settings[name]
	return ok && name != t.chosenSetting
}

// ViewNames returns the names of the table's materialized views.
func (t Table) ViewNames() []string {
	var out []string
	for _, v := range t.Views {
		out = append(out, v.Name)
	}
	return out
}

// Column returns the column of the given name.
func (t Table) Column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// Takes reports whether rows of the given columns can be inserted into the table
// as it is: it has them all, and each holds every value just as it is. Whether text for
// a column of JSON is JSON, an insert looks at. The rest of the table does not matter.
func (t Table) Takes(columns []Column) bool {
	for _, c := range columns {
		have, ok := t.Column(c.Name)
		if !ok || have.Kind == Materialized || have.Kind == Alias {
			return false
		}
		if coltype.Canonical(have.Type) != coltype.Canonical(c.Type) && !Widens(have.Type, c.Type) {
			return false
		}
	}
	return true
}
