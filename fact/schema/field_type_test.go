package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/schema"
)

// The numbers are part of the contract: they may be stored.
var fieldTypeNumbers = map[schema.FieldType]int{
	schema.String: 0, schema.LowCardinalityString: 1, schema.Bool: 2, schema.UInt16: 3, schema.UInt32: 4, schema.Float32: 5,
	schema.Float64: 6, schema.DateTime64: 7, schema.JSON: 8, schema.Int8: 9, schema.Int16: 10, schema.Int32: 11, schema.Int64: 12,
	schema.UInt8: 13, schema.UInt64: 14, schema.Date: 15, schema.UUID: 16, schema.Decimal: 17, schema.Enum: 18,
	schema.StringMap: 19, schema.NativeJSON: 20,
}

func TestFieldTypeNumbersAreFixed(t *testing.T) {
	t.Parallel()
	for fieldType, number := range fieldTypeNumbers {
		require.Equal(t, number, int(fieldType), fieldType)
	}
	require.Len(t, schema.FieldTypes(), len(fieldTypeNumbers))
}

func TestFieldTypeNames(t *testing.T) {
	t.Parallel()
	names := "string low_cardinality_string bool uint16 uint32 float32 float64 datetime64 json int8 int16 int32 int64 " +
		"uint8 uint64 date uuid decimal enum string_map native_json"
	for i, name := range strings.Fields(names) {
		fieldType := schema.FieldType(i)
		require.True(t, fieldType.Valid())
		require.Equal(t, name, fieldType.String())
		parsed, err := schema.ParseFieldType(name)
		require.NoError(t, err)
		require.Equal(t, fieldType, parsed)
		require.Equal(t, fieldType, schema.FieldTypes()[i])
	}
}

func TestFieldTypeUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "String", "string ", "text", "field_type(99)"} {
		_, err := schema.ParseFieldType(name)
		require.ErrorContains(t, err, "low_cardinality_string", "the error lists the names")
	}
	for _, unknown := range []schema.FieldType{-1, 21, 99} {
		require.False(t, unknown.Valid())
		_, err := unknown.MarshalText()
		require.Error(t, err)
	}
	require.Equal(t, "field_type(99)", schema.FieldType(99).String())
	require.Equal(t, "field_type(-1)", schema.FieldType(-1).String())
}

func TestFieldTypeAsJSON(t *testing.T) {
	t.Parallel()
	for _, fieldType := range schema.FieldTypes() {
		text, err := json.Marshal(fieldType)
		require.NoError(t, err)
		require.Equal(t, `"`+fieldType.String()+`"`, string(text))
		got := schema.FieldType(-1)
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, fieldType, got)
	}
	got := schema.Bool
	require.Error(t, json.Unmarshal([]byte(`"text"`), &got))
	require.Equal(t, schema.Bool, got, "left alone on an error")
}
