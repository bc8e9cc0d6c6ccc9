package erase

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/factload/factload/fact"
)

// eraseBatch is how many events are erased at once.
const eraseBatch = 1000

// eraseLog erases the events, and what is left of them in the log's files.
func (e *eraser) eraseLog(ctx context.Context) (erased uint64, err error) {
	match, err := e.matcher(ctx)
	if err != nil {
		return 0, err
	}
	var positions []int64
	var ids []string
	flush := func() error {
		if err := e.rememberValues(ctx, "id", ids...); err != nil {
			return err
		}
		n, err := e.Log.Erase(ctx, positions...)
		erased += uint64(n) //nolint:gosec // a count
		positions, ids = positions[:0], ids[:0]
		return err
	}
	for entry, err := range e.Log.ReadLog(ctx, "", 0) {
		if err != nil {
			return erased, err
		}
		if !match(entry.Event) {
			continue
		}
		positions = append(positions, entry.Position)
		if entry.ID != "" && !e.Expired {
			ids = append(ids, entry.ID)
		}
		if len(positions) == eraseBatch {
			if err := flush(); err != nil {
				return erased, err
			}
		}
	}
	if len(positions) > 0 {
		if err := flush(); err != nil {
			return erased, err
		}
	}
	if v, ok := e.Log.(interface {
		Vacuum(ctx context.Context) error
	}); ok {
		e.Progress("vacuuming the log")
		return erased, v.Vacuum(ctx)
	}
	return erased, nil
}

// matcher returns what tells the events of the facts.
func (e *eraser) matcher(ctx context.Context) (func(fact.Event) bool, error) {
	ids, err := e.ids(ctx)
	if err != nil {
		return nil, err
	}
	return func(event fact.Event) bool {
		if event.Type != e.Schema.Name {
			return false
		}
		if e.Expired {
			return event.OccurredAt.AddDate(0, 0, e.days).Before(e.now)
		}
		if ids[event.ID] {
			return true
		}
		if e.Field == "" {
			return false
		}
		f, err := fact.FactFromEvent(event)
		if err != nil {
			return false // it is no fact, and has no row
		}
		return e.hasValue(f)
	}, nil
}

// hasValue reports whether the fact has the value in the field.
func (e *eraser) hasValue(f fact.Fact) bool {
	path, err := e.field.Path()
	if err != nil {
		return false // of a schema that is valid it is none
	}
	value, ok := path.Lookup(f.Data)
	return ok && textOf(value) == e.Value
}

// textOf returns a value of JSON as text: that of a string, and what stands there for
// numbers and booleans.
func textOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(value)
}

func (e *eraser) lookAtLog(ctx context.Context) (Place, error) {
	p := Place{Kind: "log"}
	match, err := e.matcher(ctx)
	if err != nil {
		return p, err
	}
	for entry, err := range e.Log.ReadLog(ctx, "", 0) {
		if err != nil {
			return p, err
		}
		p.LookedAt++
		if match(entry.Event) {
			p.Left++
		}
	}
	return p, nil
}
