package schemas

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/internal/suggest"
)

// A Registry holds definitions by the name of their schema. It does not change, and it is safe for concurrent use.
type Registry struct {
	defs  map[string]Definition
	names []string // sorted
}

// NewRegistry returns a registry of the given definitions. One with the name of a built-in schema takes its place. Any
// other two with the same name are an error that names the sources of both.
func NewRegistry(defs ...Definition) (*Registry, error) {
	byName := make(map[string]Definition, len(defs))
	var wrong []error
	for _, def := range defs {
		switch first, twice := byName[def.Schema.Name]; {
		case twice && def.IsBuiltin() && !first.IsBuiltin():
			continue
		case twice && def.IsBuiltin() == first.IsBuiltin():
			wrong = append(wrong, fmt.Errorf("schema %q is defined twice, in %s and in %s: rename one of them", def.Schema.Name, sourceOf(first), sourceOf(def)))
			continue
		}
		byName[def.Schema.Name] = def
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return &Registry{defs: byName, names: slices.Sorted(maps.Keys(byName))}, nil
}

func sourceOf(def Definition) string {
	if def.Source == "" {
		return "the program"
	}
	return def.Source
}

// Get returns the definition of a schema. The error for an unknown name is an [*UnknownError].
func (r *Registry) Get(name string) (Definition, error) {
	if def, ok := r.defs[name]; ok {
		return def, nil
	}
	return Definition{}, &UnknownError{Name: name, Near: suggest.Name(name, r.names), Known: r.Names()}
}

// Names returns the names of all schemas, sorted. The slice is the caller's.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// All returns all definitions, sorted by name. The slice is the caller's, but what its elements point to is shared and
// must not be changed.
func (r *Registry) All() []Definition {
	all := make([]Definition, len(r.names))
	for i, name := range r.names {
		all[i] = r.defs[name]
	}
	return all
}

// An UnknownError says that a registry has no schema of a name.
type UnknownError struct {
	// Name is the name that was asked for.
	Name string
	// Near is the known name that is most like it, or empty when none is.
	Near string
	// Known are the names of all schemas of the registry, sorted.
	Known []string
}

// Error names the schema, the one that was probably meant, and the known ones.
func (e *UnknownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "unknown schema %q", e.Name)
	if e.Near != "" {
		fmt.Fprintf(&b, ", did you mean %q?", e.Near)
	} else {
		b.WriteByte(':')
	}
	if len(e.Known) == 0 {
		b.WriteString(" there are no schemas")
		return b.String()
	}
	b.WriteString(" known schemas are " + strings.Join(e.Known, ", "))
	return b.String()
}
