package fact_test

import (
	"testing"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/internal/soak"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	storetest.TestHistories(t, soak.Scale(10, 500), func(_ *testing.T, projector func(func() fact.EventStore) fact.Projector) []storetest.HistoryStore {
		var store *fact.MemoryStore
		store = fact.NewMemoryStore(fact.WithProjector(projector(func() fact.EventStore { return store })))
		return []storetest.HistoryStore{store}
	})
}
