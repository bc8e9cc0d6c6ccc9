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

// lacks reports whether some rows are stored without the column.
func (s *Storage) lacks(column string) bool {
	return s != nil && s.Columns[column].Parts < s.Parts
}

// Touched returns how much a statement reads or writes: nothing when it is
// about metadata, else the columns that it names, or the whole table. It is an
// upper bound where the sizes of columns are not known.
func (s *Storage) Touched(statement Statement) (rows, bytes uint64) {
	if s == nil || statement.Hazard <= DropsMetadata {
		return 0, 0
	}
	for _, name := range statement.Columns {
		if s.Columns[name].Bytes == 0 {
			return s.Rows, s.Bytes
		}
		bytes += s.Columns[name].Bytes
	}
	if len(statement.Columns) == 0 {
		bytes = s.Bytes
	}
	return s.Rows, bytes
}
