package schemas_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

func TestBuiltins(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, 8)
	for _, def := range schemas.Builtins() {
		names = append(names, def.Schema.Name)
	}
	require.Equal(t, []string{"message", "conversation", "tool_call", "eval_run", "eval_result", "eval_bfcl", "event", "model_price"}, names)
}

func TestBuiltinsAreSound(t *testing.T) {
	t.Parallel()
	for _, def := range schemas.Builtins() {
		t.Run(def.Schema.Name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, def.Schema.Validate())
			table, err := ddl.NewTable(def.Schema, def.Table)
			require.NoError(t, err)
			require.Equal(t, def.Description, table.Comment)
			require.NotEmpty(t, def.Description)
			require.Regexp(t, `^builtin/(chat|eval|event|price)\.yaml:\d+$`, def.Source)

			id, ok := def.Schema.FactIDField()
			require.True(t, ok)
			for _, f := range def.Schema.Fields {
				require.NotEmpty(t, f.Comment, f.Name)
				require.Equal(t, strings.ToLower(f.Name), f.Name)
				require.NotRegexp(t, `[^.]\.$`, f.Comment, f.Name)
			}
			require.Empty(t, def.Table.TTL, "nothing is deleted unless somebody asks for it")
			if def.Schema.Name == fact.LoggedEventSchema {
				return // it is no project's
			}
			require.Equal(t, "id", id.Name)
			require.Equal(t, "project", def.Schema.OrderBy[0])
			for _, name := range []string{"project", "model", "tags", "payload"} {
				_, ok := def.Schema.FieldByName(name)
				require.True(t, ok, name)
			}
		})
	}
}

// TestBuiltinsAgree checks that a field of the same name has the same type in all schemas, so that they can be joined
// and compared.
func TestBuiltinsAgree(t *testing.T) {
	t.Parallel()
	// Totals are wider, and what is expected is text in one suite and calls in the other.
	notShared := []string{"prompt_tokens", "completion_tokens", "expected"}
	first := map[string]fact.Field{}
	for _, def := range schemas.Builtins() {
		for _, f := range def.Schema.Fields {
			if slices.Contains(notShared, f.Name) {
				continue
			}
			before, ok := first[f.Name]
			if !ok {
				first[f.Name] = f
				continue
			}
			require.Equal(t, before.Type, f.Type, "%s.%s", def.Schema.Name, f.Name)
			require.Equal(t, before.Nullable, f.Nullable, "%s.%s", def.Schema.Name, f.Name)
			require.Equal(t, before.Array, f.Array, "%s.%s", def.Schema.Name, f.Name)
		}
	}
}

func TestBuiltinsAreTheCallers(t *testing.T) {
	t.Parallel()
	schemas.Builtins()[0] = schemas.Definition{}
	require.Equal(t, "message", schemas.Builtins()[0].Schema.Name)
}
