package eventlog

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"
)

// Event is one entry of a raw log. Stores give out copies; an Event shares no
// memory with the store it came from.
type Event struct {
	// ID identifies the event. Append fills it when it is empty.
	ID string `json:"id"`
	// Stream is the log the event belongs to. Append sets it.
	Stream string `json:"stream"`
	// Type says what happened. For a fact it is the name of the schema.
	Type string `json:"type"`
	// Data is the JSON value the event carries. It may be empty.
	Data json.RawMessage `json:"data"`
	// Metadata is anything worth knowing about the event that is not part of
	// what happened, such as a trace ID. Nil when there is none.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Sequence is the place of the event in its stream: 1, 2, 3 and so on.
	// Append sets it. Zero means that the event is not in a log, or that its
	// place is not known.
	Sequence int64 `json:"sequence"`
	// OccurredAt says when it happened. Append sets it to now, in UTC, when
	// it is zero.
	OccurredAt time.Time `json:"occurred_at"`
}

// NewEventID returns a random ID: 32 lower-case hexadecimal digits, which are
// 128 random bits. It is safe for concurrent use.
func NewEventID() string {
	var b [16]byte
	// crypto/rand.Read never returns an error: it ends the program instead.
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// check says what is wrong with an event that is to be appended.
func (e *Event) check() error {
	if len(e.Data) > 0 && !jsontext.Valid(e.Data) {
		return fmt.Errorf("data is not valid JSON: %s", jsontext.Excerpt(e.Data))
	}
	if !utf8.Valid(e.Data) {
		return fmt.Errorf("data is not valid UTF-8: %s", jsontext.Excerpt(e.Data))
	}
	if err := checkWord("id", e.ID); err != nil {
		return err
	}
	if err := checkWord("type", e.Type); err != nil {
		return err
	}
	if err := jsontext.CheckMetadata(e.Metadata); err != nil {
		return err
	}
	if year := e.OccurredAt.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("the year %d cannot be written as JSON", year)
	}
	return nil
}

// AdoptImported is AdoptEvents for [Importer]: it returns copies of events that
// come from a log. One that cannot is an error.
func AdoptImported(events []Event) ([]Event, error) {
	for i := range events {
		e := &events[i]
		err := CheckStream(e.Stream)
		if err == nil {
			err = e.check()
		}
		if err == nil && (e.ID == "" || e.Sequence < 1 || e.OccurredAt.IsZero()) {
			err = errors.New("it does not come from a log: it needs an ID, a sequence and a time")
		}
		if err != nil {
			return nil, fmt.Errorf("event %d, number %d of stream %q: %w", i, e.Sequence, e.Stream, err)
		}
	}
	return CloneEvents(events), nil
}

// CheckStream says what is wrong with the name of a stream. It is for authors of
// stores.
func CheckStream(stream string) error {
	if stream == "" {
		return errors.New("the name of the stream is empty")
	}
	return checkWord("name of the stream", stream)
}

// checkWord refuses what databases and JSON cannot hold as it is.
func checkWord(what, text string) error {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("the %s is not valid UTF-8, or has a zero byte: %q", what, text)
	}
	return nil
}

// AdoptEvents returns copies of the events as a store keeps them in the stream:
// with Stream, ID and OccurredAt assigned as [EventStore] says, and Sequence left
// for the store. An event that no store takes is an error. It is for authors of
// stores.
func AdoptEvents(stream string, events []Event) ([]Event, error) {
	if err := CheckStream(stream); err != nil {
		return nil, err
	}
	adopted := make([]Event, len(events))
	at := time.Now().UTC() // without the monotonic reading, so that it survives JSON
	for i := range events {
		if err := events[i].check(); err != nil {
			return nil, fmt.Errorf("event %d of type %q: %w", i, events[i].Type, err)
		}
		e := events[i].Clone()
		e.Stream = stream
		if e.ID == "" {
			e.ID = NewEventID()
		}
		if e.OccurredAt.IsZero() {
			e.OccurredAt = at
		}
		adopted[i] = e
	}
	return adopted, nil
}

// Clone returns a copy of the event that shares no memory with it.
func (e Event) Clone() Event {
	e.Data = bytes.Clone(e.Data)
	e.Metadata = maps.Clone(e.Metadata)
	return e
}

// CloneEvents returns deep copies of the events.
func CloneEvents(events []Event) []Event {
	clones := make([]Event, len(events))
	for i := range events {
		clones[i] = events[i].Clone()
	}
	return clones
}
