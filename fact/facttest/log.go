package facttest

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// as returns the store as one of the optional interfaces of package fact, which
// the suite has found before.
func as[T any](s *subject, store fact.EventStore) T {
	s.Helper()
	optional, ok := store.(T)
	require.True(s, ok, "newStore returned a store of fewer interfaces than before")
	return optional
}

func logRules() []rule {
	return []rule{
		{name: "ReadLog yields all streams in the order of their commits", run: ruleReadLog},
		{name: "ReadLog yields one category", run: ruleReadLogCategory},
		{name: "ReadLog is strictly after the position", run: ruleReadLogAfter},
		{name: "ReadLog yields long logs and may be left early", run: ruleReadLogLong},
		{name: "ReadLog never shows a position before a smaller one", run: ruleReadLogNoLateComers},
		{name: "LastPosition is that of the last event", run: ruleLastPosition},
		{name: "WaitLog returns with the next commit or with ctx", run: ruleWaitLog},
	}
}

func streamRules() []rule {
	return []rule{
		{name: "ReadStream yields what LoadFrom returns", run: ruleReadStream},
		{name: "ReadStream yields long streams and may be left early", run: ruleReadStreamLong},
	}
}

func listRules() []rule {
	return []rule{{name: "Streams lists the streams of a category in order", run: ruleStreams}}
}

// readLog returns what ReadLog yields, which must work.
func (s *subject) readLog(store fact.EventStore, category string, after int64) []fact.Entry {
	s.Helper()
	var entries []fact.Entry
	require.NoError(s, s.returns("read log", func() (err error) {
		entries, err = collect(as[fact.LogReader](s, store).ReadLog(s.ctx, category, after))
		return err
	}))
	return entries
}

// collect returns what the sequence yields before its error.
func collect[T any](all iter.Seq2[T, error]) (list []T, err error) {
	for one, err := range all {
		if err != nil {
			return list, err
		}
		list = append(list, one)
	}
	return list, nil
}

// eventsOf returns the events of the entries, whose positions must grow.
func (s *subject) eventsOf(entries []fact.Entry) []fact.Event {
	s.Helper()
	var events []fact.Event
	last := int64(0)
	for _, e := range entries {
		require.Greater(s, e.Position, last, "positions grow")
		last = e.Position
		events = append(events, e.Event)
	}
	return events
}

func ruleReadLog(s *subject) {
	store := s.newStore(Wiring{})
	require.Empty(s, s.readLog(store, "", 0))
	s.append(store, "a", "first", "second")
	s.append(store, "b", "other")
	s.append(store, "a", "third")
	got := s.eventsOf(s.readLog(store, "", 0))
	require.Equal(s, []string{"first", "second", "other", "third"}, typesOf(got))
	require.Equal(s, slices.Concat(s.load(store, "a")[:2], s.load(store, "b"), s.load(store, "a")[2:]), got, "complete events")
	spoil(got)
	require.Equal(s, []string{"first", "second", "other", "third"}, typesOf(s.eventsOf(s.readLog(store, "", 0))), "copies")
}

func ruleReadLogCategory(s *subject) {
	store := s.newStore(Wiring{})
	for _, stream := range []string{"chat-1", "chat", "chatter-1", "eval-1", "chat-2-b", "-", "Chat-1"} {
		s.append(store, stream, "in "+stream)
	}
	require.Equal(s, []string{"in chat-1", "in chat", "in chat-2-b"}, typesOf(s.eventsOf(s.readLog(store, "chat", 0))))
	require.Equal(s, []string{"in eval-1"}, typesOf(s.eventsOf(s.readLog(store, "eval", 0))))
	require.Empty(s, s.readLog(store, "nobody", 0))
}

func ruleReadLogAfter(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two")
	s.append(store, "b", "three")
	all := s.readLog(store, "", 0)
	require.Len(s, all, 3)
	for i, e := range all {
		require.Equal(s, all[i+1:], append([]fact.Entry{}, s.readLog(store, "", e.Position)...), "after position %d", e.Position)
	}
	require.Equal(s, all, s.readLog(store, "", -1))
	require.Empty(s, s.readLog(store, "", all[2].Position+1000))
}

func ruleReadLogLong(s *subject) {
	const n = 1500
	store := s.newStore(Wiring{})
	for _, stream := range []string{"a", "b-1"} {
		require.NoError(s, store.Append(s.ctx, stream, make([]fact.Event, n)))
	}
	require.Len(s, s.eventsOf(s.readLog(store, "", 0)), 2*n)
	require.Len(s, s.eventsOf(s.readLog(store, "b", 0)), n)
	seen := 0
	for _, err := range as[fact.LogReader](s, store).ReadLog(s.ctx, "", 0) {
		require.NoError(s, err)
		if seen++; seen == 3 {
			break
		}
	}
	require.Equal(s, 3, seen)
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := collect(as[fact.LogReader](s, store).ReadLog(ended, "", 0))
	require.ErrorIs(s, err, context.Canceled)
}

// ruleReadLogNoLateComers follows the log while others append to it.
func ruleReadLogNoLateComers(s *subject) {
	const writers, rounds = 4, 25
	store := s.newStore(Wiring{})
	results := make(chan error, writers)
	for w := range writers {
		go func() {
			for range rounds {
				if err := store.Append(s.ctx, "abcd"[w:w+1], newEvents("x", "y")); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	var followed []fact.Entry
	require.NoError(s, s.returns("follow the log", func() error {
		after := int64(0)
		for len(followed) < 2*writers*rounds {
			if err := as[fact.LogReader](s, store).WaitLog(s.ctx, after); err != nil {
				return err
			}
			page, err := collect(as[fact.LogReader](s, store).ReadLog(s.ctx, "", after))
			if err != nil {
				return err
			}
			followed = append(followed, page...)
			if len(page) > 0 {
				after = page[len(page)-1].Position
			}
		}
		return nil
	}))
	for range writers {
		require.NoError(s, <-results)
	}
	s.eventsOf(followed)
	require.Equal(s, s.readLog(store, "", 0), followed, "what was followed is what is there")
}

func ruleLastPosition(s *subject) {
	store := s.newStore(Wiring{})
	last := func() int64 {
		at, err := as[fact.LogReader](s, store).LastPosition(s.ctx)
		require.NoError(s, err)
		return at
	}
	require.Zero(s, last())
	s.append(store, "a", "one", "two")
	all := s.readLog(store, "", 0)
	require.Equal(s, all[1].Position, last())
}

func ruleWaitLog(s *subject) {
	store := s.newStore(Wiring{})
	log := as[fact.LogReader](s, store)
	s.append(store, "a", "one")
	require.NoError(s, s.returns("wait for what is there", func() error { return log.WaitLog(s.ctx, 0) }))
	at, err := log.LastPosition(s.ctx)
	require.NoError(s, err)
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	require.ErrorIs(s, s.returns("wait with an ended ctx", func() error { return log.WaitLog(ended, at) }), context.Canceled)
	waited := make(chan error, 1)
	go func() { waited <- log.WaitLog(s.ctx, at) }()
	s.append(store, "b", "two")
	require.NoError(s, s.returns("wait for the next commit", func() error { return <-waited }))
	now, err := log.LastPosition(s.ctx)
	require.NoError(s, err)
	require.Greater(s, now, at)
}

func ruleReadStream(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two", "three")
	s.append(store, "b", "other")
	for from := int64(-1); from < 5; from++ {
		want, err := store.LoadFrom(s.ctx, "a", from)
		require.NoError(s, err)
		got, err := collect(as[fact.StreamReader](s, store).ReadStream(s.ctx, "a", from))
		require.NoError(s, err)
		require.Equal(s, append([]fact.Event{}, want...), append([]fact.Event{}, got...), "after %d", from)
	}
	_, err := collect(as[fact.StreamReader](s, store).ReadStream(s.ctx, "", 0))
	require.Error(s, err)
}

func ruleReadStreamLong(s *subject) {
	const n = 1500
	store := s.newStore(Wiring{})
	require.NoError(s, store.Append(s.ctx, "a", make([]fact.Event, n)))
	got, err := collect(as[fact.StreamReader](s, store).ReadStream(s.ctx, "a", 10))
	require.NoError(s, err)
	require.Len(s, got, n-10)
	for i, e := range got {
		require.EqualValues(s, i+11, e.Sequence)
	}
	seen := 0
	for _, err := range as[fact.StreamReader](s, store).ReadStream(s.ctx, "a", 0) {
		require.NoError(s, err)
		if seen++; seen == 3 {
			break
		}
	}
	require.Equal(s, 3, seen)
}

func ruleStreams(s *subject) {
	store := s.newStore(Wiring{})
	names := []string{"chat-2", "chat-10", "chat", "chatter", "Chat-1", "eval-é", "漢-1", strings.Repeat("long", 50)}
	for i, name := range names {
		s.append(store, name, make([]string, i+1)...)
	}
	list := func(category string) []string {
		infos, err := collect(as[fact.StreamLister](s, store).Streams(s.ctx, category))
		require.NoError(s, err)
		var got []string
		for _, info := range infos {
			got = append(got, info.Name)
			at := slices.Index(names, info.Name)
			require.Equal(s, fact.StreamInfo{Name: info.Name, Events: int64(at + 1), LastSequence: int64(at + 1)}, info)
		}
		return got
	}
	require.Equal(s, []string{"chat", "chat-10", "chat-2"}, list("chat"))
	require.Equal(s, slices.Sorted(slices.Values(names)), list(""))
	require.Empty(s, list("nobody"))
}
