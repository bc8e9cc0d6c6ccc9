package fact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// The numbers are part of the contract: they may be stored.
var fieldTypeNumbers = map[fact.FieldType]int{
	fact.String: 0, fact.LowCardinalityString: 1, fact.Bool: 2, fact.UInt16: 3, fact.UInt32: 4, fact.Float32: 5,
	fact.Float64: 6, fact.DateTime64: 7, fact.JSON: 8, fact.Int8: 9, fact.Int16: 10, fact.Int32: 11, fact.Int64: 12,
	fact.UInt8: 13, fact.UInt64: 14, fact.Date: 15, fact.UUID: 16, fact.Decimal: 17, fact.Enum: 18,
	fact.StringMap: 19, fact.NativeJSON: 20,
}

func TestFieldTypeNumbersAreFixed(t *testing.T) {
	t.Parallel()
	for fieldType, number := range fieldTypeNumbers {
		require.Equal(t, number, int(fieldType), fieldType)
	}
	require.Len(t, fact.FieldTypes(), len(fieldTypeNumbers))
}

func TestFieldTypeNames(t *testing.T) {
	t.Parallel()
	names := "string low_cardinality_string bool uint16 uint32 float32 float64 datetime64 json int8 int16 int32 int64 " +
		"uint8 uint64 date uuid decimal enum string_map native_json"
	for i, name := range strings.Fields(names) {
		fieldType := fact.FieldType(i)
		require.True(t, fieldType.Valid())
		require.Equal(t, name, fieldType.String())
		parsed, err := fact.ParseFieldType(name)
		require.NoError(t, err)
		require.Equal(t, fieldType, parsed)
		require.Equal(t, fieldType, fact.FieldTypes()[i])
	}
}

func TestFieldTypeUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "String", "string ", "text", "field_type(99)"} {
		_, err := fact.ParseFieldType(name)
		require.ErrorContains(t, err, "low_cardinality_string", "the error lists the names")
	}
	for _, unknown := range []fact.FieldType{-1, 21, 99} {
		require.False(t, unknown.Valid())
		_, err := unknown.MarshalText()
		require.Error(t, err)
	}
	require.Equal(t, "field_type(99)", fact.FieldType(99).String())
	require.Equal(t, "field_type(-1)", fact.FieldType(-1).String())
}

func TestFieldTypeAsJSON(t *testing.T) {
	t.Parallel()
	for _, fieldType := range fact.FieldTypes() {
		text, err := json.Marshal(fieldType)
		require.NoError(t, err)
		require.Equal(t, `"`+fieldType.String()+`"`, string(text))
		got := fact.FieldType(-1)
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, fieldType, got)
	}
	got := fact.Bool
	require.Error(t, json.Unmarshal([]byte(`"text"`), &got))
	require.Equal(t, fact.Bool, got, "left alone on an error")
}
