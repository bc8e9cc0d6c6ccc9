package eventlog

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// logReplay is what a replay stores of which log, and how far it has come.
type logReplay struct {
	store    string
	schemas  []string // nil: all but that of the events themselves
	position int64    // to begin after
	done     int64    // everything before it has been stored

	read   int64
	window []int64 // positions of the last facts
}

// registry returns the schemas whose facts are stored.
func (r *logReplay) registry(a *cli.App) (*schemas.Registry, error) {
	all, err := a.Registry()
	if err != nil {
		return nil, err
	}
	var defs []schemas.Definition
	for _, name := range r.schemas {
		def, err := all.Get(name)
		if err != nil {
			return nil, cli.UsageError(err)
		}
		if ofEvents(def) && r.store == "" {
			return nil, cli.UsageError(errors.New("the schema event needs --store: files do not say which place an event has in the log"))
		}
		defs = append(defs, def)
	}
	if len(r.schemas) == 0 {
		for _, def := range all.All() {
			if !ofEvents(def) {
				defs = append(defs, def)
			}
		}
	}
	return schemas.NewRegistry(defs...)
}

// ofEvents reports whether the rows of the schema are the events themselves.
func ofEvents(def schemas.Definition) bool {
	return def.Schema.Name == fact.LoggedEventSchema && def.IsBuiltin()
}

// replayWindow is as many facts as a replay holds at once.
const replayWindow = 10_000

// events reads a log as readEvents reads inputs, and tells how far it is.
func (r *logReplay) events(ctx context.Context, a *cli.App, m *clickhouse.Materializer, registry *schemas.Registry, store fact.LogReader) iter.Seq2[fact.Event, error] {
	return func(yield func(fact.Event, error) bool) {
		last, err := store.LastPosition(ctx)
		if err != nil {
			yield(fact.Event{}, err)
			return
		}
		r.done, r.window = r.position, make([]int64, replayWindow)
		def, err := registry.Get(fact.LoggedEventSchema)
		raw := err == nil && ofEvents(def)
		ready := make(map[string]bool)
		said := time.Now()
		for e, err := range store.ReadLog(ctx, "", r.position) {
			var events []fact.Event
			if err == nil {
				events, err = factsOf(e, registry, raw)
			}
			for i := 0; i < len(events) && err == nil; i++ {
				def, unknown := registry.Get(events[i].Type)
				if unknown == nil && !ready[def.Schema.Name] {
					ready[def.Schema.Name] = true
					err = ensureToReplay(ctx, m, def.Schema)
				}
				if err == nil && !yield(events[i], nil) {
					return
				}
				if unknown == nil {
					r.passed(e.Position)
				}
			}
			if err != nil {
				yield(fact.Event{}, err)
				return
			}
			if time.Since(said) > 10*time.Second {
				said = time.Now()
				a.Log.Info("replaying", "position", e.Position, "last", last, "events", r.read)
			}
		}
	}
}

// factsOf returns the events to make rows of.
func factsOf(e fact.Entry, registry *schemas.Registry, raw bool) ([]fact.Event, error) {
	if !raw {
		return []fact.Event{e.Event}, nil
	}
	itself, err := fact.NewEvent(e.Stream, fact.LoggedFact(e))
	events := []fact.Event{itself}
	if _, unknown := registry.Get(e.Type); unknown == nil && e.Type != fact.LoggedEventSchema {
		events = append(events, e.Event)
	}
	return events, err
}

// passed notes that a fact has been handed over, and so which ones are stored.
func (r *logReplay) passed(position int64) {
	place := r.read % replayWindow
	r.done = max(r.done, r.window[place])
	r.window[place] = position
	r.read++
}
