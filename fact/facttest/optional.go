package facttest

import (
	"errors"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// optionalRules returns the rules of the optional interfaces that the store has.
func optionalRules(store fact.EventStore) []rule {
	return slices.Concat(
		rulesIf[fact.ReturningAppender](store, returningRules),
		rulesIf[fact.ConditionalAppender](store, conditionalRules),
		rulesIf[fact.IdempotentAppender](store, onceRules),
		rulesIf[fact.LogReader](store, logRules),
		rulesIf[fact.StreamReader](store, streamRules),
		rulesIf[fact.StreamLister](store, listRules),
		rulesIf[fact.Checkpointer](store, checkpointRules),
		// These read the whole log.
		rulesIf[interface {
			fact.Eraser
			fact.LogReader
		}](store, eraseRules),
		rulesIf[interface {
			fact.Importer
			fact.LogReader
		}](store, importRules),
		rulesIf[interface {
			fact.Snapshotter
			fact.LogReader
		}](store, snapshotRules),
	)
}

// rulesIf returns the rules if the store has the interface.
func rulesIf[T any](store fact.EventStore, rules func() []rule) []rule {
	if _, ok := store.(T); !ok {
		return nil
	}
	return rules()
}

func returningRules() []rule {
	return []rule{
		{name: "AppendReturning returns what was stored", run: ruleReturning},
		{name: "AppendReturning returns copies", run: ruleReturningCopies},
		{name: "AppendReturning keeps the rules of append", run: ruleReturningRefuses},
	}
}

func conditionalRules() []rule {
	return []rule{
		{name: "AppendAt appends at the expected sequence", run: ruleAppendAt},
		{name: "AppendAt elsewhere fails with a ConflictError and stores nothing", run: ruleConflict},
		{name: "AppendAt with no events does and checks nothing", run: ruleAppendAtNothing},
		{name: "AppendAt keeps the rules of append", run: ruleAppendAtRefuses},
		{name: "AppendAt lets one of many concurrent callers win", run: ruleAppendAtRace},
	}
}

func ruleReturning(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "x")
	events := newEvents("y", "z")
	events[1].ID = "given"
	got, err := as[fact.ReturningAppender](s, store).AppendReturning(s.ctx, "a", events)
	require.NoError(s, err)
	s.are(got, "a", 2, "y", "z")
	require.Equal(s, newEvents("y"), events[:1], "the caller's slice stays as it was")
	loaded := s.load(store, "a")
	require.Len(s, loaded, 3)
	for i, e := range loaded[1:] {
		require.Equal(s, e.ID, got[i].ID)
		require.True(s, e.OccurredAt.Equal(got[i].OccurredAt), "want %v, got %v", e.OccurredAt, got[i].OccurredAt)
		require.Equal(s, decoded(s, e.Data), decoded(s, got[i].Data))
	}
}

func ruleReturningCopies(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x")
	got, err := as[fact.ReturningAppender](s, store).AppendReturning(s.ctx, "a", events)
	require.NoError(s, err)
	spoil(got)
	require.Equal(s, newEvents("x"), events)
	loaded := s.load(store, "a")
	s.are(loaded, "a", 1, "x")
	require.JSONEq(s, `{"n":0}`, string(loaded[0].Data))
}

func ruleReturningRefuses(s *subject) {
	store := s.newStore(Wiring{})
	r := as[fact.ReturningAppender](s, store)
	got, err := r.AppendReturning(s.ctx, "a", nil)
	require.NoError(s, err)
	require.Empty(s, got)
	_, err = r.AppendReturning(s.ctx, "", newEvents("x"))
	require.Error(s, err)
	_, err = r.AppendReturning(s.ctx, "a", []fact.Event{{Type: "x"}, {Type: "bad", Data: []byte("nonsense")}})
	require.Error(s, err)
	require.Empty(s, s.load(store, "a"))
}

func ruleAppendAt(s *subject) {
	store := s.newStore(Wiring{})
	c := as[fact.ConditionalAppender](s, store)
	require.NoError(s, c.AppendAt(s.ctx, "a", 0, newEvents("one", "two")))
	require.NoError(s, c.AppendAt(s.ctx, "b", 0, newEvents("other")))
	require.NoError(s, c.AppendAt(s.ctx, "a", 2, newEvents("three")))
	s.append(store, "a", "four")
	require.NoError(s, c.AppendAt(s.ctx, "a", 4, newEvents("five")))
	s.holds(store, "a", "one", "two", "three", "four", "five")
	s.holds(store, "b", "other")
}

func ruleConflict(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two")
	for _, expected := range []int64{0, 1, 3, -1} {
		err := as[fact.ConditionalAppender](s, store).AppendAt(s.ctx, "a", expected, newEvents("x"))
		var conflict *fact.ConflictError
		require.ErrorAs(s, err, &conflict)
		require.Equal(s, fact.ConflictError{Stream: "a", Expected: expected, Actual: 2}, *conflict)
	}
	s.holds(store, "a", "one", "two")
	err := as[fact.ConditionalAppender](s, store).AppendAt(s.ctx, "new", 1, newEvents("x"))
	var conflict *fact.ConflictError
	require.ErrorAs(s, err, &conflict)
	require.Equal(s, fact.ConflictError{Stream: "new", Expected: 1, Actual: 0}, *conflict)
	require.Empty(s, s.load(store, "new"))
}

func ruleAppendAtNothing(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one")
	require.NoError(s, as[fact.ConditionalAppender](s, store).AppendAt(s.ctx, "a", 1, nil))
	require.NoError(s, as[fact.ConditionalAppender](s, store).AppendAt(s.ctx, "a", 99, []fact.Event{}))
	s.holds(store, "a", "one")
}

func ruleAppendAtRefuses(s *subject) {
	store := s.newStore(Wiring{})
	c := as[fact.ConditionalAppender](s, store)
	require.Error(s, c.AppendAt(s.ctx, "", 0, newEvents("x")))
	bad := newEvents("good", "bad")
	bad[1].Data = []byte("nonsense")
	require.Error(s, c.AppendAt(s.ctx, "a", 0, bad))
	require.Empty(s, s.load(store, "a"))
	events := newEvents("x")
	require.NoError(s, c.AppendAt(s.ctx, "a", 0, events))
	require.Equal(s, newEvents("x"), events, "the caller's slice stays as it was")
	spoil(events)
	s.holds(store, "a", "x")
}

func ruleAppendAtRace(s *subject) {
	const callers, rounds = 8, 10
	store := s.newStore(Wiring{})
	c := as[fact.ConditionalAppender](s, store)
	for round := range rounds {
		results := make(chan error, callers)
		for range callers {
			go func() { results <- c.AppendAt(s.ctx, "a", int64(round), newEvents("x")) }()
		}
		won := 0
		require.NoError(s, s.returns("concurrent AppendAt", func() error {
			for range callers {
				err := <-results
				var conflict *fact.ConflictError
				switch {
				case err == nil:
					won++
				case !errors.As(err, &conflict):
					return err
				}
			}
			return nil
		}))
		require.Equal(s, 1, won, "callers that appended at %d", round)
	}
	require.Len(s, s.load(store, "a"), rounds)
}
