package ddl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// MaxDecimalPrecision is the most digits a Decimal field may have.
const MaxDecimalPrecision = 38

// ErrColumnType is wrapped by the errors of [ColumnType].
var ErrColumnType = errors.New("no column type")

// ColumnType returns the ClickHouse type of the column of f, spelled as the
// server spells it. A type or a combination that has no column type is an
// error; nothing falls back to String.
func ColumnType(f fact.Field) (string, error) {
	base, err := baseType(f)
	if err != nil {
		return "", fmt.Errorf("field %q: %w: %w", f.Name, ErrColumnType, err)
	}
	composite := f.Type == fact.StringMap || f.Type == fact.NativeJSON
	switch {
	case f.Array && f.Nullable:
		return "", fmt.Errorf("field %q: %w: an array cannot be nullable", f.Name, ErrColumnType)
	case f.Array && composite:
		return "", fmt.Errorf("field %q: %w: there are no arrays of %s", f.Name, ErrColumnType, f.Type)
	case f.Nullable && composite:
		return "", fmt.Errorf("field %q: %w: a %s cannot be nullable", f.Name, ErrColumnType, f.Type)
	case f.Type == fact.LowCardinalityString && f.Nullable:
		return "LowCardinality(Nullable(String))", nil
	case f.Nullable:
		return "Nullable(" + base + ")", nil
	case f.Array:
		return "Array(" + base + ")", nil
	}
	return base, nil
}

// plainTypes are the column types of the field types that take no parameters.
var plainTypes = map[fact.FieldType]string{
	fact.String:               "String",
	fact.LowCardinalityString: "LowCardinality(String)",
	fact.Bool:                 "Bool",
	fact.Int8:                 "Int8",
	fact.Int16:                "Int16",
	fact.Int32:                "Int32",
	fact.Int64:                "Int64",
	fact.UInt8:                "UInt8",
	fact.UInt16:               "UInt16",
	fact.UInt32:               "UInt32",
	fact.UInt64:               "UInt64",
	fact.Float32:              "Float32",
	fact.Float64:              "Float64",
	fact.Date:                 "Date",
	fact.UUID:                 "UUID",
	fact.JSON:                 "String", // the JSON text
	fact.StringMap:            "Map(String, String)",
	fact.NativeJSON:           "JSON",
}

func baseType(f fact.Field) (string, error) {
	switch f.Type {
	case fact.Decimal:
		return decimalType(f)
	case fact.Enum:
		return enumType(f.Values)
	case fact.DateTime64:
		return timeType(f.Precision)
	}
	if t, ok := plainTypes[f.Type]; ok {
		return t, nil
	}
	return "", fmt.Errorf("unknown field type %d", int(f.Type))
}

// timeType returns the type for times with the given digits of a second.
func timeType(precision int) (string, error) {
	switch precision {
	case 0:
		return "DateTime64(3, 'UTC')", nil
	case 3, 6, 9:
		return fmt.Sprintf("DateTime64(%d, 'UTC')", precision), nil
	}
	return "", fmt.Errorf("datetime64 precision %d is not 3, 6 or 9", precision)
}

func decimalType(f fact.Field) (string, error) {
	if f.Precision < 1 || f.Precision > MaxDecimalPrecision {
		return "", fmt.Errorf("decimal precision %d is not in 1..%d", f.Precision, MaxDecimalPrecision)
	}
	if f.Scale < 0 || f.Scale > f.Precision {
		return "", fmt.Errorf("decimal scale %d is not in 0..%d", f.Scale, f.Precision)
	}
	return fmt.Sprintf("Decimal(%d, %d)", f.Precision, f.Scale), nil
}

func enumType(values []string) (string, error) {
	const most = 127
	if len(values) == 0 || len(values) > most {
		return "", fmt.Errorf("an enum has 1..%d values, not %d", most, len(values))
	}
	seen := make(map[string]bool, len(values))
	parts := make([]string, len(values))
	for i, v := range values {
		if seen[v] {
			return "", fmt.Errorf("enum value %q is given twice", v)
		}
		seen[v] = true
		if err := sqltext.CheckText(v); err != nil {
			return "", fmt.Errorf("enum value %q %w", v, err)
		}
		parts[i] = fmt.Sprintf("%s = %d", sqltext.QuoteString(v), i+1)
	}
	return "Enum8(" + strings.Join(parts, ", ") + ")", nil
}
