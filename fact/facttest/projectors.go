package facttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

var errRefused = errors.New("refused by the test's projector")

func refuse(context.Context, fact.Event) error { return errRefused }

func projectorRules() []rule {
	return []rule{
		{name: "projectors see every event complete and in order", run: ruleProjectorSees},
		{name: "projectors run before the commit", run: ruleProjectorBefore},
		{name: "projectors get copies", run: ruleProjectorCopies},
		{name: "a projector's error leaves nothing stored", run: ruleProjectorError},
		{name: "a projector's panic is an error and leaves nothing stored", run: ruleProjectorPanic},
		{name: "a projector may append to the same stream", run: ruleNestedSame},
		{name: "a projector may append to another stream", run: ruleNestedOther},
		{name: "nested events are projected too", run: ruleNestedProjected},
		{name: "load inside a projector sees the unit of work", run: ruleLoadInside},
	}
}

func ruleProjectorSees(s *subject) {
	var seen storetest.Recording[fact.Event]
	var calls storetest.Recording[string]
	note := func(name string) storetest.ProjectorFunc {
		return func(_ context.Context, e fact.Event) error {
			calls.Add(name + " " + e.Type)
			if name == "first" {
				seen.Add(e)
			}
			return nil
		}
	}
	store := s.projecting(note("first"), note("second"))
	s.append(store, "a", "x")
	s.append(store, "a", "y", "z")
	require.Equal(s, []string{"first x", "second x", "first y", "second y", "first z", "second z"}, calls.All())
	stored := s.load(store, "a")
	require.Len(s, stored, 3)
	for i, e := range seen.All() {
		require.NotEmpty(s, e.ID)
		require.Equal(s, stored[i].ID, e.ID)
		require.Equal(s, stored[i].Stream, e.Stream)
		require.Equal(s, stored[i].Sequence, e.Sequence)
		require.True(s, stored[i].OccurredAt.Equal(e.OccurredAt), "want %v, got %v", stored[i].OccurredAt, e.OccurredAt)
		require.JSONEq(s, string(stored[i].Data), string(e.Data))
	}
}

func ruleProjectorBefore(s *subject) {
	var store fact.EventStore
	var visible storetest.Recording[string]
	store = s.projecting(storetest.ProjectorFunc(func(context.Context, fact.Event) error {
		events, err := store.Load(s.ctx, "a") // not the projector's ctx: as anybody else sees it
		visible.Add(typesOf(events)...)
		return err
	}))
	s.append(store, "a", "x")
	require.Empty(s, visible.All(), "events that others see before the commit")
	s.append(store, "a", "y")
	require.Equal(s, []string{"x"}, visible.All())
}

func ruleProjectorCopies(s *subject) {
	spoiler := storetest.ProjectorFunc(func(_ context.Context, e fact.Event) error {
		spoil([]fact.Event{e})
		return nil
	})
	var second storetest.Recording[string]
	store := s.projecting(spoiler, storetest.ProjectorFunc(func(_ context.Context, e fact.Event) error {
		second.Add(string(e.Data) + e.Metadata["k"])
		return nil
	}))
	events := newEvents("x")
	events[0].Metadata = map[string]string{"k": "v"}
	require.NoError(s, store.Append(s.ctx, "a", events))
	require.Equal(s, `{"n":0}`, string(events[0].Data), "the caller's event")
	stored := s.load(store, "a")
	s.are(stored, "a", 1, "x")
	require.JSONEq(s, `{"n":0}`, string(stored[0].Data), "the stored event")
	require.Equal(s, "v", stored[0].Metadata["k"])
	require.Equal(s, []string{`{"n":0}v`}, second.All(), "what the next projector gets")
}

func ruleProjectorError(s *subject) {
	store := s.projecting(storetest.When("bad", refuse))
	s.append(store, "a", "x")
	require.ErrorIs(s, s.try(store, "good", "bad", "good"), errRefused)
	s.holds(store, "a", "x")
	s.append(store, "a", "y")
	s.holds(store, "a", "x", "y")
}

func ruleProjectorPanic(s *subject) {
	store := s.projecting(storetest.When("bad", func(context.Context, fact.Event) error { panic(errRefused) }))
	s.append(store, "a", "x")
	err := s.try(store, "good", "bad")
	require.ErrorIs(s, err, errRefused, "the error leads to the value of the panic")
	require.NotContains(s, err.Error(), "escaped", "append returns an error and does not panic")
	s.holds(store, "a", "x")
	s.append(store, "a", "y")
	s.holds(store, "a", "x", "y")
}

func ruleNestedSame(s *subject) {
	var store fact.EventStore
	store = s.projecting(appendTo(&store, "outer", "a", "nested", "nested too"))
	s.append(store, "a", "x")
	require.NoError(s, s.try(store, "outer", "outer's second"))
	s.append(store, "a", "y")
	s.holds(store, "a", "x", "outer", "outer's second", "nested", "nested too", "y")
}

func ruleNestedOther(s *subject) {
	var store fact.EventStore
	store = s.projecting(appendTo(&store, "outer", "b", "nested"))
	s.append(store, "b", "x")
	require.NoError(s, s.try(store, "outer", "outer"))
	s.holds(store, "a", "outer", "outer")
	s.holds(store, "b", "x", "nested", "nested")
}

func ruleNestedProjected(s *subject) {
	var store fact.EventStore
	var seen storetest.Recording[string]
	chain := map[string]string{"one": "two", "two": "three"}
	store = s.projecting(storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
		seen.Add(fmt.Sprintf("%s %d", e.Type, e.Sequence))
		if next := chain[e.Type]; next != "" {
			return store.Append(ctx, "a", newEvents(next))
		}
		return nil
	}))
	require.NoError(s, s.try(store, "one"))
	require.Equal(s, []string{"one 1", "two 2", "three 3"}, seen.All())
	s.holds(store, "a", "one", "two", "three")
}

func ruleLoadInside(s *subject) {
	var store fact.EventStore
	var seen storetest.Recording[string]
	store = s.projecting(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
		if err := store.Append(ctx, "a", newEvents("nested")); err != nil {
			return err
		}
		all, err := store.Load(ctx, "a")
		if err != nil {
			return err
		}
		seen.Add(typesOf(all)...)
		later, err := store.LoadFrom(ctx, "a", 2)
		seen.Add(typesOf(later)...)
		spoil(later)
		return err
	}))
	s.append(store, "a", "x")
	require.NoError(s, s.try(store, "outer", "second"))
	require.Equal(s, []string{"x", "outer", "second", "nested", "second", "nested"}, seen.All())
	s.holds(store, "a", "x", "outer", "second", "nested")
}

// ruleNestedAppendAt is for stores that implement fact.ConditionalAppender.
func ruleNestedAppendAt(s *subject) {
	var store fact.EventStore
	var conflicts storetest.Recording[fact.ConflictError]
	store = s.projecting(storetest.When("outer", func(ctx context.Context, e fact.Event) error {
		err := as[fact.ConditionalAppender](s, store).AppendAt(ctx, "a", e.Sequence-1, newEvents("stale"))
		var conflict *fact.ConflictError
		if !errors.As(err, &conflict) {
			return fmt.Errorf("want a conflict, got %w", err)
		}
		conflicts.Add(*conflict)
		return as[fact.ConditionalAppender](s, store).AppendAt(ctx, "a", e.Sequence, newEvents("nested"))
	}))
	s.append(store, "a", "x")
	require.NoError(s, s.try(store, "outer"))
	require.Equal(s, []fact.ConflictError{{Stream: "a", Expected: 1, Actual: 2}}, conflicts.All())
	s.holds(store, "a", "x", "outer", "nested")
}
