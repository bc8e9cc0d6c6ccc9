package facttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func TestRightStorePasses(t *testing.T) {
	t.Parallel()
	TestProjectingStore(t, func(_ *testing.T, w Wiring) fact.EventStore { return newRight(w) })
}

func TestProjectingStoreFindsFaultyProjections(t *testing.T) {
	requireFound(t, slices.Concat(projectorRules(), unitRules(), unitOfWorkRules(), []rule{
		{name: "AppendAt inside a projector counts the unit of work", run: ruleNestedAppendAt},
	}), faultyProjections())
}

func TestProjectingStoreFindsFaultyPublishing(t *testing.T) {
	requireFound(t, append(publisherRules(), rule{name: "Flush waits for the publishers", run: ruleFlush}), faultyPublishing())
}

func faultyProjections() []broken {
	return slices.Concat(faultyCalls(), []broken{
		{"commits before projecting", newEager, []string{
			"projectors run before the commit",
			"nested appends are undone when the outer one fails",
			"a failed nested append takes back what it nested",
		}},
		{"stores over nested events", newStale, []string{
			"projectors see every event complete and in order",
			"a projector may append to the same stream",
			"load inside a projector sees the unit of work",
		}},
		{"locks against nested appends", newLocked(), []string{
			"a projector may append to the same stream",
			"a projector may append to another stream",
			"goroutines of a projector may share its ctx",
		}},
		{"fails for good when a nested append fails", newDoomed, []string{"a failed nested append can be survived"}},
		{"refuses units of work of other stores", newRefusesOthers(), []string{"a projector may append to another store"}},
		{"undoes the appends to other stores", newUndoesOthers(), []string{"appends to another store are that store's own"}},
		{"takes any projector's ctx for its own", newTakesAny(), []string{"InUnitOfWork tells whose ctx it is"}},
		{"calls at once what waits for the commit", newCallsAtOnce, []string{
			"AfterCommit waits for the commit", "AfterCommit is forgotten with what is undone",
		}},
		{"compares with the committed sequence", newComparesCommitted, []string{
			"AppendAt inside a projector counts the unit of work",
		}},
	})
}

// faultyCalls are stores that call projectors wrongly.
func faultyCalls() []broken {
	return []broken{
		{"projects in reverse", func(w Wiring) fact.EventStore {
			slices.Reverse(w.Projectors)
			return newRight(w)
		}, []string{"projectors see every event complete and in order"}},
		{"shares an event among projectors", func(w Wiring) fact.EventStore {
			all := storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				for _, p := range w.Projectors {
					if err := p.Handle(ctx, e); err != nil {
						return err
					}
				}
				return nil
			})
			return newRight(Wiring{Projectors: []fact.Projector{all}})
		}, []string{"projectors get copies"}},
		{"ignores the errors of projectors", mapProjectors(func(p fact.Projector) fact.Projector {
			return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				_ = p.Handle(ctx, e)
				return nil
			})
		}), []string{"a projector's error leaves nothing stored"}},
		{"ignores the panics of projectors", mapProjectors(func(p fact.Projector) fact.Projector {
			return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				defer func() { _ = recover() }()
				return p.Handle(ctx, e)
			})
		}), []string{"a projector's panic is an error and leaves nothing stored"}},
		{"lets panics out", wrap(func(inner *fact.MemoryStore, _ Wiring) func(context.Context, string, []fact.Event) error {
			return func(ctx context.Context, stream string, events []fact.Event) error {
				err := inner.Append(ctx, stream, events)
				var panicked *fact.PanicError
				if errors.As(err, &panicked) {
					panic(panicked.Value)
				}
				return err
			}
		}), []string{"a projector's panic is an error and leaves nothing stored"}},
		{"gives projectors another ctx", mapProjectors(func(p fact.Projector) fact.Projector {
			return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error { return p.Handle(hidden{ctx}, e) })
		}), []string{
			"a projector may append to the same stream",
			"load inside a projector sees the unit of work",
			"goroutines of a projector may share its ctx",
		}},
		{"projects outermost events only", mapProjectors(func(p fact.Projector) fact.Projector {
			marked := markNested(p)
			return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				if isNested(ctx) {
					return nil
				}
				return marked.Handle(ctx, e)
			})
		}), []string{"nested events are projected too"}},
		{"ends the ctx with the projector", mapProjectors(func(p fact.Projector) fact.Projector {
			return storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				return p.Handle(ctx, e)
			})
		}), []string{"the ctx of a finished projector is an ordinary one"}},
	}
}

// newDoomed fails the whole unit of work when any append in it failed.
func newDoomed(w Wiring) fact.EventStore {
	var mu sync.Mutex
	var nestedErr error
	for i, p := range w.Projectors {
		w.Projectors[i] = markNested(p)
	}
	inner := newRight(w)
	return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
		err := inner.Append(ctx, stream, events)
		mu.Lock()
		defer mu.Unlock()
		if isNested(ctx) {
			nestedErr = errors.Join(nestedErr, err)
		} else if err == nil {
			err = nestedErr
		}
		return err
	}}
}

// newRefusesOthers fails appends by the projectors of other stores.
func newRefusesOthers() func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		plain := len(w.Projectors) == 0
		for i, p := range w.Projectors {
			w.Projectors[i] = markNested(p)
		}
		inner := newRight(w)
		return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
			if plain && isNested(ctx) {
				return errors.New("unit of work of another store")
			}
			return inner.Append(ctx, stream, events)
		}}
	}
}

// newUndoesOthers takes back what it appended for the projector of another store
// that fails, as a unit of work of two stores would.
func newUndoesOthers() func(Wiring) fact.EventStore {
	type undoKey struct{}
	return func(w Wiring) fact.EventStore {
		inner := newRight(w)
		return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
			if undo, ok := ctx.Value(undoKey{}).(*[]func() error); ok && len(w.Projectors) == 0 {
				*undo = append(*undo, func() error { return inner.Append(hidden{ctx}, stream, events) })
				return nil
			}
			var held []func() error
			err := inner.Append(context.WithValue(ctx, undoKey{}, &held), stream, events)
			for _, do := range held {
				if err == nil {
					err = do()
				}
			}
			return err
		}}
	}
}

// takesAny is in a unit of work whenever a projector is running.
type takesAny struct{ *fact.MemoryStore }

func newTakesAny() func(Wiring) fact.EventStore {
	return func(w Wiring) fact.EventStore {
		for i, p := range w.Projectors {
			w.Projectors[i] = markNested(p)
		}
		return takesAny{newRight(w)}
	}
}

func (takesAny) InUnitOfWork(ctx context.Context) (bool, error) { return isNested(ctx), nil }

// callsAtOnce does not wait for the commit.
type callsAtOnce struct{ *fact.MemoryStore }

func newCallsAtOnce(w Wiring) fact.EventStore { return callsAtOnce{newRight(w)} }

func (s callsAtOnce) AfterCommit(ctx context.Context, do func()) (bool, error) {
	in, err := s.InUnitOfWork(ctx)
	if in {
		do()
	}
	return in, err
}

// comparesCommitted has an AppendAt that does not see the unit of work.
type comparesCommitted struct{ *fact.MemoryStore }

func newComparesCommitted(w Wiring) fact.EventStore { return comparesCommitted{newRight(w)} }

func (s comparesCommitted) AppendAt(ctx context.Context, stream string, last int64, events []fact.Event) error {
	committed, err := s.Load(hidden{ctx}, stream)
	if err != nil {
		return err
	}
	if actual := int64(len(committed)); actual != last {
		return &fact.ConflictError{Stream: stream, Expected: last, Actual: actual}
	}
	return s.Append(ctx, stream, events)
}

func faultyPublishing() []broken {
	return slices.Concat(faultyPublish(), []broken{
		{"publishes every append by itself, and at once", newEager, []string{
			"each outermost append is published once and whole, after the commit",
			"a failed append is not published",
			"a slow publisher does not hold up append",
			"publishing outlives the caller's ctx and keeps its values",
		}},
		{"publishes what the outermost append was given", newPublishesOwn, []string{
			"each outermost append is published once and whole, after the commit",
			"each store's publishers get that store's events",
		}},
		{"publishes with the caller's ctx", newCallersContext, []string{
			"publishing outlives the caller's ctx and keeps its values",
		}},
		{"lets the panics of publishers out", newPublishesOwn, []string{
			"a publisher's panic is reported and the rest goes on",
		}},
		{"keeps publish errors to itself", func(w Wiring) fact.EventStore {
			w.OnPublishError = nil
			return newRight(w)
		}, []string{"a publisher's error is reported and the rest goes on"}},
		{"shares events among publishers", func(w Wiring) fact.EventStore {
			all := storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
				for _, p := range w.Publishers {
					_ = p.Publish(ctx, events)
				}
				return nil
			})
			return newRight(Wiring{Publishers: []fact.Publisher{all}})
		}, []string{"publishers get copies"}},
		{"does not flush", func(w Wiring) fact.EventStore { return doesNotFlush{newRight(w)} }, []string{
			"Flush waits for the publishers",
		}},
	})
}

// faultyPublish are stores that call publishers wrongly.
func faultyPublish() []broken {
	return []broken{
		{"publishes with an empty ctx", mapPublishers(func(p fact.Publisher) fact.Publisher {
			return storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error { return p.Publish(hidden{ctx}, events) })
		}), []string{"publishing outlives the caller's ctx and keeps its values"}},
		{"publishes in any order", mapPublishers(func(p fact.Publisher) fact.Publisher {
			var first []fact.Event
			return storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
				if first == nil {
					first = events
					return nil
				}
				err := errors.Join(p.Publish(ctx, events), p.Publish(ctx, first))
				first = nil
				return err
			})
		}), []string{"publishers get commits in order"}},
		{"stops publishing at an error", mapPublishers(func(p fact.Publisher) fact.Publisher {
			var stopped error
			return storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
				if stopped == nil {
					stopped = p.Publish(ctx, events)
					return stopped
				}
				return nil
			})
		}), []string{"a publisher's error is reported and the rest goes on"}},
		{"refuses what publishers append", func(w Wiring) fact.EventStore {
			for i, p := range w.Publishers {
				w.Publishers[i] = storetest.PublisherFunc(func(ctx context.Context, events []fact.Event) error {
					return p.Publish(context.WithValue(ctx, nestedKey{}, true), events)
				})
			}
			inner := newRight(w)
			return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
				if isNested(ctx) {
					return errors.New("busy publishing")
				}
				return inner.Append(ctx, stream, events)
			}}
		}, []string{"a publisher may append"}},
		{"publishes before the commit", func(w Wiring) fact.EventStore {
			w.Projectors = append(w.Projectors, storetest.ProjectorFunc(func(ctx context.Context, e fact.Event) error {
				for _, p := range w.Publishers {
					_ = p.Publish(ctx, []fact.Event{e})
				}
				return nil
			}))
			w.Projectors[0], w.Projectors[len(w.Projectors)-1] = w.Projectors[len(w.Projectors)-1], w.Projectors[0]
			return newRight(Wiring{Projectors: w.Projectors})
		}, []string{
			"each outermost append is published once and whole, after the commit",
			"a failed append is not published",
		}},
	}
}

// newPublishesOwn publishes, in the goroutine of the outermost append, the
// events that was given, and forgets the nested ones.
func newPublishesOwn(w Wiring) fact.EventStore {
	for i, p := range w.Projectors {
		w.Projectors[i] = markNested(p)
	}
	inner := newRight(Wiring{Projectors: w.Projectors})
	return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
		stored, err := inner.AppendReturning(ctx, stream, events)
		if err != nil || isNested(ctx) {
			return err
		}
		for _, p := range w.Publishers {
			_ = p.Publish(context.WithoutCancel(ctx), copies(stored))
		}
		return nil
	}}
}

// newCallersContext publishes in the background, but with the ctx of Append.
func newCallersContext(w Wiring) fact.EventStore {
	var callers sync.Map // ctx by stream and place
	for i, p := range w.Publishers {
		w.Publishers[i] = storetest.PublisherFunc(func(_ context.Context, events []fact.Event) error {
			ctx, _ := callers.Load(events[0].ID)
			caller, ok := ctx.(context.Context)
			if !ok {
				return errors.New("no ctx")
			}
			return p.Publish(caller, events)
		})
	}
	inner := newRight(w)
	return &wrapped{inner, func(ctx context.Context, stream string, events []fact.Event) error {
		events = copies(events)
		for i := range events {
			events[i].ID = fact.NewEventID()
			callers.Store(events[i].ID, ctx)
		}
		return inner.Append(ctx, stream, events)
	}}
}

// doesNotFlush returns from Flush at once.
type doesNotFlush struct{ *fact.MemoryStore }

func (doesNotFlush) Flush(context.Context) error { return nil }

func TestTimeoutIsAnOption(t *testing.T) {
	t.Parallel()
	if got := newOptions([]Option{WithTimeout(time.Minute)}).timeout; got != time.Minute {
		t.Errorf("timeout is %v", got)
	}
}
