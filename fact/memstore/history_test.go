package memstore_test

import (
	"testing"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
	"github.com/factload/factload/internal/soak"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	storetest.TestHistories(t, soak.Scale(10, 500), func(_ *testing.T, projector func(func() eventlog.EventStore) eventlog.Projector) []storetest.HistoryStore {
		var store *memstore.Store
		store = memstore.New(memstore.WithProjector(projector(func() eventlog.EventStore { return store })))
		return []storetest.HistoryStore{store}
	})
}
