package fact_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// What a schema says of a field's values counts where the field stands in the data.
func TestFieldsWithinData(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "s", Fields: []fact.Field{
		{Name: "id", FactID: true, From: "meta.id"},
		{Name: "renamed", Type: fact.JSON, From: "key"},
		{Name: "deep", Type: fact.JSON, From: "in.text"},
		{Name: "first", Type: fact.JSON, From: "list.0.text"},
		{Name: "count", Type: fact.Int64, From: "in.count"},
	}}
	const object = `{"a": 1}`
	data := map[string]any{
		"meta": map[string]any{"id": "x"}, "key": object, "renamed": object,
		"in":   map[string]any{"text": object, "other": object, "count": 3.0},
		"list": []any{map[string]any{"text": object}, map[string]any{"text": object}},
	}
	text, err := fact.NewEncoder(schema).Append(nil, fact.Fact{Data: data})
	require.NoError(t, err)
	const quoted = `"{\"a\": 1}"`
	require.Equal(t, `{"in":{"count":3,"other":`+quoted+`,"text":`+object+`},"key":`+object+
		`,"list":[{"text":`+object+`},{"text":`+quoted+`}],"meta":{"id":"x"},"renamed":`+quoted+`}`, string(text))

	var fe *fact.FactError
	data["in"] = map[string]any{"count": 9223372036854774784.0} // its shortest text is another integer
	_, err = fact.NewEncoder(schema).Append(nil, fact.Fact{Data: data})
	require.ErrorAs(t, err, &fe)
	require.Equal(t, "count", fe.Field)

	store := fact.NewMemoryStore()
	p := fact.NewPipeline(fact.WithStore(store, "s"))
	require.NoError(t, p.EnsureSchemas(t.Context(), schema))
	require.NoError(t, p.Record(t.Context(),
		fact.Fact{Schema: "s", Value: json.RawMessage(`{"meta":{"id":"raw"}}`)},
		fact.Fact{Schema: "s", Data: map[string]any{"meta": map[string]any{"id": "map"}}}))
	events, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, "raw", events[0].ID)
	require.Equal(t, "map", events[1].ID)
}

// A list whose elements are not all of the usual types keeps the rules of its field.
func TestRulesOfMixedLists(t *testing.T) {
	t.Parallel()
	encoder := fact.NewEncoder(fact.Schema{Name: "s", Fields: []fact.Field{
		{Name: "json", Type: fact.JSON, Array: true}, {Name: "ints", Type: fact.Int64, Array: true},
	}})
	object := map[string]any{"k": `{"a": 1}`}
	text, err := encoder.Append(nil, fact.Fact{Data: map[string]any{"json": []any{object, `{"a": 1}`, json.Number("1e3"), `"x"`}}})
	require.NoError(t, err)
	require.Equal(t, `{"json":[{"k":"{\"a\": 1}"},{"a": 1},1e3,"x"]}`, string(text))

	for want, list := range map[string]any{
		"element 1: the text is not JSON":                     []any{object, `{"a"`},
		"element 1: a []byte could be text or JSON":           []any{object, []byte("x")},
		"element 2: not a JSON value: json: unsupported type": []any{object, 1, func() {}},
		"element 0: text is not valid UTF-8":                  []any{map[string]any{"k": "\xff"}},
	} {
		_, err = encoder.Append(nil, fact.Fact{Data: map[string]any{"json": list}})
		require.ErrorContains(t, err, want)
	}
	// The shortest text of this float is that of another integer.
	_, err = encoder.Append(nil, fact.Fact{Data: map[string]any{"ints": []any{json.Number("1e3"), 9223372036854774784.0}}})
	require.ErrorContains(t, err, "element 1: 9.223372036854775e+18 is too large to be an exact integer in a float")
}
