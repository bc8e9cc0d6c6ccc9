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
