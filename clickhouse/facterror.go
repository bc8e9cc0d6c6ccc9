package clickhouse

import (
	"errors"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
)

// factError says which fact of a call was refused, and for which field.
func factError(index int, f *fact.Fact, err error) error {
	refused := &fact.FactError{}
	if errors.As(err, &refused) { // of its encoder, which knows no index
		refused.Index = index
		return refused
	}
	refused = &fact.FactError{Index: index, Schema: f.Schema, ID: f.ID, Err: err}
	if field := (*block.FieldError)(nil); errors.As(err, &field) {
		refused.Field = field.Field
	}
	return refused
}
