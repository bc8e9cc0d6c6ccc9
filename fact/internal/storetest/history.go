package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// HistoryStore is what a random history is played on.
type HistoryStore interface {
	Store
	fact.ReturningAppender
	fact.ConditionalAppender
	fact.IdempotentAppender
}

var errRefused = errors.New("refused by the test's projector")

// history is what goroutines have appended, as they were told.
type history struct {
	mu        sync.Mutex
	stored    map[string]fact.Event // by ID
	refused   map[string]bool       // IDs that must not be there
	unordered []error
}

// nesting is the history's projector. The type of an event says what it does.
type nesting struct{ store func() fact.EventStore }

// Handle implements [fact.Projector].
func (n nesting) Handle(ctx context.Context, e fact.Event) error {
	switch e.Type {
	case "nest":
		return n.store().Append(ctx, "b", []fact.Event{{ID: "nested in " + e.ID, Type: "nested"}})
	case "survive":
		_ = n.store().Append(ctx, "b", []fact.Event{{ID: "refused in " + e.ID, Type: "refuse"}})
	case "refuse":
		return errRefused
	}
	return nil
}

// TestHistories plays random histories from many goroutines and compares what they
// were told with what the stores have. newStores returns stores of one log, each
// of which runs the projector; goroutines take them in turn.
func TestHistories(t *testing.T, rounds int, newStores func(t *testing.T, projector func(store func() fact.EventStore) fact.Projector) []HistoryStore) {
	t.Helper()
	for seed := range rounds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			stores := newStores(t, func(store func() fact.EventStore) fact.Projector { return nesting{store} })
			h := &history{stored: make(map[string]fact.Event), refused: make(map[string]bool)}
			var wg sync.WaitGroup
			for g := range writers {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(seed), uint64(g))) //nolint:gosec // a seed that can be repeated
					for n := range 20 {
						h.step(t.Context(), r, stores[g%len(stores)], fmt.Sprintf("%d-%d", g, n))
					}
				})
			}
			wg.Wait()
			h.require(t, stores[0])
		})
	}
}

// step is one random append.
func (h *history) step(ctx context.Context, r *rand.Rand, store HistoryStore, name string) {
	stream := []string{"a", "b", "c-1"}[r.IntN(3)]
	events := make([]fact.Event, 1+r.IntN(3))
	refused := false
	for i := range events {
		events[i] = fact.Event{ID: fmt.Sprint(name, ".", i), Type: []string{"plain", "plain", "nest", "survive", "refuse"}[r.IntN(5)]}
		refused = refused || events[i].Type == "refuse"
	}
	var stored []fact.Event
	var err error
	switch r.IntN(3) {
	case 0:
		stored, err = store.AppendReturning(ctx, stream, events)
	case 1:
		stored, err = store.AppendOnce(ctx, stream, events)
		if again, repeated := store.AppendOnce(ctx, stream, events); err == nil {
			err = repeated
			if repeated == nil && again[0].Sequence != stored[0].Sequence {
				err = fmt.Errorf("%s is stored twice", name)
			}
		}
	case 2:
		stored, err = appendAtEnd(ctx, store, stream, events)
	}
	h.note(events, stored, err, refused)
}

// appendAtEnd appends by AppendAt, as often as others are faster.
func appendAtEnd(ctx context.Context, store HistoryStore, stream string, events []fact.Event) ([]fact.Event, error) {
	for {
		loaded, err := store.Load(ctx, stream)
		if err != nil {
			return nil, err
		}
		err = store.AppendAt(ctx, stream, int64(len(loaded)), events)
		var conflict *fact.ConflictError
		switch {
		case errors.As(err, &conflict):
			continue
		case err != nil:
			return nil, err
		}
		return store.LoadFrom(ctx, stream, int64(len(loaded)))
	}
}

func (h *history) note(events, stored []fact.Event, err error, refused bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if refused != errors.Is(err, errRefused) || (err != nil && !refused) {
		h.unordered = append(h.unordered, fmt.Errorf("%s: refused is %t, error is %w", events[0].ID, refused, err))
		return
	}
	for i, e := range events {
		if refused {
			h.refused[e.ID] = true
		} else {
			h.stored[e.ID] = stored[i]
		}
	}
}

// require compares the store with the history.
func (h *history) require(t *testing.T, store Store) {
	t.Helper()
	require.Empty(t, h.unordered)
	require.NotEmpty(t, h.stored)
	require.NotEmpty(t, h.refused)
	streams := make(map[string]int64)
	seen := make(map[string]fact.Event)
	nested := 0
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		streams[e.Stream]++
		require.Equal(t, streams[e.Stream], e.Sequence, "sequences of stream %s", e.Stream)
		require.NotContains(t, seen, e.ID, "twice")
		require.False(t, h.refused[e.ID], "%s was refused", e.ID)
		seen[e.ID] = e.Event
		if e.Type == "nested" {
			nested++
			continue
		}
		require.NotEqual(t, "refuse", e.Type)
		require.Equal(t, h.stored[e.ID].Sequence, e.Sequence, "sequence that was told of %s", e.ID)
		if e.Type == "nest" {
			nested--
		}
	}
	require.Zero(t, nested, "each event that nests has its nested one")
	for id := range h.stored {
		require.Contains(t, seen, id, "acknowledged")
	}
}
