package enginetest

import (
	"context"
	"errors"
	"sync"

	"github.com/factload/factload/ddl"
)

// functions are those of the shared engine.
var functions struct {
	sync.Mutex
	known ddl.Functions
}

func (db *DB) functions(ctx context.Context) (ddl.Functions, error) {
	functions.Lock()
	defer functions.Unlock()
	if functions.known == nil {
		answer, err := db.Try(ctx, ddl.FunctionsSQL+" FORMAT TSVRaw")
		if err != nil {
			return nil, err
		}
		functions.known = ddl.ParseFunctions(answer)
	}
	return functions.known, nil
}

// Printed returns the table as the engine prints it, so that it can be compared
// with one that was read from the engine.
func (db *DB) Printed(ctx context.Context, table ddl.Table) (ddl.Table, error) {
	functions, err := db.functions(ctx)
	if err != nil {
		return table, err
	}
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
		if table, settled, err = table.Printed(answer, functions); settled || err != nil {
			return table, err
		}
	}
	return table, errors.New("the server does not say its last word")
}
