package fact

import (
	"reflect"

	"github.com/factload/factload/fact/schema"
)

// What facts look like is package schema's; these are its names.
type (
	// Schema describes one kind of fact: its name, its fields and the order in which
	// its rows are sorted. Schema.Validate finds everything that is wrong with one.
	Schema = schema.Schema
	// Field is one typed, named value of a fact, and one column of its table.
	Field = schema.Field
	// FieldType is the kind of value a Field holds.
	FieldType = schema.FieldType
	// Unit is what a number that stands for a point in time counts.
	Unit = schema.Unit
	// SchemaError is one thing that is wrong with a Schema.
	SchemaError = schema.SchemaError
	// Path leads from a row to one of the values in it.
	Path = schema.Path
	// Step is one step of a Path.
	Step = schema.Step
	// Struct is a struct type, compiled to carry the values of facts.
	Struct = schema.Struct
	// StructField is a field of a struct type that carries a field of a fact.
	StructField = schema.StructField
	// StructError is one problem of a struct type that is to carry facts.
	StructError = schema.StructError
)

// The field types. Package schema says what each of them holds.
const (
	String               = schema.String
	LowCardinalityString = schema.LowCardinalityString
	Bool                 = schema.Bool
	UInt16               = schema.UInt16
	UInt32               = schema.UInt32
	Float32              = schema.Float32
	Float64              = schema.Float64
	DateTime64           = schema.DateTime64
	JSON                 = schema.JSON
	Int8                 = schema.Int8
	Int16                = schema.Int16
	Int32                = schema.Int32
	Int64                = schema.Int64
	UInt8                = schema.UInt8
	UInt64               = schema.UInt64
	Date                 = schema.Date
	UUID                 = schema.UUID
	Decimal              = schema.Decimal
	Enum                 = schema.Enum
	StringMap            = schema.StringMap
	NativeJSON           = schema.NativeJSON
)

// The units, as schema files spell them.
const (
	Seconds      = schema.Seconds
	Milliseconds = schema.Milliseconds
	Microseconds = schema.Microseconds
	Nanoseconds  = schema.Nanoseconds
)

// FieldTypes returns every field type in the order of their numbers. The slice is the
// caller's.
func FieldTypes() []FieldType { return schema.FieldTypes() }

// ParseFieldType is the inverse of FieldType.String. Names are matched exactly.
func ParseFieldType(s string) (FieldType, error) { return schema.ParseFieldType(s) }

// Units returns all units, the longest first.
func Units() []Unit { return schema.Units() }

// ParsePath reads a path as Field.From has it; see [schema.ParsePath].
func ParsePath(text string) (Path, error) { return schema.ParsePath(text) }

// ParseRowsPath reads a path to the rows of a file; see [schema.ParseRowsPath].
func ParseRowsPath(text string) (Path, error) { return schema.ParseRowsPath(text) }

// StructOf compiles a struct type, once for each type; see [schema.StructOf].
func StructOf(t reflect.Type) (*Struct, error) { return schema.StructOf(t) }

// StructValue returns the struct that [Fact.Value] holds, whose fields can be addressed
// then. A pointer to a struct is followed; a struct itself is copied.
func StructValue(value any) (reflect.Value, error) { return schema.StructValue(value) }
