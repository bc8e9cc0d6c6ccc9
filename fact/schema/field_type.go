package schema

import (
	"fmt"
	"strings"
)

// FieldType is the kind of value a [Field] holds. It names a meaning, not a
// ClickHouse type: package ddl turns it into one.
//
// The first nine values and their order are fixed for good. New types are
// added at the end only.
type FieldType int

// The field types.
const (
	// String is text of any length.
	String FieldType = iota
	// LowCardinalityString is text with few distinct values, such as a model
	// name or a role. It is stored as a dictionary.
	LowCardinalityString
	// Bool is true or false.
	Bool
	// UInt16 is an unsigned integer of 16 bits.
	UInt16
	// UInt32 is an unsigned integer of 32 bits.
	UInt32
	// Float32 is a floating point number of 32 bits.
	Float32
	// Float64 is a floating point number of 64 bits.
	Float64
	// DateTime64 is a point in time in UTC, with milliseconds.
	DateTime64
	// JSON is any JSON value, kept as text. A Go string in such a field holds JSON,
	// and is stored as it is.
	JSON
	// Int8 is a signed integer of 8 bits.
	Int8
	// Int16 is a signed integer of 16 bits.
	Int16
	// Int32 is a signed integer of 32 bits.
	Int32
	// Int64 is a signed integer of 64 bits.
	Int64
	// UInt8 is an unsigned integer of 8 bits.
	UInt8
	// UInt64 is an unsigned integer of 64 bits.
	UInt64
	// Date is a calendar day without a time of day.
	Date
	// UUID is a universally unique identifier.
	UUID
	// Decimal is an exact decimal number; see Field.Precision and Field.Scale.
	Decimal
	// Enum is one of a short list of names; see Field.Values.
	Enum
	// StringMap maps text keys to text values.
	StringMap
	// NativeJSON is a JSON object kept in ClickHouse's own JSON type, where
	// each path can be queried as a column.
	NativeJSON
)

// fieldTypes is the one table that says what each type is called and where it
// may be used. It is indexed by FieldType.
var fieldTypes = [...]struct {
	name     string
	nullable bool // may be Nullable
	array    bool // may be the element type of an Array
	sortable bool // may be named in OrderBy
}{
	String:               {name: "string", nullable: true, array: true, sortable: true},
	LowCardinalityString: {name: "low_cardinality_string", nullable: true, array: true, sortable: true},
	Bool:                 {name: "bool", nullable: true, array: true, sortable: true},
	UInt16:               {name: "uint16", nullable: true, array: true, sortable: true},
	UInt32:               {name: "uint32", nullable: true, array: true, sortable: true},
	Float32:              {name: "float32", nullable: true, array: true, sortable: true},
	Float64:              {name: "float64", nullable: true, array: true, sortable: true},
	DateTime64:           {name: "datetime64", nullable: true, array: true, sortable: true},
	JSON:                 {name: "json", nullable: true, array: true},
	Int8:                 {name: "int8", nullable: true, array: true, sortable: true},
	Int16:                {name: "int16", nullable: true, array: true, sortable: true},
	Int32:                {name: "int32", nullable: true, array: true, sortable: true},
	Int64:                {name: "int64", nullable: true, array: true, sortable: true},
	UInt8:                {name: "uint8", nullable: true, array: true, sortable: true},
	UInt64:               {name: "uint64", nullable: true, array: true, sortable: true},
	Date:                 {name: "date", nullable: true, array: true, sortable: true},
	UUID:                 {name: "uuid", nullable: true, array: true, sortable: true},
	Decimal:              {name: "decimal", nullable: true, array: true, sortable: true},
	Enum:                 {name: "enum", nullable: true, array: true, sortable: true},
	StringMap:            {name: "string_map"},
	NativeJSON:           {name: "native_json"},
}

// FieldTypes returns every field type in the order of their numbers. The
// slice is the caller's.
func FieldTypes() []FieldType {
	all := make([]FieldType, len(fieldTypes))
	for i := range all {
		all[i] = FieldType(i)
	}
	return all
}

// Valid reports whether t is one of the declared types.
func (t FieldType) Valid() bool {
	return t >= 0 && int(t) < len(fieldTypes)
}

// IsInteger reports whether t holds whole numbers only.
func (t FieldType) IsInteger() bool {
	switch t {
	case Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64:
		return true
	default:
		return false
	}
}

// IsNumeric reports whether t holds numbers.
func (t FieldType) IsNumeric() bool {
	return t.IsInteger() || t == Float32 || t == Float64 || t == Decimal
}

// String returns the name of the type in snake case, as schema files spell
// it. An unknown type gives "field_type(99)", which ParseFieldType refuses.
func (t FieldType) String() string {
	if !t.Valid() {
		return fmt.Sprintf("field_type(%d)", int(t))
	}
	return fieldTypes[t].name
}

// ParseFieldType is the inverse of FieldType.String. Names are matched
// exactly. The error for an unknown name lists the known ones.
func ParseFieldType(s string) (FieldType, error) {
	for i := range fieldTypes {
		if fieldTypes[i].name == s {
			return FieldType(i), nil
		}
	}
	names := make([]string, len(fieldTypes))
	for i := range fieldTypes {
		names[i] = fieldTypes[i].name
	}
	return 0, fmt.Errorf("unknown field type %q: use one of %s", s, strings.Join(names, ", "))
}

// MarshalText returns the name of the type. It fails for an unknown type.
func (t FieldType) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, fmt.Errorf("unknown field type number %d", int(t))
	}
	return []byte(fieldTypes[t].name), nil
}

// UnmarshalText reads a name as ParseFieldType does.
func (t *FieldType) UnmarshalText(text []byte) error {
	parsed, err := ParseFieldType(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
