package schemas

import (
	"embed"
	"fmt"
	"slices"
	"sync"
)

//go:embed defs/*.yaml
var builtinFiles embed.FS

// builtins reads the embedded files once. They are part of the program, so a problem in them is a bug.
var builtins = sync.OnceValue(func() []Definition {
	entries, err := builtinFiles.ReadDir("defs")
	if err != nil {
		panic(fmt.Sprintf("schemas: embedded definitions: %v", err))
	}
	var all []Definition
	for _, entry := range entries {
		data, err := builtinFiles.ReadFile("defs/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("schemas: embedded definitions: %v", err))
		}
		defs, err := Parse("builtin/"+entry.Name(), data)
		if err != nil {
			panic(fmt.Sprintf("schemas: embedded definitions: %v", err))
		}
		all = append(all, defs...)
	}
	return all
})

// IsBuiltin reports whether the definition is one that comes with the package, by its name and its Source.
func (d Definition) IsBuiltin() bool {
	return slices.ContainsFunc(builtins(), func(b Definition) bool {
		return b.Schema.Name == d.Schema.Name && b.Source == d.Source
	})
}

// Builtins returns the schemas that come with the package: message, conversation, tool_call, eval_run, eval_result,
// eval_bfcl, model_price and event. Their Source starts with builtin/. The slice is the caller's, but what its elements
// point to is shared and must not be changed.
func Builtins() []Definition { return slices.Clone(builtins()) }
