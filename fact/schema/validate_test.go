package schema_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/schema"
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
	everything := schema.Schema{Name: "every type", OrderBy: []string{"string", "datetime64"}}
	for _, fieldType := range schema.FieldTypes() {
		f := schema.Field{Name: fieldType.String(), Type: fieldType}
		switch fieldType {
		case schema.Decimal:
			f.Precision, f.Scale = 38, 38
		case schema.Enum:
			f.Values, f.Default = []string{"yes", "no", ""}, "no"
		}
		everything.Fields = append(everything.Fields, f)
		if fieldType != schema.StringMap && fieldType != schema.NativeJSON {
			nullable, array := f, f
			nullable.Name, nullable.Nullable = "nullable "+f.Name, true
			array.Name, array.Array, array.Default = "array of "+f.Name, true, nil
			everything.Fields = append(everything.Fields, nullable, array)
		}
	}
	for _, s := range []schema.Schema{
		everything,
		{Name: "no order", Fields: []schema.Field{{Name: "a"}}},
		{Name: "hostile `\"'\\\n 漢🙂; DROP TABLE x", Fields: []schema.Field{{Name: "a`b\"c'd\\e\nf"}}},
		{Name: "id", Fields: []schema.Field{{Name: "id", FactID: true}}, OrderBy: []string{"id"}},
		{Name: "uuid", Fields: []schema.Field{{Name: "id", Type: schema.UUID, FactID: true}}},
		{Name: "words", OrderBy: []string{"a"}, ReplaceBy: "b", Fields: []schema.Field{
			{Name: "a", From: "x.y.0.z", ReplaceSurrogates: true, NullIsDefault: true},
			{Name: "x", From: "x.y.1"},
			{Name: "b", Type: schema.DateTime64, Precision: 9, Unit: schema.Nanoseconds, From: `"x.y"`},
			{Name: "c", Type: schema.Float64, Nullable: true, Quoted: true, NaNIsNull: true},
			{Name: "d", Type: schema.UInt8, Array: true, Quoted: true, NullIsDefault: true},
			{Name: "e", Type: schema.NativeJSON, NaNIsNull: true, NullIsDefault: true, ReplaceSurrogates: true},
		}},
		{Name: "big enum", Fields: []schema.Field{{Name: "e", Type: schema.Enum, Values: names(127)}}},
	} {
		require.NoError(t, s.Validate(), s.Name)
	}
}

func TestSchemaValidateRefuses(t *testing.T) {
	t.Parallel()
	a := schema.Field{Name: "a"}
	fields := func(f ...schema.Field) schema.Schema { return schema.Schema{Name: "s", Fields: f} }
	ordered := func(f schema.Field) schema.Schema {
		f.Name = "a"
		return schema.Schema{Name: "s", Fields: []schema.Field{f}, OrderBy: []string{"a"}}
	}
	tests := map[string]struct {
		schema schema.Schema
		want   string
	}{
		"no name":        {schema.Schema{Fields: []schema.Field{a}}, `schema "": name is empty`},
		"NUL in name":    {schema.Schema{Name: "a\x00", Fields: []schema.Field{a}}, "NUL"},
		"bad UTF-8":      {schema.Schema{Name: "a\xff", Fields: []schema.Field{a}}, "UTF-8"},
		"no fields":      {schema.Schema{Name: "s"}, `schema "s": has no fields`},
		"unnamed field":  {fields(a, schema.Field{}), "name of field number 2 is empty"},
		"bad field name": {fields(schema.Field{Name: "\xff"}), "UTF-8"},
		"twice":          {fields(a, schema.Field{Name: "b"}, a), `field "a": is declared twice`},
		"unknown type":   {fields(schema.Field{Name: "a", Type: 99}), "field_type(99)"},

		"nullable array":  {fields(schema.Field{Name: "a", Nullable: true, Array: true}), "nullable array"},
		"nullable map":    {fields(schema.Field{Name: "a", Type: schema.StringMap, Nullable: true}), "string_map cannot be"},
		"nullable native": {fields(schema.Field{Name: "a", Type: schema.NativeJSON, Nullable: true}), "native_json cannot be"},
		"array of maps":   {fields(schema.Field{Name: "a", Type: schema.StringMap, Array: true}), "array of string_map"},
		"array of native": {fields(schema.Field{Name: "a", Type: schema.NativeJSON, Array: true}), "array of native_json"},

		"two IDs":         {fields(schema.Field{Name: "a", FactID: true}, schema.Field{Name: "b", FactID: true}), `field "b": carries the fact ID, as does "a"`},
		"ID of number":    {fields(schema.Field{Name: "a", Type: schema.UInt64, FactID: true}), "use string or uuid"},
		"ID of lc string": {fields(schema.Field{Name: "a", Type: schema.LowCardinalityString, FactID: true}), "use string or uuid"},
		"nullable ID":     {fields(schema.Field{Name: "a", FactID: true, Nullable: true}), "neither nullable nor an array"},
		"array ID":        {fields(schema.Field{Name: "a", FactID: true, Array: true}), "neither nullable nor an array"},
		"default ID":      {fields(schema.Field{Name: "a", FactID: true, Default: "x"}), "may not have a default"},

		"no precision":       {fields(schema.Field{Name: "a", Type: schema.Decimal}), "precision 0: a decimal takes 1 to 38"},
		"precision too high": {fields(schema.Field{Name: "a", Type: schema.Decimal, Precision: 39}), "precision 39"},
		"scale too high":     {fields(schema.Field{Name: "a", Type: schema.Decimal, Precision: 9, Scale: 10}), "scale 10"},
		"negative scale":     {fields(schema.Field{Name: "a", Type: schema.Decimal, Precision: 9, Scale: -1}), "scale -1"},
		"scale elsewhere":    {fields(schema.Field{Name: "a", Type: schema.Float64, Scale: 2}), "which float64 does not take"},

		"precision of a second": {fields(schema.Field{Name: "a", Type: schema.DateTime64, Precision: 4}), "precision 4: a datetime64 takes 3, 6 or 9"},
		"scale of a second":     {fields(schema.Field{Name: "a", Type: schema.DateTime64, Scale: 3}), "which only decimal takes"},

		"unit of text":         {fields(schema.Field{Name: "a", Unit: schema.Seconds}), "unit, which string does not take"},
		"unknown unit":         {fields(schema.Field{Name: "a", Type: schema.Date, Unit: "h"}), `unit "h": use s, ms, us or ns`},
		"quoted text":          {fields(schema.Field{Name: "a", Quoted: true}), "quoted, which string does not take"},
		"surrogates elsewhere": {fields(schema.Field{Name: "a", Type: schema.Bool, ReplaceSurrogates: true}), "surrogates: replace, which bool does not take"},
		"nan elsewhere":        {fields(schema.Field{Name: "a", Type: schema.UUID, NaNIsNull: true}), "nan: null, which uuid does not take"},
		"nan in a list":        {fields(schema.Field{Name: "a", Type: schema.Float64, Array: true, NaNIsNull: true}), "an element of an array cannot be null"},
		"nan and not null":     {fields(schema.Field{Name: "a", Type: schema.Float64, NaNIsNull: true}), "make it nullable, or add null: default"},
		"null twice":           {fields(schema.Field{Name: "a", Nullable: true, NullIsDefault: true}), "keep one of them"},
		"null ID":              {fields(schema.Field{Name: "a", FactID: true, NullIsDefault: true}), "which has no default"},

		"from nonsense": {fields(schema.Field{Name: "a", From: "a..b"}), `from "a..b": a key is empty`},
		"from a name":   {fields(a, schema.Field{Name: "b", From: "a"}), `field "b": is taken from a, which field "a" takes too`},
		"from within":   {fields(a, schema.Field{Name: "b", From: `"a".c`}), `field "b": is taken from a.c, which field "a" takes too, or takes a part of`},
		"from around":   {fields(schema.Field{Name: "b", From: "a.c.0"}, a), `field "a": is taken from a, which field "b" takes too, or takes a part of`},
		"from either":   {fields(schema.Field{Name: "b", From: "c.0"}, schema.Field{Name: "d", From: "c.e"}), `is taken from c.e, but of an object and an array in one place field "b" takes the other one`},

		"replace by unknown":  {schema.Schema{Name: "s", Fields: []schema.Field{a}, ReplaceBy: "b"}, `field "b": is in replace_by but is not`},
		"replace by text":     {schema.Schema{Name: "s", Fields: []schema.Field{a}, ReplaceBy: "a"}, "use an unsigned integer, a date or a datetime64"},
		"replace by nullable": {schema.Schema{Name: "s", Fields: []schema.Field{a, {Name: "b", Type: schema.Date, Nullable: true}}, OrderBy: []string{"a"}, ReplaceBy: "b"}, "that is not nullable"},
		"replace by key":      {schema.Schema{Name: "s", Fields: []schema.Field{{Name: "a", Type: schema.Date}}, OrderBy: []string{"a"}, ReplaceBy: "a"}, "have the same order_by"},
		"replace without key": {schema.Schema{Name: "s", Fields: []schema.Field{{Name: "a", Type: schema.Date}}, ReplaceBy: "a"}, "there is no order_by"},

		"enum without values":  {fields(schema.Field{Name: "a", Type: schema.Enum}), "has 0 values"},
		"enum too long":        {fields(schema.Field{Name: "a", Type: schema.Enum, Values: names(128)}), "has 128 values"},
		"enum value twice":     {fields(schema.Field{Name: "a", Type: schema.Enum, Values: []string{"x", "x"}}), `value "x" twice`},
		"enum bad UTF-8":       {fields(schema.Field{Name: "a", Type: schema.Enum, Values: []string{"\xff"}}), "UTF-8"},
		"enum unknown default": {fields(schema.Field{Name: "a", Type: schema.Enum, Values: []string{"x"}, Default: "y"}), `default "y"`},
		"values elsewhere":     {fields(schema.Field{Name: "a", Values: []string{"x"}}), "only enum takes"},

		"order by unknown":  {schema.Schema{Name: "s", Fields: []schema.Field{a}, OrderBy: []string{"b"}}, `field "b": is in order_by but is not`},
		"order by twice":    {schema.Schema{Name: "s", Fields: []schema.Field{a}, OrderBy: []string{"a", "a"}}, "is in order_by twice"},
		"order by nullable": {ordered(schema.Field{Nullable: true}), "cannot hold NULL"},
		"order by array":    {ordered(schema.Field{Array: true}), "no useful order"},
		"order by json":     {ordered(schema.Field{Type: schema.JSON}), "no useful order"},
		"order by native":   {ordered(schema.Field{Type: schema.NativeJSON}), "no useful order"},
		"order by map":      {ordered(schema.Field{Type: schema.StringMap}), "no useful order"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.schema.Validate()
			require.ErrorContains(t, err, test.want)
			var problem *schema.SchemaError
			require.ErrorAs(t, err, &problem)
			require.Equal(t, test.schema.Name, problem.Schema)
		})
	}
}

func TestSchemaValidateReportsEverything(t *testing.T) {
	t.Parallel()
	err := schema.Schema{
		Fields:  []schema.Field{{Name: "a", Type: 99}, {Name: "b", Type: schema.Decimal}},
		OrderBy: []string{"c"},
	}.Validate()
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	var got []schema.SchemaError
	for _, e := range joined.Unwrap() {
		var problem *schema.SchemaError
		require.True(t, errors.As(e, &problem))
		got = append(got, schema.SchemaError{Field: problem.Field})
	}
	require.Equal(t, []schema.SchemaError{{}, {Field: "a"}, {Field: "b"}, {Field: "c"}}, got)
}

func TestSchemaLookups(t *testing.T) {
	t.Parallel()
	s := schema.Schema{Name: "s", Fields: []schema.Field{
		{Name: "a", Type: schema.Bool}, {Name: "id", Type: schema.UUID, FactID: true},
	}}
	f, ok := s.FieldByName("a")
	require.True(t, ok)
	require.Equal(t, schema.Bool, f.Type)
	_, ok = s.FieldByName("A")
	require.False(t, ok, "names are exact")
	f, ok = s.FactIDField()
	require.True(t, ok)
	require.Equal(t, "id", f.Name)
	_, ok = schema.Schema{Fields: s.Fields[:1]}.FactIDField()
	require.False(t, ok)
}
