package ddl

import (
	"errors"
	"fmt"

	"github.com/factload/factload/ddl/internal/literal"
	"github.com/factload/factload/fact"
)

// ErrLiteral is wrapped by the errors of [Literal].
var ErrLiteral = errors.New("no literal")

// Literal returns v as a SQL literal for the column of f. It is how a default
// gets into the table, so v is what a fact could hold in the field: any Go
// integer for the integer types, json.Number, text or time.Time for times, a
// slice for arrays, a map for a StringMap, and so on. NULL and values out of
// range are errors; nothing is rounded, cut or replaced.
func Literal(f fact.Field, v any) (string, error) {
	text, err := literal.Of(f, v)
	if err != nil {
		return "", fmt.Errorf("field %q: %w: %w", f.Name, ErrLiteral, err)
	}
	return text, nil
}
