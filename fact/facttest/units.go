package facttest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func unitRules() []rule {
	return []rule{
		{name: "nested appends are undone when the outer one fails", run: ruleNestedUndone},
		{name: "a failed nested append can be survived", run: ruleNestedSurvived},
		{name: "a failed nested append takes back what it nested", run: ruleNestedDeepUndone},
		{name: "the ctx of a finished projector is an ordinary one", run: ruleLateContext},
		{name: "goroutines of a projector may share its ctx", run: ruleGoroutines},
		{name: "a projector may append to another store", run: ruleOtherStore, twoStore: true},
		{name: "appends to another store are undone when the outer one fails", run: ruleOtherStoreUndone, twoStore: true},
		{name: "appends to another store are undone when a projector panics", run: ruleOtherStorePanic, twoStore: true},
		{name: "another store shows nothing before the commit", run: ruleOtherStoreHidden, twoStore: true},
		{name: "stores that append to each other do not deadlock", run: ruleBothWays, twoStore: true},
	}
}

func ruleNestedUndone(s *subject) {
	var store fact.EventStore
	store = s.projecting(
		appendTo(&store, "outer", "a", "same stream"),
		appendTo(&store, "outer", "b", "other stream"),
		on("outer", refuse),
	)
	s.append(store, "b", "x")
	require.ErrorIs(s, s.try(store, "outer"), errRefused)
	require.Empty(s, s.load(store, "a"))
	s.holds(store, "b", "x")
}

func ruleNestedSurvived(s *subject) {
	var store fact.EventStore
	var nested log[error]
	store = s.projecting(
		on("bad", refuse),
		on("outer", func(ctx context.Context, _ fact.Event) error {
			nested.add(store.Append(ctx, "a", newEvents("good", "bad")))
			return store.Append(ctx, "a", newEvents("instead"))
		}),
	)
	require.NoError(s, s.try(store, "outer"))
	require.Len(s, nested.all(), 1)
	require.ErrorIs(s, nested.all()[0], errRefused)
	s.holds(store, "a", "outer", "instead")
}

func ruleNestedDeepUndone(s *subject) {
	var store fact.EventStore
	store = s.projecting(
		appendTo(&store, "middle", "b", "deep"),
		on("middle", refuse),
		on("outer", func(ctx context.Context, _ fact.Event) error {
			_ = store.Append(ctx, "b", newEvents("kept"))
			_ = store.Append(ctx, "a", newEvents("middle")) // fails, and takes "deep" with it
			return store.Append(ctx, "b", newEvents("kept too"))
		}),
	)
	require.NoError(s, s.try(store, "outer"))
	s.holds(store, "a", "outer")
	s.holds(store, "b", "kept", "kept too")
}

func ruleLateContext(s *subject) {
	var store fact.EventStore
	var late context.Context
	store = s.projecting(on("outer", func(ctx context.Context, _ fact.Event) error {
		late = ctx
		return nil
	}))
	require.NoError(s, s.try(store, "outer"))
	require.NoError(s, s.returns("append with the ctx of a finished projector", func() error {
		return store.Append(late, "a", newEvents("late"))
	}))
	s.holds(store, "a", "outer", "late")
}

func ruleGoroutines(s *subject) {
	const goroutines = 8
	var store fact.EventStore
	store = s.projecting(on("outer", func(ctx context.Context, _ fact.Event) error {
		results := make(chan error, goroutines)
		for range goroutines {
			go func() {
				err := store.Append(ctx, "a", newEvents("nested"))
				if err == nil {
					_, err = store.Load(ctx, "a")
				}
				results <- err
			}()
		}
		for range goroutines {
			if err := <-results; err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(s, s.try(store, "outer"))
	want := []string{"outer"}
	for range goroutines {
		want = append(want, "nested")
	}
	s.holds(store, "a", want...)
}

func ruleOtherStore(s *subject) {
	var seen log[string]
	other := s.projecting(projector(func(_ context.Context, e fact.Event) error {
		seen.add(e.Type)
		return nil
	}))
	plain := s.newStore(Wiring{})
	store := s.projecting(
		appendTo(&other, "outer", "a", "to the other"),
		appendTo(&plain, "outer", "a", "to the plain one"),
	)
	require.NoError(s, s.try(store, "outer", "outer"))
	s.holds(store, "a", "outer", "outer")
	s.holds(other, "a", "to the other", "to the other")
	s.holds(plain, "a", "to the plain one", "to the plain one")
	require.Equal(s, []string{"to the other", "to the other"}, seen.all(), "the other store's projectors")
}

func ruleOtherStoreUndone(s *subject) {
	other := s.newStore(Wiring{})
	store := s.projecting(appendTo(&other, "outer", "b", "nested"), on("outer", refuse))
	s.append(other, "b", "x")
	require.ErrorIs(s, s.try(store, "outer"), errRefused)
	require.Empty(s, s.load(store, "a"))
	s.holds(other, "b", "x")
	s.append(other, "b", "y")
	s.holds(other, "b", "x", "y")
}

func ruleOtherStorePanic(s *subject) {
	other := s.newStore(Wiring{})
	store := s.projecting(
		appendTo(&other, "outer", "b", "nested"),
		on("outer", func(context.Context, fact.Event) error { panic(errRefused) }),
	)
	require.ErrorIs(s, s.try(store, "outer"), errRefused)
	require.Empty(s, s.load(store, "a"))
	require.Empty(s, s.load(other, "b"))
	s.append(other, "b", "y")
	s.holds(other, "b", "y")
}

func ruleOtherStoreHidden(s *subject) {
	other := s.newStore(Wiring{})
	var inside, outside log[string]
	store := s.projecting(appendTo(&other, "outer", "b", "nested"), on("outer", func(ctx context.Context, _ fact.Event) error {
		own, err := other.Load(ctx, "b")
		if err != nil {
			return err
		}
		inside.add(typesOf(own)...)
		others, err := other.Load(s.ctx, "b")
		outside.add(typesOf(others)...)
		return err
	}))
	require.NoError(s, s.try(store, "outer"))
	require.Equal(s, []string{"nested"}, inside.all(), "with the projector's ctx")
	require.Empty(s, outside.all(), "with another ctx")
	s.holds(other, "b", "nested")
}

func ruleBothWays(s *subject) {
	const rounds = 50
	var a, b fact.EventStore
	a = s.projecting(appendTo(&b, "start", "from a", "nested"))
	b = s.projecting(appendTo(&a, "start", "from b", "nested"))
	results := make(chan error, 2)
	for _, store := range []fact.EventStore{a, b} {
		go func() {
			for range rounds {
				if err := store.Append(s.ctx, "own", newEvents("start")); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	for range 2 {
		require.NoError(s, s.returns("appends both ways", func() error { return <-results }))
	}
	require.Len(s, s.load(a, "own"), rounds)
	require.Len(s, s.load(b, "own"), rounds)
	require.Len(s, s.load(b, "from a"), rounds)
	require.Len(s, s.load(a, "from b"), rounds)
}
