package facttest

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// TestEventStore checks that a store keeps the promises of [fact.EventStore],
// and those of the optional interfaces of package fact that it implements:
// ReturningAppender, ConditionalAppender, IdempotentAppender, LogReader,
// StreamReader, StreamLister, Eraser, Importer, Checkpointer and Snapshotter
// (Eraser, Importer and Snapshotter of stores that are LogReaders). newStore is called once or more for each rule and returns a
// store without events; what must be cleaned up goes to t.Cleanup. Rules run
// in parallel.
func TestEventStore(t *testing.T, newStore func(t *testing.T) fact.EventStore, opts ...Option) {
	t.Helper()
	rules := append(storeRules(), optionalRules(newStore(t))...)
	runStoreRules(t, rules, func(t *testing.T, _ Wiring) fact.EventStore { return newStore(t) }, opts)
}

func storeRules() []rule {
	return []rule{
		{name: "append numbers the events of each stream from 1", run: ruleSequences},
		{name: "append assigns stream and sequence whatever the event says", run: ruleAssigns},
		{name: "append fills an empty ID and keeps a given one", run: ruleIDs},
		{name: "append fills a zero time in UTC and keeps a given one", run: ruleTimes},
		{name: "append leaves the caller's slice untouched", run: ruleSliceUntouched},
		{name: "append of no events does nothing", run: ruleNoEvents},
		{name: "append refuses an empty stream name", run: ruleEmptyStream},
		{name: "append refuses data that is not JSON", run: ruleInvalidJSON},
		{name: "append refuses text that is not text", run: ruleInvalidText},
		{name: "append stores all events or none", run: ruleAllOrNothing},
		{name: "append with an ended ctx stores nothing", run: ruleEndedContext},
		{name: "concurrent appends share no sequence and leave no gap", run: ruleConcurrent},
		{name: "load returns what was appended", run: ruleContent},
		{name: "load returns numbers exactly", run: ruleNumbers},
		{name: "load returns long streams in order", run: ruleLong},
		{name: "load of an unknown stream is empty", run: ruleUnknownStream},
		{name: "LoadFrom is strictly after the sequence", run: ruleLoadFrom},
		{name: "streams with similar or hostile names are apart", run: ruleStreamNames},
		{name: "changing the events after append changes nothing stored", run: ruleCopiesIn},
		{name: "changing loaded events changes nothing stored", run: ruleCopiesOut},
	}
}

func ruleSequences(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "first", "second")
	s.append(store, "b", "other")
	s.append(store, "a", "third")
	s.holds(store, "a", "first", "second", "third")
	s.holds(store, "b", "other")
}

func ruleAssigns(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x", "y")
	events[0].Stream, events[0].Sequence = "elsewhere", 7
	events[1].Stream, events[1].Sequence = "elsewhere", 7
	require.NoError(s, store.Append(s.ctx, "here", events))
	s.holds(store, "here", "x", "y")
	require.Empty(s, s.load(store, "elsewhere"))
}

func ruleIDs(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x", "y", "z")
	events[1].ID = "given"
	require.NoError(s, store.Append(s.ctx, "a", events))
	got := s.load(store, "a")
	require.Len(s, got, 3)
	require.NotEmpty(s, got[0].ID)
	require.Equal(s, "given", got[1].ID)
	require.NotEmpty(s, got[2].ID)
	require.NotEqual(s, got[0].ID, got[2].ID)
	require.Equal(s, got, s.load(store, "a"), "loading again gives the same")
}

func ruleTimes(s *subject) {
	store := s.newStore(Wiring{})
	given := time.Date(2031, 5, 6, 7, 8, 9, 123_000_000, time.FixedZone("", 3600))
	events := newEvents("x", "y")
	events[1].OccurredAt = given
	before := time.Now()
	require.NoError(s, store.Append(s.ctx, "a", events))
	got := s.load(store, "a")
	require.Len(s, got, 2)
	require.WithinDuration(s, before, got[0].OccurredAt, 24*time.Hour, "the time of the append, give or take a clock")
	_, offset := got[0].OccurredAt.Zone()
	require.Zero(s, offset, "UTC")
	require.True(s, given.Equal(got[1].OccurredAt), "want %v, got %v", given, got[1].OccurredAt)
}

func ruleSliceUntouched(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x", "y")
	events[1].Metadata = map[string]string{"k": "v"}
	before := []fact.Event{copyOf(events[0]), copyOf(events[1])}
	require.NoError(s, store.Append(s.ctx, "a", events))
	require.Equal(s, before, events)
}

func ruleNoEvents(s *subject) {
	store := s.newStore(Wiring{})
	require.NoError(s, store.Append(s.ctx, "a", nil))
	require.NoError(s, store.Append(s.ctx, "a", []fact.Event{}))
	require.Empty(s, s.load(store, "a"))
	s.append(store, "a", "x")
	s.holds(store, "a", "x")
}

func ruleEmptyStream(s *subject) {
	store := s.newStore(Wiring{})
	require.Error(s, store.Append(s.ctx, "", newEvents("x")))
}

func ruleInvalidJSON(s *subject) {
	store := s.newStore(Wiring{})
	for _, data := range []string{"nonsense", `{"a":1`, `{"a":1} x`, "{\"a\":\"\xff\"}"} {
		err := store.Append(s.ctx, "a", []fact.Event{{Type: "bad", Data: json.RawMessage(data)}})
		require.Error(s, err, "data %q", data)
	}
	require.NoError(s, store.Append(s.ctx, "a", []fact.Event{{Type: "no data"}}))
	s.holds(store, "a", "no data")
}

func ruleInvalidText(s *subject) {
	store := s.newStore(Wiring{})
	for _, bad := range []string{"\xff", "a\x00b"} {
		require.Error(s, store.Append(s.ctx, "a"+bad, newEvents("x")), "stream %q", bad)
		require.Error(s, store.Append(s.ctx, "a", newEvents(bad)), "type %q", bad)
		require.Error(s, store.Append(s.ctx, "a", []fact.Event{{ID: bad}}), "ID %q", bad)
	}
	require.Error(s, store.Append(s.ctx, "a", []fact.Event{{Metadata: map[string]string{"k": "\xff"}}}), "metadata")
	require.Error(s, store.Append(s.ctx, "a", []fact.Event{{OccurredAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}), "time")
	require.Empty(s, s.load(store, "a"))
}

func ruleAllOrNothing(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "x")
	events := newEvents("good", "bad", "good")
	events[1].Data = json.RawMessage("nonsense")
	require.Error(s, store.Append(s.ctx, "a", events))
	s.holds(store, "a", "x")
	s.append(store, "a", "y")
	s.holds(store, "a", "x", "y")
}

func ruleEndedContext(s *subject) {
	store := s.newStore(Wiring{})
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	require.ErrorIs(s, store.Append(ended, "a", newEvents("x")), context.Canceled)
	require.Empty(s, s.load(store, "a"))
}

func ruleConcurrent(s *subject) {
	const writers, rounds = 8, 25
	store := s.newStore(Wiring{})
	results := make(chan error, writers)
	for w := range writers {
		name := "abcdefgh"[w : w+1]
		go func() {
			for range rounds {
				if err := store.Append(s.ctx, "shared", newEvents(name+" first", name+" second")); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	require.NoError(s, s.returns("concurrent appends", func() error {
		for range writers {
			if err := <-results; err != nil {
				return err
			}
		}
		return nil
	}))
	events := s.load(store, "shared")
	require.Len(s, events, writers*rounds*2)
	for i, e := range events {
		require.EqualValues(s, i+1, e.Sequence)
		if i%2 == 1 {
			writer, _, _ := strings.Cut(events[i-1].Type, " ")
			require.Equal(s, writer+" first", events[i-1].Type, "sequence %d", i)
			require.Equal(s, writer+" second", e.Type, "events of one append stay together")
		}
	}
}

func ruleContent(s *subject) {
	store := s.newStore(Wiring{})
	events := []fact.Event{
		{
			Type:     "message.added",
			Data:     json.RawMessage(`{"text":"<b> \"quoted\" \\ \u0000 é 漢 🙂","list":[1,null,true],"empty":{}}`),
			Metadata: map[string]string{"trace": "abc", "empty": "", "ünï": "✓"},
		},
		{Type: "text", Data: json.RawMessage(`"just text"`)},
		{Type: "null", Data: json.RawMessage(`null`)},
		{Type: "long", Data: json.RawMessage(`"` + strings.Repeat("0123456789abcdef", 16384) + `"`)},
	}
	require.NoError(s, store.Append(s.ctx, "a", events))
	got := s.load(store, "a")
	s.are(got, "a", 1, "message.added", "text", "null", "long")
	for i := range events {
		require.Equal(s, decoded(s, events[i].Data), decoded(s, got[i].Data), "data of event %d", i)
		require.Len(s, got[i].Metadata, len(events[i].Metadata))
		require.True(s, maps.Equal(events[i].Metadata, got[i].Metadata), "metadata of event %d", i)
	}
}

func ruleNumbers(s *subject) {
	store := s.newStore(Wiring{})
	numbers := []string{
		"9007199254740993", "18446744073709551615", "-9223372036854775808", "0.1", "1e400", "123456789012345678901234567890.5",
	}
	for _, number := range numbers {
		require.NoError(s, store.Append(s.ctx, "a", []fact.Event{{Type: "x", Data: json.RawMessage(number)}}))
	}
	got := s.load(store, "a")
	require.Len(s, got, len(numbers))
	for i, number := range numbers {
		require.Equal(s, json.Number(number), decoded(s, got[i].Data))
	}
}

func ruleLong(s *subject) {
	const n = 1000
	store := s.newStore(Wiring{})
	events := make([]fact.Event, n)
	for i := range events {
		events[i] = fact.Event{ID: fact.NewEventID(), Type: "x"}
	}
	require.NoError(s, store.Append(s.ctx, "a", events[:n/2]))
	require.NoError(s, store.Append(s.ctx, "a", events[n/2:]))
	got := s.load(store, "a")
	require.Len(s, got, n)
	for i, e := range got {
		require.EqualValues(s, i+1, e.Sequence)
		require.Equal(s, events[i].ID, e.ID)
	}
}

func ruleUnknownStream(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "x")
	require.Empty(s, s.load(store, "nobody"))
	events, err := store.LoadFrom(s.ctx, "nobody", 3)
	require.NoError(s, err)
	require.Empty(s, events)
}

func ruleLoadFrom(s *subject) {
	store := s.newStore(Wiring{})
	s.append(store, "a", "one", "two", "three")
	for from, want := range map[int64][]string{
		-1: {"one", "two", "three"},
		0:  {"one", "two", "three"},
		1:  {"two", "three"},
		2:  {"three"},
		3:  {},
		99: {},
	} {
		events, err := store.LoadFrom(s.ctx, "a", from)
		require.NoError(s, err)
		s.are(events, "a", max(from, 0)+1, want...)
	}
}

func ruleStreamNames(s *subject) {
	store := s.newStore(Wiring{})
	names := []string{
		"a", "A", "a ", " a", "a.b", "a/b", "a*", "a>", "á", "a%", "a_", "a'--", `a"b`, "a`b", `a\b`, "a\nb", "漢🙂",
		"eval-run-2031-05-06", strings.Repeat("long", 50),
	}
	for _, name := range names {
		s.append(store, name, "in "+name)
	}
	for _, name := range names {
		s.holds(store, name, "in "+name)
	}
}

func ruleCopiesIn(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x")
	events[0].Metadata = map[string]string{"k": "v"}
	want := copyOf(events[0])
	require.NoError(s, store.Append(s.ctx, "a", events))
	spoil(events)
	got := s.load(store, "a")
	s.are(got, "a", 1, "x")
	require.JSONEq(s, string(want.Data), string(got[0].Data))
	require.Equal(s, want.Metadata, got[0].Metadata)
}

func ruleCopiesOut(s *subject) {
	store := s.newStore(Wiring{})
	events := newEvents("x")
	events[0].Metadata = map[string]string{"k": "v"}
	require.NoError(s, store.Append(s.ctx, "a", events))
	want := s.load(store, "a")
	before := []fact.Event{copyOf(want[0])}
	spoil(want)
	got, err := store.LoadFrom(s.ctx, "a", 0)
	require.NoError(s, err)
	require.Equal(s, before, got)
}

// copyOf returns a deep copy of the event.
func copyOf(e fact.Event) fact.Event {
	e.Data = bytes.Clone(e.Data)
	e.Metadata = maps.Clone(e.Metadata)
	return e
}

// spoil overwrites everything the events hold and point to.
func spoil(events []fact.Event) {
	for i := range events {
		e := &events[i]
		copy(e.Data, bytes.Repeat([]byte("!"), len(e.Data)))
		for k := range e.Metadata {
			e.Metadata[k] = "spoiled"
		}
		e.Type = "spoiled"
	}
}

// decoded returns the JSON value with its numbers as they are written.
func decoded(t require.TestingT, data []byte) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	return v
}
