package facttest

import (
	"context"
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func unitRules() []rule {
	return []rule{
		{name: "nested appends are undone when the outer one fails", run: ruleNestedUndone},
		{name: "a failed nested append can be survived", run: ruleNestedSurvived},
		{name: "a failed nested append takes back what it nested", run: ruleNestedDeepUndone},
		{name: "the ctx of a finished projector is an ordinary one", run: ruleLateContext},
		{name: "goroutines of a projector may share its ctx", run: ruleGoroutines},
		{name: "a projector may append to another store", run: ruleOtherStore},
		{name: "appends to another store are that store's own", run: ruleOtherStoreOwn},
	}
}

// unitOfWorkRules are for stores that implement fact.UnitOfWorkStore.
func unitOfWorkRules() []rule {
	return []rule{
		{name: "InUnitOfWork tells whose ctx it is", run: ruleInUnitOfWork},
		{name: "AfterCommit waits for the commit", run: ruleAfterCommit},
		{name: "AfterCommit is forgotten with what is undone", run: ruleAfterCommitUndone},
	}
}

func ruleNestedUndone(s *subject) {
	var store fact.EventStore
	store = s.projecting(
		appendTo(&store, "outer", "a", "same stream"),
		appendTo(&store, "outer", "b", "other stream"),
		storetest.When("outer", refuse),
	)
	s.append(store, "b", "x")
	require.ErrorIs(s, s.try(store, "outer"), errRefused)
	require.Empty(s, s.load(store, "a"))
	s.holds(store, "b", "x")
}

func ruleNestedSurvived(s *subject) {
	var store fact.EventStore
	var nested storetest.Recording[error]
	store = s.projecting(
		storetest.When("bad", refuse),
		storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
			nested.Add(store.Append(ctx, "a", newEvents("good", "bad")))
			return store.Append(ctx, "a", newEvents("instead"))
		}),
	)
	require.NoError(s, s.try(store, "outer"))
	require.Len(s, nested.All(), 1)
	require.ErrorIs(s, nested.All()[0], errRefused)
	s.holds(store, "a", "outer", "instead")
}

func ruleNestedDeepUndone(s *subject) {
	var store fact.EventStore
	store = s.projecting(
		appendTo(&store, "middle", "b", "deep"),
		storetest.When("middle", refuse),
		storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
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
	store = s.projecting(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
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
	store = s.projecting(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
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
	var seen storetest.Recording[string]
	other := s.projecting(storetest.ProjectorFunc(func(_ context.Context, e fact.Event) error {
		seen.Add(e.Type)
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
	require.Equal(s, []string{"to the other", "to the other"}, seen.All(), "the other store's projectors")
}

func ruleOtherStoreOwn(s *subject) {
	other := s.newStore(Wiring{})
	var seen storetest.Recording[string]
	store := s.projecting(
		appendTo(&other, "outer", "b", "nested"),
		storetest.When("outer", func(context.Context, fact.Event) error {
			committed, err := other.Load(s.ctx, "b")
			seen.Add(typesOf(committed)...)
			return errors.Join(err, errRefused)
		}),
	)
	require.ErrorIs(s, s.try(store, "outer"), errRefused)
	require.Empty(s, s.load(store, "a"))
	require.Equal(s, []string{"nested"}, seen.All(), "what others see of the other store while the projector runs")
	s.holds(other, "b", "nested")
}

func ruleInUnitOfWork(s *subject) {
	var store fact.EventStore
	var inside storetest.Recording[bool]
	var late context.Context
	other := s.newStore(Wiring{})
	ask := func(store fact.EventStore, ctx context.Context) error {
		in, err := as[fact.UnitOfWorkStore](s, store).InUnitOfWork(ctx)
		inside.Add(in)
		return err
	}
	store = s.projecting(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
		late = ctx
		return errors.Join(ask(store, ctx), ask(store, s.ctx), ask(other, ctx))
	}))
	require.NoError(s, s.try(store, "outer"))
	require.NoError(s, ask(store, late))
	require.Equal(s, []bool{true, false, false, false}, inside.All(),
		"with the projector's ctx, with another, of another store, and once the projector has returned")
}

func ruleAfterCommit(s *subject) {
	var store fact.EventStore
	var seen storetest.Recording[int]
	store = s.projecting(storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
		left, err := as[fact.UnitOfWorkStore](s, store).AfterCommit(ctx, func() {
			committed, _ := store.Load(s.ctx, "a")
			seen.Add(len(committed))
		})
		if !left {
			err = errors.Join(err, errors.New("AfterCommit inside a projector returned false"))
		}
		return err
	}))
	require.NoError(s, s.try(store, "outer", "second"))
	require.Equal(s, []int{2}, seen.All(), "events in the log when the function is called, before Append returns")
	left, err := as[fact.UnitOfWorkStore](s, store).AfterCommit(s.ctx, func() { seen.Add(0) })
	require.NoError(s, err)
	require.False(s, left, "outside of a projector")
	s.append(store, "a", "last")
	require.Len(s, seen.All(), 1)
}

func ruleAfterCommitUndone(s *subject) {
	var store fact.EventStore
	var called storetest.Recording[string]
	leave := func(what string) storetest.ProjectorFunc {
		return storetest.When(what, func(ctx context.Context, _ fact.Event) error {
			_, err := as[fact.UnitOfWorkStore](s, store).AfterCommit(ctx, func() { called.Add(what) })
			return err
		})
	}
	store = s.projecting(leave("nested"), leave("kept"), storetest.When("nested", refuse), storetest.When("outer", func(ctx context.Context, _ fact.Event) error {
		_ = store.Append(ctx, "a", newEvents("nested")) // fails, and is survived
		return store.Append(ctx, "a", newEvents("kept"))
	}), leave("bad"), storetest.When("bad", refuse))
	require.NoError(s, s.try(store, "outer"))
	require.ErrorIs(s, s.try(store, "bad"), errRefused)
	require.Equal(s, []string{"kept"}, called.All())
}
