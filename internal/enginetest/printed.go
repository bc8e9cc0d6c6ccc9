package enginetest

import (
	"context"
	"errors"

	"github.com/factload/factload/ddl"
)

// Printed returns the table as the engine prints it, so that it can be compared
// with one that was read from the engine.
func (db *DB) Printed(ctx context.Context, table ddl.Table) (ddl.Table, error) {
	for range ddl.PrintRounds {
		sql := table.PrintSQL()
		if sql == "" {
			return table, nil
		}
		answer, err := db.Try(ctx, sql+" FORMAT TSVRaw")
		if err != nil {
			return table, err
		}
		settled := false
		if table, settled, err = table.Printed(answer); settled || err != nil {
			return table, err
		}
	}
	return table, errors.New("the server does not say its last word")
}
