// Package jetstream publishes the events of a log to NATS JetStream.
//
// Feed a [Publisher] from the log by a checkpoint, with [Publisher.Handle] in a
// [eventlog.Subscription]: nothing is lost between an append and its publication,
// whatever crashes. The events of a stream arrive in order, and at least once; since
// an event's ID is its message ID, JetStream drops what is published again within the
// duplicate window of its stream. As a [eventlog.Publisher] of a store or a pipeline
// it publishes as well, but what a crash or a full queue takes away is lost.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/factload/factload/fact/eventlog"
)

// DefaultSubject is the subject template unless Config says otherwise.
const DefaultSubject = "events.{category}.{type}"

// The headers of messages, besides Nats-Msg-Id.
const (
	HeaderStream   = "Factload-Stream"
	HeaderType     = "Factload-Type"
	HeaderSequence = "Factload-Sequence"
)

// Config says where events are published. JetStream is needed.
type Config struct {
	// JetStream is the connection, which stays the caller's.
	JetStream jetstream.JetStream
	// Subject is a template of subjects: {stream}, {category} and {type} stand for
	// what the event has, with everything that a token of a subject cannot hold as
	// an underscore. "" stands for DefaultSubject. A JetStream stream has to listen
	// to the subjects.
	Subject string
}

// Publisher publishes events, each as a message that is the event as it marshals.
// It is safe for concurrent use; calls for the same stream have to come one after the
// other.
type Publisher struct {
	js      jetstream.JetStream
	subject string
}

var _ eventlog.Publisher = (*Publisher)(nil)

// New returns a publisher. It connects to nothing.
func New(c Config) (*Publisher, error) {
	if c.JetStream == nil {
		return nil, errors.New("new JetStream publisher: config has no JetStream")
	}
	if c.Subject == "" {
		c.Subject = DefaultSubject
	}
	return &Publisher{js: c.JetStream, subject: c.Subject}, nil
}

// Publish implements [eventlog.Publisher]. It returns nil once JetStream has
// acknowledged all events. After an error, those before the one it names have been.
func (p *Publisher) Publish(ctx context.Context, events []eventlog.Event) error {
	for i := range events {
		if err := p.publish(ctx, events[i]); err != nil {
			return fmt.Errorf("publish event %d of stream %q (the %d before it are published): %w",
				events[i].Sequence, events[i].Stream, i, err)
		}
	}
	return nil
}

// Handle publishes entries of a log, for [eventlog.SubscriptionConfig].
func (p *Publisher) Handle(ctx context.Context, entries []eventlog.Entry) error {
	events := make([]eventlog.Event, len(entries))
	for i := range entries {
		events[i] = entries[i].Event
	}
	return p.Publish(ctx, events)
}

// publish waits for the acknowledgement: with several messages on their way, one
// that is refused would come after those behind it.
func (p *Publisher) publish(ctx context.Context, e eventlog.Event) error {
	data, err := eventlog.AppendEventLine(nil, e)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: p.Subject(e), Data: data, Header: nats.Header{}}
	m.Header.Set(HeaderStream, e.Stream)
	m.Header.Set(HeaderType, e.Type)
	m.Header.Set(HeaderSequence, strconv.FormatInt(e.Sequence, 10))
	_, err = p.js.PublishMsg(ctx, m, jetstream.WithMsgID(e.ID))
	return err
}

// Subject returns the subject of the event.
func (p *Publisher) Subject(e eventlog.Event) string {
	return strings.NewReplacer("{stream}", token(e.Stream), "{category}", token(eventlog.Category(e.Stream)), "{type}", token(e.Type)).
		Replace(p.subject)
}

// token returns the text as one token of a subject.
func token(text string) string {
	if text == "" {
		return "_"
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || strings.ContainsRune(".*>{}\u007f", r) {
			return '_'
		}
		return r
	}, text)
}
