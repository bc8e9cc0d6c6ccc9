package fact_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	return all
}

func TestSchemaValidateAccepts(t *testing.T) {
	t.Parallel()
	everything := fact.Schema{Name: "every type", OrderBy: []string{"string", "datetime64"}}
	for _, fieldType := range fact.FieldTypes() {
		f := fact.Field{Name: fieldType.String(), Type: fieldType}
		switch fieldType {
		case fact.Decimal:
			f.Precision, f.Scale = 38, 38
		case fact.Enum:
			f.Values, f.Default = []string{"yes", "no", ""}, "no"
		}
		everything.Fields = append(everything.Fields, f)
		if fieldType != fact.StringMap && fieldType != fact.NativeJSON {
			nullable, array := f, f
			nullable.Name, nullable.Nullable = "nullable "+f.Name, true
			array.Name, array.Array, array.Default = "array of "+f.Name, true, nil
			everything.Fields = append(everything.Fields, nullable, array)
		}
	}
	for _, s := range []fact.Schema{
		everything,
		{Name: "no order", Fields: []fact.Field{{Name: "a"}}},
		{Name: "hostile `\"'\\\n 漢🙂; DROP TABLE x", Fields: []fact.Field{{Name: "a`b\"c'd\\e\nf"}}},
		{Name: "id", Fields: []fact.Field{{Name: "id", FactID: true}}, OrderBy: []string{"id"}},
		{Name: "uuid", Fields: []fact.Field{{Name: "id", Type: fact.UUID, FactID: true}}},
		{Name: "big enum", Fields: []fact.Field{{Name: "e", Type: fact.Enum, Values: names(127)}}},
	} {
		require.NoError(t, s.Validate(), s.Name)
	}
}

func TestSchemaValidateRefuses(t *testing.T) {
	t.Parallel()
	a := fact.Field{Name: "a"}
	fields := func(f ...fact.Field) fact.Schema { return fact.Schema{Name: "s", Fields: f} }
	ordered := func(f fact.Field) fact.Schema {
		f.Name = "a"
		return fact.Schema{Name: "s", Fields: []fact.Field{f}, OrderBy: []string{"a"}}
	}
	tests := map[string]struct {
		schema fact.Schema
		want   string
	}{
		"no name":        {fact.Schema{Fields: []fact.Field{a}}, `schema "": name is empty`},
		"NUL in name":    {fact.Schema{Name: "a\x00", Fields: []fact.Field{a}}, "NUL"},
		"bad UTF-8":      {fact.Schema{Name: "a\xff", Fields: []fact.Field{a}}, "UTF-8"},
		"no fields":      {fact.Schema{Name: "s"}, `schema "s": has no fields`},
		"unnamed field":  {fields(a, fact.Field{}), "name of field number 2 is empty"},
		"bad field name": {fields(fact.Field{Name: "\xff"}), "UTF-8"},
		"twice":          {fields(a, fact.Field{Name: "b"}, a), `field "a": is declared twice`},
		"unknown type":   {fields(fact.Field{Name: "a", Type: 99}), "field_type(99)"},

		"nullable array":  {fields(fact.Field{Name: "a", Nullable: true, Array: true}), "nullable array"},
		"nullable map":    {fields(fact.Field{Name: "a", Type: fact.StringMap, Nullable: true}), "string_map cannot be"},
		"nullable native": {fields(fact.Field{Name: "a", Type: fact.NativeJSON, Nullable: true}), "native_json cannot be"},
		"array of maps":   {fields(fact.Field{Name: "a", Type: fact.StringMap, Array: true}), "array of string_map"},
		"array of native": {fields(fact.Field{Name: "a", Type: fact.NativeJSON, Array: true}), "array of native_json"},

		"two IDs":         {fields(fact.Field{Name: "a", FactID: true}, fact.Field{Name: "b", FactID: true}), `field "b": carries the fact ID, as does "a"`},
		"ID of number":    {fields(fact.Field{Name: "a", Type: fact.UInt64, FactID: true}), "use string or uuid"},
		"ID of lc string": {fields(fact.Field{Name: "a", Type: fact.LowCardinalityString, FactID: true}), "use string or uuid"},
		"nullable ID":     {fields(fact.Field{Name: "a", FactID: true, Nullable: true}), "neither nullable nor an array"},
		"array ID":        {fields(fact.Field{Name: "a", FactID: true, Array: true}), "neither nullable nor an array"},
		"default ID":      {fields(fact.Field{Name: "a", FactID: true, Default: "x"}), "may not have a default"},

		"no precision":       {fields(fact.Field{Name: "a", Type: fact.Decimal}), "precision 0: a decimal takes 1 to 38"},
		"precision too high": {fields(fact.Field{Name: "a", Type: fact.Decimal, Precision: 39}), "precision 39"},
		"scale too high":     {fields(fact.Field{Name: "a", Type: fact.Decimal, Precision: 9, Scale: 10}), "scale 10"},
		"negative scale":     {fields(fact.Field{Name: "a", Type: fact.Decimal, Precision: 9, Scale: -1}), "scale -1"},
		"scale elsewhere":    {fields(fact.Field{Name: "a", Type: fact.Float64, Scale: 2}), "only decimal takes"},

		"enum without values":  {fields(fact.Field{Name: "a", Type: fact.Enum}), "has 0 values"},
		"enum too long":        {fields(fact.Field{Name: "a", Type: fact.Enum, Values: names(128)}), "has 128 values"},
		"enum value twice":     {fields(fact.Field{Name: "a", Type: fact.Enum, Values: []string{"x", "x"}}), `value "x" twice`},
		"enum bad UTF-8":       {fields(fact.Field{Name: "a", Type: fact.Enum, Values: []string{"\xff"}}), "UTF-8"},
		"enum unknown default": {fields(fact.Field{Name: "a", Type: fact.Enum, Values: []string{"x"}, Default: "y"}), `default "y"`},
		"values elsewhere":     {fields(fact.Field{Name: "a", Values: []string{"x"}}), "only enum takes"},

		"order by unknown":  {fact.Schema{Name: "s", Fields: []fact.Field{a}, OrderBy: []string{"b"}}, `field "b": is in order_by but is not`},
		"order by twice":    {fact.Schema{Name: "s", Fields: []fact.Field{a}, OrderBy: []string{"a", "a"}}, "is in order_by twice"},
		"order by nullable": {ordered(fact.Field{Nullable: true}), "cannot hold NULL"},
		"order by array":    {ordered(fact.Field{Array: true}), "no useful order"},
		"order by json":     {ordered(fact.Field{Type: fact.JSON}), "no useful order"},
		"order by native":   {ordered(fact.Field{Type: fact.NativeJSON}), "no useful order"},
		"order by map":      {ordered(fact.Field{Type: fact.StringMap}), "no useful order"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.schema.Validate()
			require.ErrorContains(t, err, test.want)
			var problem *fact.SchemaError
			require.ErrorAs(t, err, &problem)
			require.Equal(t, test.schema.Name, problem.Schema)
		})
	}
}

func TestSchemaValidateReportsEverything(t *testing.T) {
	t.Parallel()
	err := fact.Schema{
		Fields:  []fact.Field{{Name: "a", Type: 99}, {Name: "b", Type: fact.Decimal}},
		OrderBy: []string{"c"},
	}.Validate()
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	var got []fact.SchemaError
	for _, e := range joined.Unwrap() {
		var problem *fact.SchemaError
		require.True(t, errors.As(e, &problem))
		got = append(got, fact.SchemaError{Field: problem.Field})
	}
	require.Equal(t, []fact.SchemaError{{}, {Field: "a"}, {Field: "b"}, {Field: "c"}}, got)
}

func TestSchemaLookups(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "s", Fields: []fact.Field{
		{Name: "a", Type: fact.Bool}, {Name: "id", Type: fact.UUID, FactID: true},
	}}
	f, ok := s.FieldByName("a")
	require.True(t, ok)
	require.Equal(t, fact.Bool, f.Type)
	_, ok = s.FieldByName("A")
	require.False(t, ok, "names are exact")
	f, ok = s.FactIDField()
	require.True(t, ok)
	require.Equal(t, "id", f.Name)
	_, ok = fact.Schema{Fields: s.Fields[:1]}.FactIDField()
	require.False(t, ok)
}
