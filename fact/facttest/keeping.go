package facttest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func onceRules() []rule {
	return []rule{
		{name: "AppendOnce stores each ID of a stream once", run: ruleAppendOnce},
		{name: "AppendOnce lets one of many concurrent callers store an ID", run: ruleAppendOnceRace},
		{name: "AppendOnce keeps the rules of append", run: ruleAppendOnceRefuses},
	}
}

func eraseRules() []rule {
	return []rule{
		{name: "erased events are gone and their sequences are not used again", run: ruleErase},
		{name: "a deleted stream is empty and goes on with its sequences", run: ruleDeleteStream},
	}
}

func importRules() []rule {
	return []rule{
		{name: "ImportEvents keeps events as they are", run: ruleImport},
		{name: "ImportEvents can be repeated", run: ruleImportAgain},
		{name: "ImportEvents refuses what does not fit, and stores nothing", run: ruleImportRefuses},
	}
}

func checkpointRules() []rule {
	return []rule{
		{name: "checkpoints are kept by consumer", run: ruleCheckpoint},
		{name: "one owner at a time has the lease of a consumer", run: ruleLease},
		{name: "a lease ends with its time", run: ruleLeaseEnds},
	}
}

func snapshotRules() []rule {
	return []rule{{name: "the newest snapshot of a stream is kept", run: ruleSnapshot}}
}

// withIDs returns events of the type with the IDs.
func withIDs(eventType string, ids ...string) []fact.Event {
	events := make([]fact.Event, len(ids))
	for i, id := range ids {
		events[i] = fact.Event{ID: id, Type: eventType}
	}
	return events
}

func ruleAppendOnce(s *subject) {
	store := s.newStore(Wiring{})
	once := as[fact.IdempotentAppender](s, store)
	require.NoError(s, store.Append(s.ctx, "a", withIDs("before", "1", "2")))
	require.NoError(s, store.Append(s.ctx, "b", withIDs("elsewhere", "3")))
	got, err := once.AppendOnce(s.ctx, "a", withIDs("new", "3", "2", "4", "3", ""))
	require.NoError(s, err)
	require.Len(s, got, 5)
	require.Equal(s, []string{"new", "before", "new", "new", "new"}, typesOf(got))
	loaded := s.load(store, "a")
	s.are(loaded, "a", 1, "before", "before", "new", "new", "new")
	require.Equal(s, []fact.Event{loaded[2], loaded[1], loaded[3], loaded[2], loaded[4]}, got, "as they are stored")
	spoil(got)
	require.Equal(s, loaded, s.load(store, "a"), "copies")
	again, err := once.AppendOnce(s.ctx, "a", withIDs("again", "3", "2", "4"))
	require.NoError(s, err)
	require.Equal(s, []fact.Event{loaded[2], loaded[1], loaded[3]}, again)
	require.Len(s, s.load(store, "a"), 5)
}

func ruleAppendOnceRace(s *subject) {
	const callers, rounds = 8, 5
	store := s.newStore(Wiring{})
	for round := range rounds {
		results := make(chan error, callers)
		for range callers {
			go func() {
				got, err := as[fact.IdempotentAppender](s, store).AppendOnce(s.ctx, "a", withIDs("x", fmt.Sprint(round)))
				if err == nil && (len(got) != 1 || got[0].Sequence != int64(round+1)) {
					err = fmt.Errorf("got %v", got)
				}
				results <- err
			}()
		}
		for range callers {
			require.NoError(s, s.returns("concurrent AppendOnce", func() error { return <-results }))
		}
	}
	require.Len(s, s.load(store, "a"), rounds)
}

func ruleAppendOnceRefuses(s *subject) {
	store := s.newStore(Wiring{})
	once := as[fact.IdempotentAppender](s, store)
	got, err := once.AppendOnce(s.ctx, "a", nil)
	require.NoError(s, err)
	require.Empty(s, got)
	_, err = once.AppendOnce(s.ctx, "", withIDs("x", "1"))
	require.Error(s, err)
	_, err = once.AppendOnce(s.ctx, "a", []fact.Event{{ID: "1"}, {ID: "2", Data: []byte("nonsense")}})
	require.Error(s, err)
	require.Empty(s, s.load(store, "a"))
	events := newEvents("x")
	_, err = once.AppendOnce(s.ctx, "a", events)
	require.NoError(s, err)
	require.Equal(s, newEvents("x"), events, "the caller's slice stays as it was")
}

func ruleErase(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two", "three")
	s.append(store, "b", "four")
	positions := make(map[string]int64)
	for _, e := range s.readLog(store, "", 0) {
		positions[e.Type] = e.Position
	}
	n, err := as[fact.Eraser](s, store).Erase(s.ctx, positions["two"], positions["three"], positions["four"]+1000, positions["two"])
	require.NoError(s, err)
	require.Equal(s, 2, n)
	n, err = as[fact.Eraser](s, store).Erase(s.ctx, positions["two"])
	require.NoError(s, err)
	require.Zero(s, n, "it is gone already")
	n, err = as[fact.Eraser](s, store).Erase(s.ctx)
	require.NoError(s, err)
	require.Zero(s, n)
	require.Equal(s, []string{"one", "four"}, typesOf(s.eventsOf(s.readLog(store, "", 0))))
	s.append(store, "a", "next")
	loaded := s.load(store, "a")
	require.Equal(s, []string{"one", "next"}, typesOf(loaded))
	require.EqualValues(s, 4, loaded[1].Sequence)
	after, err := store.LoadFrom(s.ctx, "a", 2)
	require.NoError(s, err)
	require.Equal(s, loaded[1:], after)
	entries := s.readLog(store, "", positions["four"])
	require.Equal(s, []string{"next"}, typesOf(s.eventsOf(entries)))
}

func ruleDeleteStream(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two")
	s.append(store, "b", "other")
	n, err := as[fact.Eraser](s, store).DeleteStream(s.ctx, "a")
	require.NoError(s, err)
	require.Equal(s, 2, n)
	n, err = as[fact.Eraser](s, store).DeleteStream(s.ctx, "nobody")
	require.NoError(s, err)
	require.Zero(s, n)
	require.Empty(s, s.load(store, "a"))
	s.holds(store, "b", "other")
	s.append(store, "a", "three")
	s.are(s.load(store, "a"), "a", 3, "three")
	require.Equal(s, []string{"other", "three"}, typesOf(s.eventsOf(s.readLog(store, "", 0))))
}

// logged returns events as another store has logged them.
func logged(stream string, sequences ...int64) []fact.Event {
	events := make([]fact.Event, len(sequences))
	for i, n := range sequences {
		events[i] = fact.Event{
			ID: fmt.Sprint(stream, n), Stream: stream, Type: fmt.Sprint("n", n), Sequence: n, Data: []byte(`{"a": 1}`),
			Metadata: map[string]string{"k": "v"}, OccurredAt: time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.UTC),
		}
	}
	return events
}

func ruleImport(s *subject) {
	store := s.newStore(Wiring{})
	events := append(logged("a", 1, 2, 5), logged("b", 3)...)
	n, err := as[fact.Importer](s, store).ImportEvents(s.ctx, events)
	require.NoError(s, err)
	require.Equal(s, 4, n)
	require.Equal(s, logged("a", 1, 2, 5), s.load(store, "a"))
	require.Equal(s, logged("b", 3), s.load(store, "b"))
	require.Equal(s, events, s.eventsOf(s.readLog(store, "", 0)))
	s.append(store, "a", "next")
	require.EqualValues(s, 6, s.load(store, "a")[3].Sequence)
	from, err := store.LoadFrom(s.ctx, "a", 3)
	require.NoError(s, err)
	require.Len(s, from, 2)
}

func ruleImportAgain(s *subject) {
	store := s.newStore(Wiring{})
	importer := as[fact.Importer](s, store)
	_, err := importer.ImportEvents(s.ctx, logged("a", 1, 3))
	require.NoError(s, err)
	n, err := importer.ImportEvents(s.ctx, logged("a", 1, 3, 4))
	require.NoError(s, err)
	require.Equal(s, 1, n)
	require.Equal(s, logged("a", 1, 3, 4), s.load(store, "a"))
	n, err = importer.ImportEvents(s.ctx, nil)
	require.NoError(s, err)
	require.Zero(s, n)
}

func ruleImportRefuses(s *subject) {
	store := s.newStore(Wiring{})
	importer := as[fact.Importer](s, store)
	_, err := importer.ImportEvents(s.ctx, logged("a", 1, 3))
	require.NoError(s, err)
	for name, events := range map[string][]fact.Event{
		"another event at a sequence": {{ID: "other", Stream: "a", Sequence: 3, OccurredAt: time.Now()}},
		"a sequence that was left":    {{ID: "other", Stream: "a", Sequence: 2, OccurredAt: time.Now()}},
		"no stream":                   {{ID: "x", Sequence: 9, OccurredAt: time.Now()}},
		"no ID":                       {{Stream: "a", Sequence: 9, OccurredAt: time.Now()}},
		"no sequence":                 {{ID: "x", Stream: "a", OccurredAt: time.Now()}},
		"no time":                     {{ID: "x", Stream: "a", Sequence: 9}},
		"sequences that do not grow":  logged("b", 2, 1),
		"data that is not JSON":       {{ID: "x", Stream: "a", Sequence: 9, OccurredAt: time.Now(), Data: []byte("{")}},
	} {
		_, err := importer.ImportEvents(s.ctx, append(logged("c", 1), events...))
		require.Error(s, err, name)
	}
	require.Equal(s, logged("a", 1, 3), s.load(store, "a"))
	require.Empty(s, s.load(store, "b"))
	require.Empty(s, s.load(store, "c"))
}

func ruleCheckpoint(s *subject) {
	store := as[fact.Checkpointer](s, s.newStore(Wiring{}))
	at := func(consumer string) int64 {
		position, err := store.Checkpoint(s.ctx, consumer)
		require.NoError(s, err)
		return position
	}
	require.Zero(s, at("a"))
	require.NoError(s, store.SaveCheckpoint(s.ctx, "a", "", 7))
	require.NoError(s, store.SaveCheckpoint(s.ctx, "b", "", 1))
	require.EqualValues(s, 7, at("a"))
	require.EqualValues(s, 1, at("b"))
	require.NoError(s, store.SaveCheckpoint(s.ctx, "a", "", 3))
	require.EqualValues(s, 3, at("a"), "it may go back")
}

func ruleLease(s *subject) {
	store := as[fact.Checkpointer](s, s.newStore(Wiring{}))
	lease := func(consumer, owner string, ttl time.Duration) bool {
		ok, err := store.Lease(s.ctx, consumer, owner, ttl)
		require.NoError(s, err)
		return ok
	}
	require.True(s, lease("a", "one", time.Hour))
	require.True(s, lease("a", "one", time.Hour), "prolonged")
	require.False(s, lease("a", "two", time.Hour))
	require.True(s, lease("b", "two", time.Hour), "of another consumer")
	require.NoError(s, store.SaveCheckpoint(s.ctx, "a", "one", 1))
	require.ErrorIs(s, store.SaveCheckpoint(s.ctx, "a", "two", 2), fact.ErrLeaseLost)
	require.False(s, lease("a", "two", 0), "not its to give up")
	require.True(s, lease("a", "one", 0))
	require.True(s, lease("a", "two", time.Hour), "once it is given up")
	require.ErrorIs(s, store.SaveCheckpoint(s.ctx, "a", "one", 3), fact.ErrLeaseLost)
	position, err := store.Checkpoint(s.ctx, "a")
	require.NoError(s, err)
	require.EqualValues(s, 1, position)
}

func ruleLeaseEnds(s *subject) {
	store := as[fact.Checkpointer](s, s.newStore(Wiring{}))
	ok, err := store.Lease(s.ctx, "a", "one", 20*time.Millisecond)
	require.NoError(s, err)
	require.True(s, ok)
	require.NoError(s, s.returns("wait for the end of a lease", func() error {
		for {
			if ok, err := store.Lease(s.ctx, "a", "two", time.Hour); ok || err != nil {
				return err
			}
			if s.ctx.Err() != nil {
				return s.ctx.Err()
			}
			waitForOthers()
		}
	}))
}

// waitForOthers gives other goroutines time to get to the same place.
func waitForOthers() {
	timer := time.NewTimer(5 * time.Millisecond)
	<-timer.C
}

func ruleSnapshot(s *subject) {
	store := s.newStore(Wiring{})
	snapshots := as[fact.Snapshotter](s, store)
	load := func(stream string) fact.Snapshot {
		got, err := snapshots.LoadSnapshot(s.ctx, stream)
		require.NoError(s, err)
		return got
	}
	s.append(store, "a", "one", "two", "three")
	require.Zero(s, load("a"))
	data := []byte(`{"n": 2}`)
	require.NoError(s, snapshots.SaveSnapshot(s.ctx, "a", fact.Snapshot{Sequence: 2, Data: data}))
	copy(data, "!!!!")
	want := fact.Snapshot{Sequence: 2, Data: []byte(`{"n": 2}`)}
	require.Equal(s, want, load("a"))
	copy(load("a").Data, "!!!!")
	require.Equal(s, want, load("a"), "a copy")
	require.NoError(s, snapshots.SaveSnapshot(s.ctx, "a", fact.Snapshot{Sequence: 1, Data: []byte(`1`)}))
	require.Equal(s, want, load("a"), "an older one is left out")
	for _, bad := range []fact.Snapshot{{Sequence: 4, Data: []byte(`4`)}, {Sequence: 0, Data: []byte(`0`)}, {Sequence: 3, Data: []byte(`{`)}, {Sequence: 3}} {
		require.Error(s, snapshots.SaveSnapshot(s.ctx, "a", bad), "%v", bad)
	}
	require.NoError(s, snapshots.SaveSnapshot(s.ctx, "a", fact.Snapshot{Sequence: 3, Data: []byte(`3`)}))
	require.EqualValues(s, 3, load("a").Sequence)
	require.Zero(s, load("b"))
	if eraser, ok := store.(fact.Eraser); ok {
		_, err := eraser.Erase(s.ctx, s.readLog(store, "", 0)[0].Position)
		require.NoError(s, err)
		require.Zero(s, load("a"), "it is made of what is erased")
	}
}
