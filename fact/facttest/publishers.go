package facttest

import (
	"context"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func publisherRules() []rule {
	return []rule{
		{name: "each outermost append is published once and whole, after the commit", run: rulePublishOnce},
		{name: "a failed append is not published", run: rulePublishFailed},
		{name: "publishers get commits in order", run: rulePublishOrder},
		{name: "publishing outlives the caller's ctx and keeps its values", run: rulePublishDetached},
		{name: "a slow publisher does not hold up append", run: rulePublishSlow},
		{name: "a publisher's error is reported and the rest goes on", run: rulePublishError},
		{name: "a publisher's panic is reported and the rest goes on", run: rulePublishPanic},
		{name: "publishers get copies", run: rulePublishCopies},
		{name: "a publisher may append", run: rulePublisherAppends},
		{name: "each store's publishers get that store's events", run: rulePublishStores},
	}
}

// eventually waits until the publishers of the store have been called often
// enough, with Flush if the store has it.
func (s *subject) eventually(store fact.EventStore, enough func() bool, what string) {
	s.Helper()
	if f, ok := store.(fact.Flusher); ok {
		require.NoError(s, s.returns("flush", func() error { return f.Flush(s.ctx) }))
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !enough() {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			require.Fail(s, "not published in time", what)
		}
	}
}

// batches collects calls of Publish.
type batches struct {
	storetest.Recording[[]fact.Event]
}

func (b *batches) Publish(_ context.Context, events []fact.Event) error {
	b.Add(events)
	return nil
}

func (b *batches) types() [][]string {
	var types [][]string
	for _, batch := range b.All() {
		types = append(types, typesOf(batch))
	}
	return types
}

// atLeast returns a condition for eventually.
func (b *batches) atLeast(n int) func() bool { return func() bool { return len(b.All()) >= n } }

func rulePublishOnce(s *subject) {
	var store fact.EventStore
	var published batches
	var committed storetest.Recording[int]
	store = s.newStore(Wiring{
		Projectors: []fact.Projector{appendTo(&store, "outer", "a", "nested"), appendTo(&store, "outer", "b", "nested b")},
		Publishers: []fact.Publisher{storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
			all, err := store.Load(ctx, "a")
			committed.Add(len(all))
			_ = published.Publish(ctx, events)
			return err
		})},
	})
	require.NoError(s, s.try(store, "outer", "second"))
	s.eventually(store, published.atLeast(1), "first append")
	s.append(store, "a", "last")
	s.eventually(store, published.atLeast(2), "second append")
	require.Equal(s, [][]string{{"outer", "second", "nested", "nested b"}, {"last"}}, published.types())
	require.Equal(s, []int{3, 4}, committed.All(), "events in the log when Publish is called")
	want := slices.Concat(s.load(store, "a")[:3], s.load(store, "b"))
	require.Equal(s, want, published.All()[0], "complete events")
}

func rulePublishFailed(s *subject) {
	var store fact.EventStore
	var published batches
	store = s.newStore(Wiring{
		Projectors: []fact.Projector{appendTo(&store, "bad", "a", "nested"), storetest.When("bad", refuse)},
		Publishers: []fact.Publisher{&published},
	})
	require.ErrorIs(s, s.try(store, "bad"), errRefused)
	s.append(store, "a", "good")
	s.eventually(store, published.atLeast(1), "good append")
	require.Equal(s, [][]string{{"good"}}, published.types())
}

func rulePublishOrder(s *subject) {
	const writers, rounds = 4, 25
	var first, second batches
	store := s.publishing(&first, &second)
	results := make(chan error, writers)
	for range writers {
		go func() {
			for range rounds {
				if err := store.Append(s.ctx, "a", newEvents("x", "y")); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	for range writers {
		require.NoError(s, s.returns("concurrent appends", func() error { return <-results }))
	}
	for _, p := range []*batches{&first, &second} {
		s.eventually(store, p.atLeast(writers*rounds), "all appends")
		sequence := int64(0)
		for _, batch := range p.All() {
			require.Len(s, batch, 2)
			for _, e := range batch {
				sequence++
				require.Equal(s, sequence, e.Sequence)
			}
		}
		require.EqualValues(s, writers*rounds*2, sequence)
	}
}

type valueKey struct{}

func rulePublishDetached(s *subject) {
	type call struct {
		err   error
		value any
	}
	var published storetest.Recording[call]
	begun, release := newSignal(), newSignal()
	defer release.give()
	store := s.publishing(storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
		if events[0].Type == "first" {
			begun.give()
			<-release.given
		}
		published.Add(call{ctx.Err(), ctx.Value(valueKey{})})
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(context.WithValue(s.ctx, valueKey{}, "value"))
	err := s.returns("append", func() error {
		if err := store.Append(ctx, "a", newEvents("first")); err != nil {
			return err
		}
		<-begun.given
		return store.Append(ctx, "a", newEvents("second"))
	})
	cancel()
	release.give()
	require.NoError(s, err)
	s.eventually(store, func() bool { return len(published.All()) == 2 }, "both appends")
	require.Equal(s, []call{{nil, "value"}, {nil, "value"}}, published.All())
}

func rulePublishSlow(s *subject) {
	const n = 50
	release := newSignal()
	defer release.give()
	var published batches
	store := s.publishing(storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
		<-release.given
		return published.Publish(ctx, events)
	}))
	err := s.returns("append while the publisher is busy", func() error {
		for range n {
			if err := store.Append(s.ctx, "a", newEvents("x")); err != nil {
				return err
			}
		}
		return nil
	})
	release.give()
	require.NoError(s, err)
	s.eventually(store, published.atLeast(n), "all appends")
	require.Len(s, published.All(), n)
}

func rulePublishError(s *subject) {
	s.publishTrouble(func() error { return errRefused })
}

func rulePublishPanic(s *subject) {
	s.publishTrouble(func() error { panic(errRefused) })
}

// publishTrouble checks that what goes wrong with the event "bad" is reported
// and has no other effect.
func (s *subject) publishTrouble(trouble func() error) {
	s.Helper()
	var reported storetest.Recording[error]
	var troubled, other batches
	store := s.newStore(Wiring{
		Publishers: []fact.Publisher{storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
			if events[0].Type == "bad" {
				return trouble()
			}
			return troubled.Publish(ctx, events)
		}), &other},
		OnPublishError: func(err error) { reported.Add(err) },
	})
	for _, name := range []string{"good", "bad", "better"} {
		require.NoError(s, s.try(store, name))
	}
	s.eventually(store, troubled.atLeast(2), "good and better")
	s.eventually(store, other.atLeast(3), "all appends")
	require.Equal(s, [][]string{{"good"}, {"better"}}, troubled.types())
	require.Equal(s, [][]string{{"good"}, {"bad"}, {"better"}}, other.types())
	require.Len(s, reported.All(), 1)
	require.ErrorIs(s, reported.All()[0], errRefused)
	s.holds(store, "a", "good", "bad", "better")
}

func rulePublishCopies(s *subject) {
	var good batches
	spoiler := storetest.PublisherFunc(func(_ context.Context, events []fact.Event) error {
		spoil(events)
		return nil
	})
	store := s.publishing(spoiler, &good, spoiler)
	events := newEvents("x", "y")
	require.NoError(s, store.Append(s.ctx, "a", events))
	s.eventually(store, good.atLeast(1), "the append")
	require.Equal(s, newEvents("x", "y"), events, "the caller's events")
	s.are(good.All()[0], "a", 1, "x", "y")
	require.JSONEq(s, `{"n":1}`, string(good.All()[0][1].Data))
	stored := s.load(store, "a")
	s.are(stored, "a", 1, "x", "y")
	require.JSONEq(s, `{"n":1}`, string(stored[1].Data))
}

func rulePublisherAppends(s *subject) {
	var store fact.EventStore
	var published batches
	store = s.publishing(&published, storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
		if events[0].Type != "question" {
			return nil
		}
		return store.Append(ctx, "b", newEvents("answer"))
	}))
	s.append(store, "a", "question")
	s.eventually(store, published.atLeast(2), "question and answer")
	require.Equal(s, [][]string{{"question"}, {"answer"}}, published.types())
	s.holds(store, "b", "answer")
}

func rulePublishStores(s *subject) {
	var ofOther, ofStore batches
	other := s.publishing(&ofOther)
	store := s.newStore(Wiring{
		Projectors: []fact.Projector{appendTo(&other, "outer", "b", "nested")},
		Publishers: []fact.Publisher{&ofStore},
	})
	require.NoError(s, s.try(store, "outer", "outer"))
	s.eventually(store, ofStore.atLeast(1), "events of the outer store")
	s.eventually(other, ofOther.atLeast(2), "events of the other store")
	require.Equal(s, [][]string{{"outer", "outer"}}, ofStore.types())
	require.Equal(s, [][]string{{"nested"}, {"nested"}}, ofOther.types())
}

// ruleFlush is for stores that implement fact.Flusher.
func ruleFlush(s *subject) {
	const n = 10
	begun, release := newSignal(), newSignal()
	defer release.give()
	var published batches
	store := s.publishing(storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
		begun.give()
		<-release.given
		return published.Publish(ctx, events)
	}))
	for range n {
		s.append(store, "a", "x")
	}
	flusher, ok := store.(fact.Flusher)
	require.True(s, ok, "newStore returned a store that is no Flusher, after one that is")
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	err := s.returns("flush with an ended ctx", func() error {
		<-begun.given
		return flusher.Flush(ended)
	})
	require.ErrorIs(s, err, context.Canceled, "flush while the publisher is busy")
	release.give()
	require.NoError(s, s.returns("flush", func() error { return flusher.Flush(s.ctx) }))
	require.Len(s, published.All(), n)
}
