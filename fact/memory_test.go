package fact_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryStoreConformance(t *testing.T) {
	t.Parallel()
	facttest.TestEventStore(t, func(*testing.T) fact.EventStore { return fact.NewMemoryStore() })
}

func TestMemoryStoreProjectingConformance(t *testing.T) {
	t.Parallel()
	facttest.TestProjectingStore(t, func(_ *testing.T, w facttest.Wiring) fact.EventStore {
		return newWiredStore(w)
	})
}

// newWiredStore returns a MemoryStore with the given parts.
func newWiredStore(w facttest.Wiring, opts ...fact.Option) *fact.MemoryStore {
	for _, p := range w.Projectors {
		opts = append(opts, fact.WithProjector(p))
	}
	for _, p := range w.Publishers {
		opts = append(opts, fact.WithPublisher(p))
	}
	opts = append(opts, fact.WithPublishErrorHandler(w.OnPublishError))
	return fact.NewMemoryStore(opts...)
}
