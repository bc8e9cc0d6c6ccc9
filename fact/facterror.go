package fact

import (
	"fmt"
	"strings"
)

// FactError says which fact of a call was refused, and why.
type FactError struct {
	// Index is the place of the fact in the call, from 0.
	Index int
	// Schema and ID are those of the fact. ID may be empty.
	Schema, ID string
	// Field is the name of the field at fault, or of the key that is no field. It
	// is empty when it is not about one field.
	Field string
	// Err is what was wrong.
	Err error
}

// Error says which fact and field it is about and what was wrong.
func (e *FactError) Error() string {
	where := fmt.Sprintf("fact %d (schema %q", e.Index, e.Schema)
	if e.ID != "" {
		where += fmt.Sprintf(", id %q", e.ID)
	}
	where += ")"
	what := e.Err.Error()
	if field := fmt.Sprintf("field %q", e.Field); e.Field != "" && !strings.HasPrefix(what, field) {
		where += ": " + field
	}
	return where + ": " + what
}

// Unwrap returns Err.
func (e *FactError) Unwrap() error { return e.Err }
