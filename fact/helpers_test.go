package fact_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

var errTest = errors.New("the test's error")

// projectorFunc is a function as a fact.Projector.
type projectorFunc func(ctx context.Context, e fact.Event) error

func (p projectorFunc) Handle(ctx context.Context, e fact.Event) error { return p(ctx, e) }

// publisherFunc is a function as a fact.Publisher.
type publisherFunc func(ctx context.Context, events []fact.Event) error

func (p publisherFunc) Publish(ctx context.Context, events []fact.Event) error { return p(ctx, events) }

// recording collects what it is given. It is safe for concurrent use.
type recording[T any] struct {
	mu  sync.Mutex
	got []T
}

func (r *recording[T]) add(v ...T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, v...)
}

func (r *recording[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// published is a publisher that notes the events as "stream/sequence type".
type published struct{ recording[[]string] }

func (p *published) Publish(_ context.Context, events []fact.Event) error {
	p.add(briefly(events))
	return nil
}

func briefly(events []fact.Event) []string {
	brief := make([]string, len(events))
	for i, e := range events {
		brief[i] = fmt.Sprintf("%s/%d %s", e.Stream, e.Sequence, e.Type)
	}
	return brief
}

func events(types ...string) []fact.Event {
	made := make([]fact.Event, len(types))
	for i, name := range types {
		made[i] = fact.Event{Type: name}
	}
	return made
}

// requireStream checks what a stream holds, as "sequence type".
func requireStream(t *testing.T, store fact.EventStore, stream string, want ...string) {
	t.Helper()
	got, err := store.Load(context.Background(), stream)
	require.NoError(t, err)
	brief := make([]string, len(got))
	for i, e := range got {
		brief[i] = fmt.Sprintf("%d %s", e.Sequence, e.Type)
	}
	require.ElementsMatch(t, want, brief)
	require.Len(t, got, len(want))
	for i, e := range got {
		require.EqualValues(t, i+1, e.Sequence)
	}
}

// when returns a projector that acts on events of one type.
func when(eventType string, do func(ctx context.Context, e fact.Event) error) projectorFunc {
	return func(ctx context.Context, e fact.Event) error {
		if e.Type != eventType {
			return nil
		}
		return do(ctx, e)
	}
}
