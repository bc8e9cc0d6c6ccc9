package ddl

// Storage says how much of a table is stored. It is no part of what a table is:
// it is never compared, and it changes with every insert.
type Storage struct {
	// Rows is the number of rows.
	Rows uint64
	// Bytes is their size on disk.
	Bytes uint64
	// Parts is the number of active parts.
	Parts uint64
	// Columns says the same of single columns, by name.
	Columns map[string]ColumnStorage
}

// ColumnStorage says how much of a column is stored.
type ColumnStorage struct {
	// Parts is the number of active parts that hold the column. Parts that were
	// written before it was added do not, and read its default.
	Parts uint64
	// Bytes is its size on disk.
	Bytes uint64
}

// Lacks reports whether some rows are stored without the column.
func (s *Storage) Lacks(column string) bool {
	return s != nil && s.Columns[column].Parts < s.Parts
}
