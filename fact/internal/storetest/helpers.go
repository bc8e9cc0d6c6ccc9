package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
)

// ErrTest is what parts of a test fail with.
var ErrTest = errors.New("the test's error")

// ProjectorFunc is a function as an eventlog.Projector.
type ProjectorFunc func(ctx context.Context, e eventlog.Event) error

// Handle implements [eventlog.Projector].
func (p ProjectorFunc) Handle(ctx context.Context, e eventlog.Event) error { return p(ctx, e) }

// PublisherFunc is a function as an eventlog.Publisher.
type PublisherFunc func(ctx context.Context, events []eventlog.Event) error

// Publish implements [eventlog.Publisher].
func (p PublisherFunc) Publish(ctx context.Context, events []eventlog.Event) error {
	return p(ctx, events)
}

// Recording collects what it is given. It is safe for concurrent use.
type Recording[T any] struct {
	mu  sync.Mutex
	got []T
}

// Add keeps the values.
func (r *Recording[T]) Add(v ...T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, v...)
}

// All returns what was added, in order.
func (r *Recording[T]) All() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Published is a publisher that notes the events as "stream/sequence type".
type Published struct{ Recording[[]string] }

// Publish implements [eventlog.Publisher].
func (p *Published) Publish(_ context.Context, events []eventlog.Event) error {
	p.Add(Briefly(events))
	return nil
}

// Keeping is a publisher that keeps the events.
type Keeping struct {
	Recording[[]eventlog.Event]
}

// Publish implements [eventlog.Publisher].
func (k *Keeping) Publish(_ context.Context, events []eventlog.Event) error {
	k.Add(events)
	return nil
}

// Briefly returns the events as "stream/sequence type".
func Briefly(events []eventlog.Event) []string {
	brief := make([]string, len(events))
	for i, e := range events {
		brief[i] = fmt.Sprintf("%s/%d %s", e.Stream, e.Sequence, e.Type)
	}
	return brief
}

// Events returns events of the given types.
func Events(types ...string) []eventlog.Event {
	made := make([]eventlog.Event, len(types))
	for i, name := range types {
		made[i] = eventlog.Event{Type: name}
	}
	return made
}

// RequireStream checks what a stream holds, as "sequence type".
func RequireStream(t *testing.T, store eventlog.EventStore, stream string, want ...string) {
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

// When returns a projector that acts on events of one type.
func When(eventType string, do func(ctx context.Context, e eventlog.Event) error) ProjectorFunc {
	return func(ctx context.Context, e eventlog.Event) error {
		if e.Type != eventType {
			return nil
		}
		return do(ctx, e)
	}
}

// Blocking is a publisher that waits for Release to be closed at each call.
type Blocking struct {
	Published
	Release chan struct{}
}

// NewBlocking returns a publisher that waits.
func NewBlocking() *Blocking { return &Blocking{Release: make(chan struct{})} }

// Publish implements [eventlog.Publisher].
func (b *Blocking) Publish(ctx context.Context, events []eventlog.Event) error {
	select {
	case <-b.Release:
		return b.Published.Publish(ctx, events)
	case <-ctx.Done():
		return ctx.Err()
	}
}
