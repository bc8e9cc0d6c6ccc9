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
		{Name: "words", OrderBy: []string{"a"}, ReplaceBy: "b", Fields: []fact.Field{
			{Name: "a", From: "x.y.0.z", ReplaceSurrogates: true, NullIsDefault: true},
			{Name: "x", From: "x.y.1"},
			{Name: "b", Type: fact.DateTime64, Precision: 9, Unit: fact.Nanoseconds, From: `"x.y"`},
			{Name: "c", Type: fact.Float64, Nullable: true, Quoted: true, NaNIsNull: true},
			{Name: "d", Type: fact.UInt8, Array: true, Quoted: true, NullIsDefault: true},
			{Name: "e", Type: fact.NativeJSON, NaNIsNull: true, NullIsDefault: true, ReplaceSurrogates: true},
		}},
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
		"scale elsewhere":    {fields(fact.Field{Name: "a", Type: fact.Float64, Scale: 2}), "which float64 does not take"},

		"precision of a second": {fields(fact.Field{Name: "a", Type: fact.DateTime64, Precision: 4}), "precision 4: a datetime64 takes 3, 6 or 9"},
		"scale of a second":     {fields(fact.Field{Name: "a", Type: fact.DateTime64, Scale: 3}), "which only decimal takes"},

		"unit of text":         {fields(fact.Field{Name: "a", Unit: fact.Seconds}), "unit, which string does not take"},
		"unknown unit":         {fields(fact.Field{Name: "a", Type: fact.Date, Unit: "h"}), `unit "h": use s, ms, us or ns`},
		"quoted text":          {fields(fact.Field{Name: "a", Quoted: true}), "quoted, which string does not take"},
		"surrogates elsewhere": {fields(fact.Field{Name: "a", Type: fact.Bool, ReplaceSurrogates: true}), "surrogates: replace, which bool does not take"},
		"nan elsewhere":        {fields(fact.Field{Name: "a", Type: fact.UUID, NaNIsNull: true}), "nan: null, which uuid does not take"},
		"nan in a list":        {fields(fact.Field{Name: "a", Type: fact.Float64, Array: true, NaNIsNull: true}), "an element of an array cannot be null"},
		"nan and not null":     {fields(fact.Field{Name: "a", Type: fact.Float64, NaNIsNull: true}), "make it nullable, or add null: default"},
		"null twice":           {fields(fact.Field{Name: "a", Nullable: true, NullIsDefault: true}), "keep one of them"},
		"null ID":              {fields(fact.Field{Name: "a", FactID: true, NullIsDefault: true}), "which has no default"},

		"from nonsense": {fields(fact.Field{Name: "a", From: "a..b"}), `from "a..b": a key is empty`},
		"from a name":   {fields(a, fact.Field{Name: "b", From: "a"}), `field "b": is taken from a, which field "a" takes too`},
		"from within":   {fields(a, fact.Field{Name: "b", From: `"a".c`}), `field "b": is taken from a.c, which field "a" takes too, or takes a part of`},
		"from around":   {fields(fact.Field{Name: "b", From: "a.c.0"}, a), `field "a": is taken from a, which field "b" takes too, or takes a part of`},
		"from either":   {fields(fact.Field{Name: "b", From: "c.0"}, fact.Field{Name: "d", From: "c.e"}), `is taken from c.e, but of an object and an array in one place field "b" takes the other one`},

		"replace by unknown":  {fact.Schema{Name: "s", Fields: []fact.Field{a}, ReplaceBy: "b"}, `field "b": is in replace_by but is not`},
		"replace by text":     {fact.Schema{Name: "s", Fields: []fact.Field{a}, ReplaceBy: "a"}, "use an unsigned integer, a date or a datetime64"},
		"replace by nullable": {fact.Schema{Name: "s", Fields: []fact.Field{a, {Name: "b", Type: fact.Date, Nullable: true}}, OrderBy: []string{"a"}, ReplaceBy: "b"}, "that is not nullable"},
		"replace by key":      {fact.Schema{Name: "s", Fields: []fact.Field{{Name: "a", Type: fact.Date}}, OrderBy: []string{"a"}, ReplaceBy: "a"}, "have the same order_by"},
		"replace without key": {fact.Schema{Name: "s", Fields: []fact.Field{{Name: "a", Type: fact.Date}}, ReplaceBy: "a"}, "there is no order_by"},

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
