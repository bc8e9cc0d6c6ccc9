package jetstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/jetstream"
)

// start runs a server with JetStream and returns a connection with a stream that
// listens to all events.
func start(t *testing.T) (natsjs.JetStream, natsjs.Stream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(t, s.ReadyForConnections(time.Minute))
	conn, err := nats.Connect(s.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	stream, err := js.CreateStream(t.Context(), natsjs.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Duplicates: time.Minute})
	require.NoError(t, err)
	return js, stream
}

// messages returns everything that the stream has, in order.
func messages(t *testing.T, stream natsjs.Stream) []*natsjs.RawStreamMsg {
	t.Helper()
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	var all []*natsjs.RawStreamMsg
	for n := uint64(1); n <= info.State.LastSeq; n++ {
		m, err := stream.GetMsg(t.Context(), n)
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

func TestPublish(t *testing.T) {
	t.Parallel()
	js, stream := start(t)
	p, err := jetstream.New(jetstream.Config{JetStream: js})
	require.NoError(t, err)
	store := fact.NewMemoryStore(fact.WithPublisher(p))
	require.NoError(t, store.Append(t.Context(), "chat-17", []fact.Event{{ID: "1", Type: "message.added", Data: []byte(`{"a":1}`)}, {ID: "2", Type: "x"}}))
	require.NoError(t, store.Close(t.Context()))
	got := messages(t, stream)
	require.Len(t, got, 2)
	require.Equal(t, "events.chat.message_added", got[0].Subject)
	require.Equal(t, "1", got[0].Header.Get("Nats-Msg-Id"))
	require.Equal(t, "chat-17", got[0].Header.Get(jetstream.HeaderStream))
	require.Equal(t, "2", got[1].Header.Get(jetstream.HeaderSequence))
	var e fact.Event
	require.NoError(t, json.Unmarshal(got[0].Data, &e))
	stored, err := store.Load(t.Context(), "chat-17")
	require.NoError(t, err)
	require.Equal(t, stored[0], e)
	require.NoError(t, p.Publish(t.Context(), stored), "again")
	require.Len(t, messages(t, stream), 2, "what is published again is dropped")
}

func TestSubject(t *testing.T) {
	t.Parallel()
	js, _ := start(t)
	p, err := jetstream.New(jetstream.Config{JetStream: js, Subject: "log.{stream}.{type}"})
	require.NoError(t, err)
	require.Equal(t, "log.a_b__c__.x_y", p.Subject(fact.Event{Stream: "a.b *c>\n", Type: "x.y"}))
	require.Equal(t, "log._._", p.Subject(fact.Event{}))
	err = p.Publish(t.Context(), []fact.Event{{ID: "1", Stream: "s", Type: "x", Sequence: 3}})
	require.ErrorContains(t, err, `event 3 of stream "s"`, "no stream listens to it")
	_, err = jetstream.New(jetstream.Config{})
	require.Error(t, err)
}

var errCrash = errors.New("crashed")

// TestOutboxWithCrashes ends the publication at random places, before and after the
// acknowledgement and before the checkpoint: everything arrives, in order and once.
func TestOutboxWithCrashes(t *testing.T) {
	t.Parallel()
	const n = 300
	js, stream := start(t)
	p, err := jetstream.New(jetstream.Config{JetStream: js})
	require.NoError(t, err)
	store := fact.NewMemoryStore()
	for i := range n {
		require.NoError(t, store.Append(t.Context(), fmt.Sprint("s-", i%3), []fact.Event{{Type: "x"}}))
	}
	crashes := 0
	for lag := int64(n); lag > 0; {
		ctx, cancel := context.WithCancelCause(t.Context())
		s, err := fact.NewSubscription(fact.SubscriptionConfig{
			Log: store, Consumer: "outbox", Batch: 10,
			Handle: func(ctx context.Context, entries []fact.Entry) error {
				some := entries[:rand.IntN(len(entries)+1)]
				if rand.IntN(3) > 0 {
					some = entries
				}
				if err := p.Handle(ctx, some); err != nil {
					return err
				}
				if len(some) < len(entries) || rand.IntN(3) == 0 {
					cancel(errCrash)
					return errCrash
				}
				return nil
			},
		})
		require.NoError(t, err)
		if err := s.CatchUp(ctx); err != nil {
			require.ErrorIs(t, context.Cause(ctx), errCrash)
			crashes++
		}
		cancel(nil)
		lag, err = s.Lag(t.Context())
		require.NoError(t, err)
	}
	require.Positive(t, crashes)
	sequences := make(map[string]int64)
	got := messages(t, stream)
	for _, m := range got {
		var e fact.Event
		require.NoError(t, json.Unmarshal(m.Data, &e))
		sequences[e.Stream]++
		require.Equal(t, sequences[e.Stream], e.Sequence)
	}
	require.Len(t, got, n)
}
