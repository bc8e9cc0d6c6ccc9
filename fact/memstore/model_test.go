package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

// step is one Append: where to, and what the projector does at each event.
type step struct {
	store  int
	stream string
	name   string
	events []reaction
	at     int64 // expected sequence, or -1 for a plain append
}

// reaction is what the projector does when it sees an event.
type reaction struct {
	appends []step
	survive bool // go on when one of them fails
	end     ending
}

type ending int

const (
	accept ending = iota
	refuse
	panics
)

// randomStep returns an append to the store with nested ones, at most depth deep.
func randomStep(r *rand.Rand, store, depth int, names *int) step {
	*names++
	s := step{
		store: store, stream: []string{"a", "b"}[r.IntN(2)], name: fmt.Sprint("n", *names), at: -1,
		events: make([]reaction, 1+r.IntN(3)),
	}
	if r.IntN(6) == 0 {
		s.at = r.Int64N(6)
	}
	for i := range s.events {
		e := &s.events[i]
		if depth > 0 {
			for range r.IntN(3) {
				e.appends = append(e.appends, randomStep(r, store, depth-1, names))
			}
		}
		e.survive = r.IntN(2) == 0
		if r.IntN(10) == 0 {
			e.end = []ending{refuse, panics}[r.IntN(2)]
		}
	}
	return s
}

// model is what the stores should hold: event types by "store/stream", and all
// of each store in the order of their appends.
type model struct {
	streams map[string][]string
	order   map[int][]string
}

func newModel() model { return model{map[string][]string{}, map[int][]string{}} }

// do applies the step, or returns false and leaves the model as it was.
func (m model) do(s step) bool {
	before := m.clone()
	if m.apply(s) {
		return true
	}
	maps.Copy(m.streams, before.streams)
	maps.DeleteFunc(m.streams, func(k string, _ []string) bool { return before.streams[k] == nil })
	maps.Copy(m.order, before.order)
	maps.DeleteFunc(m.order, func(k int, _ []string) bool { return before.order[k] == nil })
	return false
}

func (m model) clone() model {
	c := newModel()
	for k, v := range m.streams {
		c.streams[k] = slices.Clone(v)
	}
	for k, v := range m.order {
		c.order[k] = slices.Clone(v)
	}
	return c
}

func (m model) apply(s step) bool {
	key := fmt.Sprint(s.store, "/", s.stream)
	if s.at >= 0 && int64(len(m.streams[key])) != s.at {
		return false
	}
	for i := range s.events {
		m.streams[key] = append(m.streams[key], fmt.Sprint(s.name, ".", i))
		m.order[s.store] = append(m.order[s.store], fmt.Sprint(s.name, ".", i))
	}
	for _, e := range s.events {
		for _, nested := range e.appends {
			if !m.do(nested) && !e.survive {
				return false
			}
		}
		if e.end != accept {
			return false
		}
	}
	return true
}

// world is the stores that the steps are played in.
type world struct {
	stores     []*memstore.Store
	published  []*storetest.Keeping
	reactions  map[string]reaction // by event type
	unexpected storetest.Recording[error]
}

func newWorld(stores int) *world {
	w := &world{reactions: map[string]reaction{}}
	for range stores {
		pub := new(storetest.Keeping)
		w.published = append(w.published, pub)
		w.stores = append(w.stores, memstore.New(memstore.WithProjector(storetest.ProjectorFunc(w.react)), memstore.WithPublisher(pub)))
	}
	return w
}

// know makes the reactions to the step's events known.
func (w *world) know(s step) {
	for i, e := range s.events {
		w.reactions[fmt.Sprint(s.name, ".", i)] = e
		for _, nested := range e.appends {
			w.know(nested)
		}
	}
}

func (w *world) play(ctx context.Context, s step) error {
	names := make([]string, len(s.events))
	for i := range names {
		names[i] = fmt.Sprint(s.name, ".", i)
	}
	if s.at >= 0 {
		return w.stores[s.store].AppendAt(ctx, s.stream, s.at, storetest.Events(names...))
	}
	return w.stores[s.store].Append(ctx, s.stream, storetest.Events(names...))
}

func (w *world) react(ctx context.Context, e eventlog.Event) error {
	r := w.reactions[e.Type]
	for _, nested := range r.appends {
		if err := w.play(ctx, nested); err != nil {
			var conflict *eventlog.ConflictError
			if !errors.Is(err, storetest.ErrTest) && !errors.As(err, &conflict) {
				w.unexpected.Add(err)
			}
			if !r.survive {
				return err
			}
		}
	}
	switch r.end {
	case refuse:
		return storetest.ErrTest
	case panics:
		panic(storetest.ErrTest)
	}
	return nil
}

// TestUnitsOfWorkAgainstModel plays random trees of appends that succeed, fail,
// panic, conflict and survive failures, and compares with a model that copies
// everything at each step.
func TestUnitsOfWorkAgainstModel(t *testing.T) {
	t.Parallel()
	const seeds, stores, steps = 150, 3, 8
	committed := 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		w, m, names := newWorld(stores), newModel(), 0
		for range steps {
			s := randomStep(r, r.IntN(stores), 3, &names)
			w.know(s)
			want := m.do(s)
			err := w.play(t.Context(), s)
			require.Equal(t, want, err == nil, "seed %d, step %s: %v", seed, s.name, err)
			if want {
				committed++
			}
		}
		require.Empty(t, w.unexpected.All(), "seed %d", seed)
		for i, store := range w.stores {
			for _, stream := range []string{"a", "b"} {
				got, err := store.Load(t.Context(), stream)
				require.NoError(t, err)
				require.Equal(t, strings.Join(m.streams[fmt.Sprint(i, "/", stream)], " "), typesOf(got), "seed %d", seed)
				for j, e := range got {
					require.EqualValues(t, j+1, e.Sequence)
				}
			}
			require.NoError(t, store.Flush(t.Context()))
			require.Equal(t, strings.Join(m.order[i], " "), typesOf(slices.Concat(w.published[i].All()...)), "seed %d", seed)
		}
	}
	require.Greater(t, committed, seeds, "the test is of use only if enough is committed")
	require.Less(t, committed, seeds*steps)
}

func typesOf(events []eventlog.Event) string {
	types := make([]string, len(events))
	for i, e := range events {
		types[i] = e.Type
	}
	return strings.Join(types, " ")
}
