package schemas_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// The built-in schema event is that of the struct.
func TestEventSchema(t *testing.T) {
	t.Parallel()
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	def, err := registry.Get(fact.LoggedEventSchema)
	require.NoError(t, err)
	want, err := schemas.FromStruct(fact.LoggedEvent{}, schemas.StructOptions{Name: fact.LoggedEventSchema, OrderBy: []string{"place"}})
	require.NoError(t, err)
	for i, f := range def.Schema.Fields {
		f.Comment = ""
		require.Equal(t, want.Fields[i], f)
	}
	require.Len(t, def.Schema.Fields, len(want.Fields))
	require.Equal(t, want.OrderBy, def.Schema.OrderBy)
}
