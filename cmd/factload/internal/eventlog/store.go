package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/pgstore"
	"github.com/factload/factload/fact/sqlitestore"
)

// eventStore is what commands need of a log.
type eventStore interface {
	fact.LogReader
	fact.Importer
	fact.Eraser
	Vacuum(ctx context.Context) error
	Close(ctx context.Context) error
}

// storeHelp describes the values of --store.
const storeHelp = "the log: sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE" //nolint:gosec // no password

// openStore opens the log that --store names.
func openStore(ctx context.Context, name string, readOnly bool) (eventStore, error) {
	if path, ok := strings.CutPrefix(name, "sqlite:"); ok {
		store, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: path, ReadOnly: readOnly})
		if err != nil {
			return nil, err // and no store in the interface
		}
		return store, nil
	}
	if strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") {
		store, err := pgstore.Open(ctx, pgstore.Config{DSN: name})
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	if name == "" {
		return nil, cli.UsageError(errors.New("no log given: --store wants " + storeHelp))
	}
	scheme, _, _ := strings.Cut(name, ":")
	return nil, cli.UsageError(fmt.Errorf("--store %s:…: want %s", scheme, storeHelp))
}
