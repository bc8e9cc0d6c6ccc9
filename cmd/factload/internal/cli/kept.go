package cli

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/schemas"
)

// KeptSchema is a schema that the database keeps, as loads have used it.
type KeptSchema struct {
	schemas.Definition
	Text string // the definition as it was written
}

// KeptSchemas returns the schemas that the database keeps, sorted by name.
func KeptSchemas(ctx context.Context, client *clickhouse.Client) ([]KeptSchema, error) {
	all, err := bulk.Schemas(ctx, client)
	if err != nil {
		return nil, err
	}
	var kept []KeptSchema
	for _, k := range all {
		source := "schema " + k.Name + " as the database keeps it"
		defs, err := schemas.Parse(source, []byte(k.Definition))
		if err != nil {
			return nil, err
		}
		if len(defs) != 1 {
			return nil, fmt.Errorf("%s: it is not one schema", source)
		}
		kept = append(kept, KeptSchema{Definition: defs[0], Text: k.Definition})
	}
	return kept, nil
}

// UnknownSchema is the error for a schema that no file has when the database cannot be asked for it.
func UnknownSchema(unknown, why error) error {
	return UsageError(fmt.Errorf("%w; the database cannot be asked for it: %w", unknown, why))
}
