package ddl

// Rebuild is how a table gets what no statement can give it in place: a new
// table is made, the rows are copied into it, and the two change places. It is
// plain data; its methods render the statements.
type Rebuild struct {
	// On is the table.
	On TableName
	// From is the table as it is, and To as it will be. To keeps the columns and
	// indexes that the schema lacks, and everything whose change would delete
	// rows or values: statements behind the rebuild do that.
	From, To Table
	// Copies are the columns that are copied. The others of To read their
	// default.
	Copies []ColumnCopy
	// Reasons are the differences that the rebuild removes, those that take it
	// first.
	Reasons []string
	// Finish says that the tables have changed places already, and that only
	// the end is left to do. From, To and Copies are empty then.
	Finish bool
}

// ColumnCopy is a column that a [Rebuild] copies.
type ColumnCopy struct {
	// Name is the name of the column in both tables.
	Name string
	// From and To are its two types.
	From, To string
	// Checked says that stored values may not fit the new type. Every one of
	// them is looked at before it is copied, and none is changed or left out:
	// a value that does not fit stops the rebuild.
	Checked bool
}

// RebuildState says how a table stands to a rebuild. It is no part of what a
// table is and is never compared.
type RebuildState struct {
	// Settings says that the table has settings that only a rebuild gives it:
	// one has begun and is not finished.
	Settings bool
	// Exchanged says that the table is the new one, and that the old one has
	// not been put away yet.
	Exchanged bool
	// Other is the name of the second table of a rebuild that has begun. Empty
	// means that there is none.
	Other string
	// Obstacles are the reasons why the table cannot be rebuilt.
	Obstacles []string
}

// Piece is a part of a table, or some of its rows.
type Piece struct {
	// Part is the name of the part.
	Part string
	// From is the offset of the first row, and To the one behind the last. Both
	// are 0 for the whole part.
	From, To uint64
}

const (
	// ReservedPrefix begins the names of the tables that factload keeps for itself.
	// No schema and no view has such a name.
	ReservedPrefix = "_factload"
	// RebuildLedger is the table in which rebuilds keep their record.
	RebuildLedger = "_factload_rebuilds"

	rebuildSuffix = "_rebuild"
	beforeSuffix  = "_before_"
)

// RebuildName returns the name of the new table of a rebuild while rows are
// copied into it.
func RebuildName(table string) string { return table + rebuildSuffix }

// BeforeName returns the name under which the old table is kept after a
// rebuild. The day is written as YYYYMMDD.
func BeforeName(table, day string) string { return table + beforeSuffix + day }

// While a table is rebuilt it has settings that it never has otherwise. Their
// values are such that nobody would choose them, so that they are told from a
// user's own.
var (
	// frozenSettings keep parts as they are, and let there be many of them.
	frozenSettings = map[string]string{
		"max_bytes_to_merge_at_max_space_in_pool": "0",
		"parts_to_delay_insert":                   "1000003",
		"parts_to_throw_insert":                   "1000033",
	}
	// fenceSetting refuses every insert with a code that means: try again.
	fenceSetting = map[string]string{"max_parts_in_total": "0"}
	// copySettings are those of the new table while rows are copied into it. It
	// remembers every copy, so that none is stored twice.
	copySettings = map[string]string{
		"max_parts_in_total":                  "1000037",
		"non_replicated_deduplication_window": "1000039",
		"parts_to_delay_insert":               "1000003",
		"parts_to_throw_insert":               "1000033",
	}
)

// takeRebuildSettings takes the settings of a rebuild away and reports whether
// there were any.
func takeRebuildSettings(settings map[string]string) bool {
	found := false
	for name, value := range settings {
		for _, own := range []map[string]string{frozenSettings, fenceSetting, copySettings} {
			if own[name] == value {
				delete(settings, name)
				found = true
			}
		}
	}
	return found
}

// HasRebuildSettings reports whether the engine clause of a table, as the server
// prints it, has settings that only a rebuild gives it.
func HasRebuildSettings(engineFull string) bool {
	var t Table
	return t.readEngine(engineFull) == nil && takeRebuildSettings(t.Settings)
}
