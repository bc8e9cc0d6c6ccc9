package schemas_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

func definition(name, source string) schemas.Definition {
	return schemas.Definition{
		Schema: fact.Schema{Name: name, Fields: []fact.Field{{Name: "x"}}},
		Source: source,
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	r, err := schemas.NewRegistry(definition("b", "f:2"), definition("a", "f:1"), definition("message", "f:3"))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "message"}, r.Names())
	require.Equal(t, []schemas.Definition{definition("a", "f:1"), definition("b", "f:2"), definition("message", "f:3")}, r.All())
	def, err := r.Get("b")
	require.NoError(t, err)
	require.Equal(t, definition("b", "f:2"), def)

	r.Names()[0] = "changed"
	r.All()[0] = schemas.Definition{}
	require.Equal(t, "a", r.Names()[0])
	require.Equal(t, "a", r.All()[0].Schema.Name)
}

func TestRegistryUnknown(t *testing.T) {
	t.Parallel()
	r, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	const known = "conversation, eval_bfcl, eval_result, eval_run, event, message, model_price, tool_call"
	for name, want := range map[string]string{
		"mesage":       `unknown schema "mesage", did you mean "message"? known schemas are ` + known,
		"messages":     `unknown schema "messages", did you mean "message"? known schemas are ` + known,
		"toolcall":     `unknown schema "toolcall", did you mean "tool_call"? known schemas are ` + known,
		"eval_results": `unknown schema "eval_results", did you mean "eval_result"? known schemas are ` + known,
		"order":        `unknown schema "order": known schemas are ` + known,
		"":             `unknown schema "": known schemas are ` + known,
	} {
		_, err := r.Get(name)
		require.EqualError(t, err, want)
		var unknown *schemas.UnknownError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, name, unknown.Name)
		require.Equal(t, r.Names(), unknown.Known)
	}
	empty, err := schemas.NewRegistry()
	require.NoError(t, err)
	_, err = empty.Get("message")
	require.EqualError(t, err, `unknown schema "message": there are no schemas`)
}

func TestRegistryDuplicates(t *testing.T) {
	t.Parallel()
	_, err := schemas.NewRegistry(definition("a", "one.yaml:1"), definition("a", "two.yaml:7"), definition("b", ""), definition("b", "three.yaml:1"))
	require.EqualError(t, err, `schema "a" is defined twice, in one.yaml:1 and in two.yaml:7: rename one of them`+"\n"+
		`schema "b" is defined twice, in the program and in three.yaml:1: rename one of them`)

	// One with the name of a built-in schema takes its place, whichever comes first.
	mine := definition("message", "mine.yaml:1")
	for _, defs := range [][]schemas.Definition{append(schemas.Builtins(), mine), append([]schemas.Definition{mine}, schemas.Builtins()...)} {
		r, err := schemas.NewRegistry(defs...)
		require.NoError(t, err)
		got, err := r.Get("message")
		require.NoError(t, err)
		require.Equal(t, mine, got)
		require.False(t, got.IsBuiltin())
		other, err := r.Get("eval_run")
		require.NoError(t, err)
		require.True(t, other.IsBuiltin())
	}
	_, err = schemas.NewRegistry(append(schemas.Builtins(), mine, definition("message", "two.yaml:1"))...)
	require.EqualError(t, err, `schema "message" is defined twice, in mine.yaml:1 and in two.yaml:1: rename one of them`)
}
