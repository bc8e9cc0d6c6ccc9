package fact

// Field is one typed, named value of a fact, and one column of its table.
type Field struct {
	// Name is the key in Fact.Data and the name of the column.
	Name string
	// Type says which values the field takes.
	Type FieldType

	// Nullable lets the field hold NULL, which is not the same as the zero
	// value. Arrays, StringMap and NativeJSON cannot be Nullable.
	Nullable bool
	// Array makes the field a list of Type. Lists are never nested, and their
	// elements are never NULL.
	Array bool
	// FactID marks the field that carries Fact.ID. It is a String or a UUID,
	// neither Nullable nor an Array, without a Default, and at most one field
	// of a schema.
	FactID bool

	// Default is stored when a fact has no value for the field. Nil means that
	// there is none. It is a Go value that the field itself would accept;
	// package ddl checks that when it renders the table.
	Default any
	// Comment is shown with the column in the database. It has no effect.
	Comment string

	// Precision and Scale are for Decimal only: the number of all digits
	// (1 to 38) and of those after the point (0 to Precision).
	Precision, Scale int
	// Values are the names of an Enum (1 to 127 of them), numbered from 1 in
	// this order. No other type has them.
	Values []string
}

// Schema describes one kind of fact: its name, its fields and the order in
// which its rows are sorted. It is plain data. Use [Schema.Validate] before
// relying on it.
type Schema struct {
	// Name is the name of the schema, of its table and of the events that
	// carry its facts.
	Name string
	// Fields are the columns, in order.
	Fields []Field
	// OrderBy names the fields of the sorting key, most significant first.
	// It may be empty: rows are then kept in the order of arrival.
	OrderBy []string
}

// FieldByName returns the field with the given name, and whether there is one.
func (s Schema) FieldByName(name string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// FactIDField returns the field that carries Fact.ID, and whether there is one.
func (s Schema) FactIDField() (Field, bool) {
	for _, f := range s.Fields {
		if f.FactID {
			return f, true
		}
	}
	return Field{}, false
}
