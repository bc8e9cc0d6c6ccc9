package schema

// Field is one typed, named value of a fact, and one column of its table.
type Field struct {
	// Name is the name of the column, and the key in the Data of a fact unless From gives
	// another one.
	Name string
	// Type says which values the field takes.
	Type FieldType

	// Nullable lets the field hold NULL, which is not the same as the zero
	// value. Arrays, StringMap and NativeJSON cannot be Nullable.
	Nullable bool
	// Array makes the field a list of Type. Lists are never nested, and their
	// elements are never NULL.
	Array bool
	// FactID marks the field that carries the ID of the fact. It is a String or a UUID,
	// neither Nullable nor an Array, without a Default, and at most one field
	// of a schema.
	FactID bool

	// Default is stored when a fact has no value for the field. Nil means that
	// there is none. It is a Go value that the field itself would accept;
	// package ddl checks that when it renders the table.
	Default any
	// Comment is shown with the column in the database. It has no effect.
	Comment string

	// Precision and Scale of a Decimal are the number of all digits (1 to 38)
	// and of those after the point (0 to Precision). Precision of a DateTime64
	// is the number of digits of a second that are stored: 3, 6 or 9; 0 means 3.
	// No other type has them.
	Precision, Scale int
	// Values are the names of an Enum (1 to 127 of them), numbered from 1 in
	// this order. No other type has them.
	Values []string

	// From says where in the row the value stands: a path that [ParsePath]
	// reads. Empty means the key Name. No two fields take the same value, nor
	// one a part of another's. If a value on the way is missing or null, or an
	// array is too short, the field is missing.
	From string
	// Unit lets a DateTime64 or a Date take numbers of its own kind, with or
	// without a fraction or quotes: that many units since 1970-01-01 in UTC. With
	// Seconds, it takes [seconds, nanoseconds] as well. Without a Unit, a
	// DateTime64 takes whole milliseconds, and a Date no numbers.
	Unit Unit
	// Quoted lets a field of numbers take them in quotes too. UInt64, Int64 and
	// Decimal do so anyway.
	Quoted bool
	// NaNIsNull takes NaN, Infinity and -Infinity, which Python writes and JSON
	// does not have, for null. It is for numbers, which are then Nullable or
	// have NullIsDefault, and for JSON and NativeJSON, where it counts at any
	// depth.
	NaNIsNull bool
	// ReplaceSurrogates takes the escape of half a surrogate pair, as in text
	// that was cut within a character, for U+FFFD. It is for String,
	// LowCardinalityString and StringMap, and for JSON and NativeJSON, where it
	// counts at any depth, in keys too.
	ReplaceSurrogates bool
	// NullIsDefault takes null as if the field was missing. It is for fields
	// that are not Nullable; an element of an Array is never null.
	NullIsDefault bool
}

// Unit is what a number that stands for a point in time counts.
type Unit string

// The units, as schema files spell them.
const (
	Seconds      Unit = "s"
	Milliseconds Unit = "ms"
	Microseconds Unit = "us"
	Nanoseconds  Unit = "ns"
)

// Units returns all units, the longest first.
func Units() []Unit { return []Unit{Seconds, Milliseconds, Microseconds, Nanoseconds} }

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
	// ReplaceBy names the field that tells versions of a row apart: of rows with
	// the same OrderBy, the one with the largest value stays, and of those the
	// one that came last. Empty means that all rows stay. It is an unsigned
	// integer, a Date or a DateTime64, neither Nullable nor in OrderBy.
	ReplaceBy string
	// Table is what else is to be said of the table that facts of the schema are
	// kept in, such as how long: a value of a type that the materializer names,
	// as package clickhouse names ddl.Options. Nil says nothing. It travels with
	// the schema so that whoever uses a schema of somebody else has all of it.
	// This package does not look at it.
	Table any
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

// FactIDField returns the field that carries the ID of the fact, and whether there is one.
func (s Schema) FactIDField() (Field, bool) {
	for _, f := range s.Fields {
		if f.FactID {
			return f, true
		}
	}
	return Field{}, false
}
