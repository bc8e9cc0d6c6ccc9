package fact

import (
	"cmp"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/jsontext"
)

// ErrRecordInProjector is returned by Record inside a projector when the
// pipeline has both the projector's store and a materializer: the row
// would stay in its table even if the unit of work fails. Record the fact once
// Append has returned, for instance in a Publisher.
var ErrRecordInProjector = errors.New(
	"record inside a projector would store rows before the events are committed: record once append has returned")

// Record stores the facts, all of them or, on most errors, none. It checks
// them first, then appends them to the log as one append, then materializes
// them, and then hands them to the publishers without waiting for those. No
// facts: nil, and nothing happens.
//
// Each fact becomes an event with the schema's name as its Type, Data as its
// data and the same ID. An empty ID is taken from the field that carries it
// (see Field.FactID) if the schema was given to EnsureSchemas and Data has the
// field; else it is a new one. An ID and a field that differ are an error.
// Record does not make IDs unique: recording a fact again with the same ID makes
// a second event and a second row.
//
// Data, or the struct in Value, is encoded as encoding/json does, with sorted
// keys and without escaping HTML characters. What JSON cannot carry (NaN,
// infinities, channels), text that is not valid UTF-8, and a []byte (which could
// be text or JSON) are errors. The facts' maps and structs are neither kept nor
// changed.
//
// Errors of checking begin with "validate", and nothing has happened. Those of
// the store begin with "event store append", and nothing has happened as far as
// the store keeps its promise. Those of the materializer begin with
// "materialize": then the log, if there is one, has the facts, the tables may
// lack them, and publishers are not told. Do not record such facts again: a
// replay of the log heals the table. Which fact was refused is in a
// [*FactError].
//
// Publishers get one call for each Record, with the events as the store
// returned them (see [ReturningAppender]); with other stores, Sequence is 0.
// Without a store, Stream is the stream given to WithStore, or else the name of
// the schema. Calls come in the order in which Records finish.
//
// Inside a projector of the store (see [UnitOfWorkStore]), Record takes part in
// the unit of work, and publishers are told after the commit. With a
// materializer it fails with [ErrRecordInProjector].
//
// With [WithFollow], Record checks and appends only, and the rows follow.
//
// Facts with a Stream of their own are appended stream by stream, in the order in
// which the streams first occur: when one fails, those before it are in the log.
func (p *Pipeline) Record(ctx context.Context, facts ...Fact) error {
	_, err := p.record(ctx, facts)
	return err
}

// RecordReturning is Record, and returns the events of the facts in their order, as
// publishers get them: with the IDs, and the sequences where the store tells. They
// are the caller's. When materializing fails, the log has the events that are
// returned with the error.
func (p *Pipeline) RecordReturning(ctx context.Context, facts ...Fact) ([]Event, error) {
	events, err := p.record(ctx, facts)
	return eventlog.CloneEvents(events), err
}

// record is RecordReturning. Nobody may change the returned events.
func (p *Pipeline) record(ctx context.Context, facts []Fact) ([]Event, error) {
	if len(facts) == 0 {
		return nil, nil
	}
	if !p.inflight.enter() {
		return nil, fmt.Errorf("record: pipeline is %w", ErrClosed)
	}
	defer p.inflight.leave()
	if err := p.checkContext(ctx); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	rows, events, err := p.check(ctx, facts)
	if err != nil {
		return nil, err
	}
	defer rows.discard()
	if events, err = p.log(ctx, events); err != nil {
		return nil, fmt.Errorf("event store append: %w", err)
	}
	if err := p.materialize(ctx, rows); err != nil {
		return events, fmt.Errorf("materialize: %w", err)
	}
	return events, p.publish(ctx, events)
}

// check encodes the facts, and prepares their rows, once there is room for them.
func (p *Pipeline) check(ctx context.Context, facts []Fact) (*rows, []Event, error) {
	if admitter, ok := p.materializer.(Admitter); ok && p.writesRows() {
		admitted, leave, err := admitter.Admit(ctx, facts...)
		if err != nil {
			return nil, nil, fmt.Errorf("record: %w", err)
		}
		defer leave()
		ctx = admitted
	}
	facts, events, err := p.encode(facts)
	if err != nil {
		return nil, nil, fmt.Errorf("validate: %w", err)
	}
	rows, err := p.prepare(ctx, facts, events)
	if err != nil {
		return nil, nil, fmt.Errorf("validate: %w", err)
	}
	if !p.writesRows() {
		rows.discard() // whoever writes them makes them again
	}
	return rows, events, nil
}

// writesRows reports whether Record writes the rows that it has prepared.
func (p *Pipeline) writesRows() bool {
	_, missing := p.materializer.(MissingMaterializer)
	return p.follow == nil && (!p.once || !missing)
}

// checkContext refuses to record inside a projector of the store what would not be
// undone with it.
func (p *Pipeline) checkContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	store, ok := p.store.(UnitOfWorkStore)
	if !ok || p.materializer == nil || p.follow != nil && !p.follow.WaitRow {
		return nil
	}
	inUnit, err := store.InUnitOfWork(ctx)
	if err == nil && inUnit {
		err = ErrRecordInProjector
	}
	return err
}

// materialize stores the rows, or leaves that to Follow.
func (p *Pipeline) materialize(ctx context.Context, rows *rows) error {
	switch m, ok := p.materializer.(MissingMaterializer); {
	case p.follow != nil && p.follow.WaitRow:
		return p.waitRows(ctx)
	case p.follow != nil:
		return nil
	case p.once && ok:
		_, err := m.MaterializeMissing(ctx, rows.facts...)
		return err
	}
	return rows.materialize(ctx)
}

// encode returns the facts with their IDs, and the events that carry them.
func (p *Pipeline) encode(given []Fact) ([]Fact, []Event, error) {
	facts := make([]Fact, len(given))
	events := make([]Event, len(given))
	at := time.Now().UTC() // without the monotonic reading, so that it survives JSON
	for i, f := range given {
		f, data, err := p.encodeFact(f)
		if err != nil {
			var fe *FactError
			if !errors.As(err, &fe) {
				fe = &FactError{Schema: f.Schema, ID: f.ID, Err: err}
			}
			fe.Index = i
			return nil, nil, fe
		}
		facts[i] = f
		events[i] = Event{
			ID: f.ID, Stream: cmp.Or(f.Stream, p.stream), Type: f.Schema, Data: data, OccurredAt: at, Metadata: maps.Clone(f.Metadata),
		}
		if p.store == nil && events[i].Stream == "" {
			events[i].Stream = f.Schema
		}
	}
	return facts, events, nil
}

func (p *Pipeline) encodeFact(f Fact) (Fact, []byte, error) {
	if f.Schema == "" {
		err := noSchema(&f)
		return f, nil, err
	}
	encoder := p.encoder(f.Schema)
	id, err := encoder.factID(f)
	if err != nil {
		return f, nil, err
	}
	f.ID = id
	if !utf8.ValidString(f.ID) || !utf8.ValidString(f.Schema) {
		return f, nil, errors.New("its schema or ID is not valid UTF-8")
	}
	if err := jsontext.CheckMetadata(f.Metadata); err != nil {
		return f, nil, err
	}
	data, err := f.object(encoder.values)
	return f, data, err
}

// noSchema says why a fact has no schema: its value cannot name one, as [Of] asks it
// to, or nobody has given it.
func noSchema(f *Fact) error {
	if _, isRaw := f.Value.(json.RawMessage); !isRaw {
		if _, _, err := f.openValue(); err != nil {
			return err
		}
	}
	return errors.New("has no schema: set Fact.Schema to the name of one")
}

// factID returns the ID that the fact has or gets.
func (e *Encoder) factID(f Fact) (string, error) {
	var field Field
	var value any
	given := false
	if e.schema != nil {
		if field, given = e.schema.FactIDField(); given {
			var err error
			if value, given, err = f.lookup(field.Name, e.id); err != nil {
				return "", err
			}
		}
	}
	if !given {
		if f.ID == "" {
			return NewEventID(), nil
		}
		return f.ID, nil
	}
	fail := func(err error) (string, error) {
		return "", &FactError{Schema: f.Schema, ID: f.ID, Field: field.Name, Err: err}
	}
	id, err := idText(value)
	if err != nil {
		return fail(err)
	}
	if f.ID == "" {
		return id, nil
	}
	if !sameID(f.ID, id, field.Type) {
		return fail(fmt.Errorf("carries the fact's ID but is %q: give one of them, or the same", id))
	}
	return f.ID, nil
}

// lookup returns the value of one field, which stands at a path, and whether the
// fact has one.
func (f *Fact) lookup(name string, at Path) (value any, ok bool, err error) {
	if _, isRaw := f.Value.(json.RawMessage); isRaw || f.Value == nil {
		data, err := f.Map()
		value, ok = at.Lookup(data)
		return value, ok, err
	}
	s, v, err := f.openValue()
	if err != nil {
		return nil, false, err
	}
	if field, known := s.FieldByName(name); known {
		if v, ok = field.Value(v); ok {
			value = field.Interface(v)
		}
		return value, ok, nil
	}
	return nil, false, nil
}

// idText returns an ID as text.
func idText(v any) (string, error) {
	id := ""
	switch v := v.(type) {
	case string:
		id = v
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return "", err
		}
		id = string(text)
	default:
		rv := reflect.ValueOf(v)
		if rv.Kind() != reflect.String {
			return "", fmt.Errorf("carries the fact's ID but is %T, which is not text", v)
		}
		id = rv.String()
	}
	if id == "" {
		return "", errors.New("carries the fact's ID but is empty: leave it out to get a new one")
	}
	return id, nil
}

// sameID compares IDs as text or, in a UUID field, as UUIDs.
func sameID(a, b string, t FieldType) bool {
	if a == b {
		return true
	}
	return t == UUID && strings.EqualFold(strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", ""))
}

// log appends the events to the store, if there is one, and returns what is
// known of them then. Nobody may change the returned events.
func (p *Pipeline) log(ctx context.Context, events []Event) ([]Event, error) {
	if p.store == nil {
		return events, nil
	}
	logged := make([]Event, len(events))
	for places := range streamsOf(events) {
		part := events
		if len(places) < len(events) {
			part = make([]Event, len(places))
			for i, place := range places {
				part[i] = events[place]
			}
		}
		part, err := p.logTo(ctx, part[0].Stream, part)
		if err != nil {
			return nil, err
		}
		for i, place := range places {
			logged[place] = part[i]
		}
	}
	return logged, nil
}

// streamsOf yields the places of the events of each stream.
func streamsOf(events []Event) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var order []string
		places := make(map[string][]int, 1)
		for i := range events {
			stream := events[i].Stream
			if places[stream] == nil {
				order = append(order, stream)
			}
			places[stream] = append(places[stream], i)
		}
		for _, stream := range order {
			if !yield(places[stream]) {
				return
			}
		}
	}
}

func (p *Pipeline) logTo(ctx context.Context, stream string, events []Event) ([]Event, error) {
	if p.once {
		store, ok := p.store.(IdempotentAppender)
		if !ok {
			return nil, fmt.Errorf("the store %T is no IdempotentAppender, which WithIdempotentLog needs", p.store)
		}
		return store.AppendOnce(ctx, stream, events)
	}
	switch store := p.store.(type) {
	case *MemoryStore: // and nothing that embeds one
		return store.AppendOwned(ctx, stream, events)
	case ReturningAppender:
		return store.AppendReturning(ctx, stream, events)
	default:
		return events, p.store.Append(ctx, stream, events)
	}
}

// publish queues the events for the publishers, at once or once they are
// committed.
func (p *Pipeline) publish(ctx context.Context, events []Event) error {
	if p.publishers.Empty() {
		return nil
	}
	add := func() { p.publishers.Add(ctx, events).Report() }
	if store, ok := p.store.(UnitOfWorkStore); ok {
		later, err := store.AfterCommit(ctx, add)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if later {
			return nil
		}
	}
	add()
	return nil
}
