package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/publish"
)

// projectorFuncs returns functions that call the projectors with copies, and turn
// panics into errors that say which projector and which event.
func projectorFuncs(projectors []fact.Projector) []func(context.Context, *fact.Event) error {
	var funcs []func(context.Context, *fact.Event) error
	for _, p := range projectors {
		if p != nil {
			funcs = append(funcs, func(ctx context.Context, e *fact.Event) error {
				return callProjector(ctx, p, cloneEvents([]fact.Event{*e})[0])
			})
		}
	}
	return funcs
}

func callProjector(ctx context.Context, p fact.Projector, e fact.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &fact.PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			err = fmt.Errorf("projector %T on event %d of type %q: %w", p, e.Sequence, e.Type, err)
		}
	}()
	return p.Handle(ctx, e)
}

func newPublishers(o Options) *publish.Set[fact.Event] {
	c := publish.Config[fact.Event]{
		Limit:    max(o.PublishQueue, 1),
		Clone:    cloneEvents,
		Panicked: func(v any) error { return &fact.PanicError{Value: v, Stack: debug.Stack()} },
		Report: func(to publish.Publisher[fact.Event], events []fact.Event, err error) {
			report(o.OnPublishError, &fact.PublishError{Publisher: to, Events: events, Err: err})
		},
	}
	if o.PublishQueue == 0 {
		c.Limit = fact.DefaultPublishQueue
	}
	for _, p := range o.Publishers {
		if p != nil {
			c.Publishers = append(c.Publishers, p)
		}
	}
	return publish.NewSet(c)
}

// report tells slog and the handler. A panic of the handler ends there.
func report(handler func(error), err *fact.PublishError) {
	attrs := []any{"error", err, "events", len(err.Events)}
	var panicked *fact.PanicError
	if errors.As(err, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.Error("fact: events not published", attrs...)
	if handler == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			slog.Error("fact: publish error handler panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	handler(err)
}

// cloneEvents returns deep copies of the events.
func cloneEvents(events []fact.Event) []fact.Event {
	clones := make([]fact.Event, len(events))
	for i, e := range events {
		e.Data, e.Metadata = bytes.Clone(e.Data), maps.Clone(e.Metadata)
		clones[i] = e
	}
	return clones
}
