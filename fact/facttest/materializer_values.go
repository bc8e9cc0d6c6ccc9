package facttest

import (
	"maps"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest/internal/rows"
)

// everyType returns a schema with fields of every type, plain, nullable and as
// a list, and the samples by the name of the field's type.
func everyType(s *subject) (fact.Schema, map[string]rows.Sample) {
	s.Helper()
	schema := fact.Schema{Name: "every type", OrderBy: []string{"n"}, Fields: []fact.Field{{Name: "n", Type: fact.UInt32}}}
	all, byName := rows.Samples(), make(map[string]rows.Sample)
	for _, t := range fact.FieldTypes() {
		sample, ok := all[t]
		require.True(s, ok, "no samples of %v", t)
		f := sample.Field
		f.Type, f.Name = t, t.String()
		byName[f.Name] = sample
		schema.Fields = append(schema.Fields, f)
		if !sample.NoNull {
			f.Name, f.Nullable = t.String()+" or null", true
			schema.Fields = append(schema.Fields, f)
		}
		if !sample.NoList {
			f.Name, f.Nullable, f.Array = t.String()+" list", false, true
			schema.Fields = append(schema.Fields, f)
		}
	}
	return schema, byName
}

// ruleEveryType stores rows until each sample has been in the plain and in the
// nullable field of its type, and in a list.
func ruleEveryType(s *subject) {
	const count = 9
	schema, samples := everyType(s)
	m := s.ready(schema)
	var facts []fact.Fact
	for n := range count {
		values := map[string]any{"n": n}
		for name, sample := range samples {
			values[name] = sample.Values[n%len(sample.Values)]
			if !sample.NoNull {
				values[name+" or null"] = sample.Values[n%len(sample.Values)]
			}
			if !sample.NoList {
				values[name+" list"] = sample.Values[:n%(len(sample.Values)+1)]
			}
		}
		facts = append(facts, fact.Fact{Schema: schema.Name, Data: values})
	}
	nulls := maps.Clone(facts[0].Data)
	for _, f := range schema.Fields {
		if f.Nullable {
			nulls[f.Name] = nil
		}
	}
	facts = append(facts, fact.Fact{Schema: schema.Name, Data: nulls})
	require.NoError(s, s.materialize(m, facts...))
	s.stored(schema, data(facts...)...)
}

func ruleMissingKeys(s *subject) {
	schema, samples := everyType(s)
	schema.Fields = append(schema.Fields,
		fact.Field{Name: "answer", Type: fact.Int32, Default: 42},
		fact.Field{Name: "nullable answer", Type: fact.Int32, Nullable: true, Default: 43},
		fact.Field{Name: "who", Type: fact.LowCardinalityString, Default: "it's \"me\""})
	m := s.ready(schema)
	require.NoError(s, s.materialize(m, fact.Fact{Schema: schema.Name, Data: map[string]any{"n": 7}}))
	want := map[string]any{"n": 7, "answer": 42, "nullable answer": 43, "who": "it's \"me\""}
	for name, sample := range samples {
		want[name] = sample.Zero
		if !sample.NoList {
			want[name+" list"] = []any{}
		}
	}
	s.stored(schema, want)
}
