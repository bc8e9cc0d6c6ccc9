package schemas_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

func TestAppendYAML(t *testing.T) {
	t.Parallel()
	defs, err := schemas.Parse("all.yaml", []byte(everything))
	require.NoError(t, err)
	for _, def := range append(defs, schemas.Builtins()...) {
		text, err := schemas.AppendYAML([]byte("# before\n---\n"), def, schemas.Comments{
			Top: []string{"above"}, OrderBy: []string{"the key"}, Fields: map[string]string{def.Schema.Fields[0].Name: "the first"},
		})
		require.NoError(t, err)
		require.Contains(t, string(text), "# above\nname: "+def.Schema.Name)
		require.Contains(t, string(text), "  # the first\n")
		back, err := schemas.Parse("back.yaml", text)
		require.NoError(t, err, string(text))
		require.Len(t, back, 1)
		require.Equal(t, def.Schema, back[0].Schema, string(text))
		require.Equal(t, def.Description, back[0].Description)
		require.Equal(t, def.Table, back[0].Table)
		again, err := schemas.AppendYAML(nil, back[0], schemas.Comments{})
		require.NoError(t, err)
		once, err := schemas.AppendYAML(nil, def, schemas.Comments{})
		require.NoError(t, err)
		require.Equal(t, string(once), string(again))
	}
}

// A schema of a program has defaults of Go's own types, and any text in its options.
func TestAppendYAMLOfAGoSchema(t *testing.T) {
	t.Parallel()
	def := schemas.Definition{
		Description: "two\nlines: with \"quotes\"",
		Schema: fact.Schema{Name: "go", OrderBy: []string{"a"}, Fields: []fact.Field{
			{Name: "a", Default: "null"},
			{Name: "at", Type: fact.DateTime64, Default: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)},
			{Name: "day", Type: fact.Date, Default: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
			{Name: "n", Type: fact.UInt64, Default: uint64(1<<64 - 1)},
			{Name: "f", Type: fact.Float32, Default: float32(0.1)},
			{Name: "d", Type: fact.Decimal, Precision: 10, Scale: 2, Default: json.Number("1.50")},
			{Name: "list", Array: true, Default: []string{"x", "- y", "12"}},
			{Name: "map", Type: fact.StringMap, Default: map[string]string{"a: b": "true"}},
			{Name: "json", Type: fact.JSON, Default: json.RawMessage(`{"a":[1.50,null,"2026-01-02"]}`)},
			{Name: "empty", From: `""`, Comment: "no # comment"},
		}},
		Table: ddl.Options{TTL: "toDateTime(at) + INTERVAL 1 YEAR", Settings: map[string]string{"index_granularity": "4096"}},
	}
	text, err := schemas.AppendYAML(nil, def, schemas.Comments{})
	require.NoError(t, err)
	back, err := schemas.Parse("back.yaml", text)
	require.NoError(t, err)
	require.Equal(t, def.Description, back[0].Description)
	require.Equal(t, json.RawMessage(`{"a":[1.50,null,"2026-01-02"]}`), back[0].Schema.Fields[8].Default)

	def.Schema.Fields[3].Default = "many"
	text, err = schemas.AppendYAML([]byte("x"), def, schemas.Comments{})
	require.ErrorContains(t, err, `schema "go" cannot be written as YAML`)
	require.Equal(t, "x", string(text))
}
